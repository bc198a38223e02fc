/** Why a file is no text, and where. */
export interface NoText {
  readonly line: number;
  readonly column: number;
  readonly what: string;
  readonly remedy: string;
}

/** The text of a file's bytes. */
export function decodeFile(bytes: Buffer): string | NoText {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const remedy = 'save it as UTF-8';
    if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
      return { line: 1, column: 1, what: 'the file is UTF-16', remedy };
    // Bytes that are no UTF-8 decode to another length than theirs: up to the first of them both are the same.
    const text = bytes.toString('utf8');
    const sound = text.slice(0, firstWrong(bytes, text));
    const lines = sound.split('\n');
    return { line: lines.length, column: (lines.at(-1) ?? '').length + 1, what: 'this byte is no UTF-8', remedy };
  }
}

/** The index of the first replacement character that stands for a byte which is none. */
function firstWrong(bytes: Buffer, text: string): number {
  let offset = 0;
  for (let at = 0; at < text.length; at++) {
    const char = String.fromCodePoint(text.codePointAt(at) ?? 0);
    const encoded = Buffer.from(char);
    if (char === '\uFFFD' && !bytes.subarray(offset, offset + encoded.length).equals(encoded)) return at;
    offset += encoded.length;
    at += char.length - 1;
  }
  return text.length;
}
