import jsonc, { type ParseErrorCode } from 'jsonc-parser';

const QUOTES = 'a text stands in double quotes, and a quote inside it is written \\" (in a template of Cast AI: toEscapedString or toJSON)';

/** Where a text that is no JSON goes wrong, and what to do: one line for whoever wrote it. Quotes nothing of it, since it may hold secrets. */
export function jsonFault(text: string): string {
  if (text.trim() === '') return 'the body is empty';
  const fault = firstFault(text);
  if (fault === null) return 'the body is not valid JSON: it is nested too deeply to say where';
  const before = text.slice(0, fault.offset);
  const line = before.split('\n').length;
  const column = Array.from(before.slice(before.lastIndexOf('\n') + 1)).length + 1;
  return `the body is not valid JSON at line ${line}, column ${column}: ${wordsOf(fault, text)}`;
}

/** Thrown to end the reading: what follows the first fault of a large body may be a fault at every character. */
class Fault extends Error {
  constructor(
    readonly code: ParseErrorCode,
    readonly offset: number,
    readonly length: number,
  ) {
    super();
  }
}

function firstFault(text: string): Fault | null {
  const onError = (code: ParseErrorCode, offset: number, length: number): never => {
    throw new Fault(code, offset, length);
  };
  try {
    jsonc.visit(text, { onError }, { disallowComments: true, allowTrailingComma: false });
    return null;
  } catch (error) {
    if (error instanceof Fault) return error;
    // It calls itself for every level.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function wordsOf({ code, offset, length }: Fault, text: string): string {
  const [token, next] = [text.slice(offset, offset + length), text[offset] ?? ''];
  const isAfterComma = text.slice(0, offset).trimEnd().endsWith(',');
  switch (jsonc.printParseErrorCode(code)) {
    case 'InvalidSymbol':
      if (token.startsWith('<no')) return 'a variable of the template has no value';
      return token.startsWith("'") ? 'single quotes stand where JSON has double quotes' : `this is no value; ${QUOTES}`;
    case 'PropertyNameExpected':
      if (next === '{' && text[offset - 1] === '{') return 'a variable of the template was not filled in';
      return isAfterComma ? `a comma stands before "${next}"; take it out` : 'the name of a key is wanted, in double quotes';
    case 'ValueExpected':
      if (isAfterComma) return next === ',' ? 'two commas stand side by side' : `a comma stands before "${next}"; take it out`;
      return 'a value is missing; a variable of a template that is empty leaves nothing: put it in double quotes, or use toJSON';
    case 'ColonExpected':
      return `a ":" is wanted; ${QUOTES}`;
    case 'CommaExpected':
      return `a "," is wanted; ${QUOTES}`;
    case 'CloseBraceExpected':
      return 'it ends here, and a "}" is missing';
    case 'CloseBracketExpected':
      return 'it ends here, and a "]" is missing';
    case 'EndOfFileExpected':
      return 'something stands behind its end';
    case 'InvalidCommentToken':
    case 'UnexpectedEndOfComment':
      return 'JSON has no comments';
    case 'UnexpectedEndOfString':
      return `this text does not end on its line; a line end inside a text is written \\n, and ${QUOTES}`;
    case 'InvalidNumberFormat':
    case 'UnexpectedEndOfNumber':
      return 'this is no number';
    case 'InvalidUnicode':
    case 'InvalidEscapeCharacter':
    case 'InvalidCharacter':
    case '<unknown ParseErrorCode>':
      return 'this text holds a character or an escape that JSON does not have; a tab is written \\t, a backslash \\\\';
  }
}
