/** `*` any run, `?` one character, everything else as it stands; the whole text must match. Linear in the text: no backtracking beyond the last `*`. */
export function compileGlob(pattern: string): (text: string) => boolean {
  if (pattern === '*') return () => true;
  if (!isGlob(pattern)) return (text) => text === pattern;
  return (text) => matches(pattern, text);
}

/** Is there anything in it that stands for something else? */
export function isGlob(pattern: string): boolean {
  return /[*?]/.test(pattern);
}

/** Does `wider` match whatever `narrower` matches? True only where that is certain. */
export function globCovers(wider: string, narrower: string): boolean {
  return matches(wider, narrower, (char) => char !== '*');
}

/** `single` says what a `?` stands for. */
function matches(pattern: string, text: string, single: (char: string | undefined) => boolean = () => true): boolean {
  let at = 0;
  let inPattern = 0;
  let star = -1;
  let starText = 0;
  while (at < text.length) {
    // A star first: in the text it is a character like others.
    if (pattern[inPattern] === '*') {
      star = inPattern++;
      starText = at;
    } else if (pattern[inPattern] === '?' ? single(text[at]) : pattern[inPattern] === text[at]) {
      inPattern++;
      at++;
    } else if (star !== -1) {
      inPattern = star + 1;
      at = ++starText;
    } else {
      return false;
    }
  }
  while (pattern[inPattern] === '*') inPattern++;
  return inPattern === pattern.length;
}
