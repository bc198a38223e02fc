import type { Finding } from '../config/finding.js';

/** A finding as GitHub shows it beside the line: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands */
export function annotation(level: 'error' | 'warning', { file, line, column, path, what, remedy }: Finding): string {
  const title = path === '' ? '(document)' : path;
  return `::${level} file=${property(file)},line=${line},col=${column},title=${property(title)}::${message(`${what}; ${remedy}`)}`;
}

function message(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** A comma or a colon would end a property. */
function property(text: string): string {
  return message(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
