import jsonc, { type ParseError } from 'jsonc-parser';

const QUOTES = 'a text stands in double quotes, and a quote inside it is written \\" (in a template of Cast AI: toEscapedString or toJSON)';
const TOO_DEEP = 'it is nested too deeply to say where';

/** Where a text that is no JSON goes wrong, and what to do: one line for whoever wrote it. Quotes nothing of it, since it may hold secrets. */
export function jsonFault(text: string): string {
  if (text.trim() === '') return 'the body is empty';
  const first = firstError(text);
  if (first === null) return `the body is not valid JSON: ${TOO_DEEP}`;
  const before = text.slice(0, first.offset);
  const line = before.split('\n').length;
  const column = Array.from(before.slice(before.lastIndexOf('\n') + 1)).length + 1;
  return `the body is not valid JSON at line ${line}, column ${column}: ${wordsOf(first, text)}`;
}

function firstError(text: string): ParseError | null {
  const errors: ParseError[] = [];
  try {
    jsonc.parse(text, errors, { disallowComments: true, allowTrailingComma: false });
  } catch (error) {
    // It calls itself for every level.
    if (!(error instanceof RangeError)) throw error;
  }
  return errors[0] ?? null;
}

function wordsOf({ error, offset, length }: ParseError, text: string): string {
  const [token, next] = [text.slice(offset, offset + length), text[offset] ?? ''];
  const isAfterComma = text.slice(0, offset).trimEnd().endsWith(',');
  switch (jsonc.printParseErrorCode(error)) {
    case 'InvalidSymbol':
      if (token.startsWith('<no')) return 'a variable of the template has no value';
      return token.startsWith("'") ? 'single quotes stand where JSON has double quotes' : `this is no value; ${QUOTES}`;
    case 'PropertyNameExpected':
      if (next === '{') return 'a variable of the template was not filled in';
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
