/** Basic authentication for the user and password of a URL; null where it has none. */
export function basicOf(url: URL): string | null {
  if (url.username === '' && url.password === '') return null;
  return Buffer.from(`${decoded(url.username)}:${decoded(url.password)}`).toString('base64');
}

/** A text without its percent-encoding; as it is, where that is broken. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
