/** A body as JSON can hold it: a text, or, where the bytes are no UTF-8, `{ base64 }`. */
export function shownBody(body: Buffer | string): string | { readonly base64: string } {
  if (typeof body === 'string') return body;
  const text = body.toString('utf8');
  return Buffer.from(text).equals(body) ? text : { base64: body.toString('base64') };
}
