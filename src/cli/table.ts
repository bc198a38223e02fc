/** Rows under their headings, in columns. The last column is as wide as it is. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines.map((line) =>
    line
      .map((cell, column) => (column === headings.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** A text of somebody else's on one line, without what would move the cursor. */
export function oneLine(text: string, max = 120): string {
  const flat = text.replace(/\s+/g, ' ').replace(/\p{Cc}/gu, '');
  return flat.length > max ? `${flat.slice(0, max - 1)}…` : flat;
}
