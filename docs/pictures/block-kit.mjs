// A page that shows messages of Slack's Block Kit about as Slack does: what the pictures of the README are made of.

/** The page of some payloads, one message under the other. */
export function pageOf(payloads) {
  return `<!doctype html>
<meta charset="utf-8">
<style>${STYLE}</style>
<main>${payloads.map(messageOf).join('')}</main>
`;
}

const STYLE = `
  body { margin: 0; background: #fff; font: 15px/1.47 Lato, "Noto Sans", Arial, "Noto Color Emoji", sans-serif; color: #1d1c1d; }
  main { width: 640px; padding: 12px 20px; }
  article { display: grid; grid-template-columns: 36px 1fr; gap: 8px; padding: 8px 0; }
  .avatar { width: 36px; height: 36px; border-radius: 4px; background: #2f6f8f; color: #fff; font-weight: 900; line-height: 36px; text-align: center; }
  .who { font-weight: 900; }
  .app { background: #eee; border-radius: 2px; color: #616061; font-size: 10px; font-weight: 700; margin: 0 4px; padding: 1px 3px; vertical-align: 1px; }
  .at { color: #616061; font-size: 12px; }
  h3 { font-size: 18px; font-weight: 900; line-height: 1.33; margin: 4px 0; }
  p { margin: 4px 0; }
  .fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px; margin: 8px 0; }
  .context { color: #616061; font-size: 13px; margin: 4px 0; }
  hr { border: 0; border-top: 1px solid #ddd; margin: 12px 0; }
  code { background: #f6f6f6; border: 1px solid #ddd; border-radius: 3px; color: #c01343; font: 12px "DejaVu Sans Mono", monospace; padding: 1px 3px; white-space: nowrap; }
  a { color: #1264a3; text-decoration: none; }
  blockquote { border-left: 4px solid #ddd; margin: 4px 0; padding-left: 12px; }
`;

function messageOf({ text, blocks }) {
  const body = blocks === undefined ? `<p>${markup(text)}</p>` : blocks.map(blockOf).join('');
  const who = '<span class="who">castbridge</span><span class="app">APP</span><span class="at">10:24 AM</span>';
  return `<article><div class="avatar">c</div><div>${who}${body}</div></article>`;
}

function blockOf(block) {
  switch (block.type) {
    case 'header':
      return `<h3>${block.text.text}</h3>`;
    case 'section':
      return (
        (block.text === undefined ? '' : `<p>${markup(block.text.text)}</p>`) +
        (block.fields === undefined ? '' : `<div class="fields">${block.fields.map(({ text }) => `<div>${markup(text)}</div>`).join('')}</div>`)
      );
    case 'context':
      return `<div class="context">${block.elements.map(({ text }) => markup(text)).join(' ')}</div>`;
    case 'divider':
      return '<hr>';
    default:
      throw new Error(`the page does not show blocks of the type ${block.type}`);
  }
}

/** Slack's markup as HTML. Its entities are those of HTML. */
function markup(text) {
  return text
    .replace(/<!date\^(\d+)\^[^|>]*\|[^>]*>/g, (_, seconds) => timeOf(Number(seconds)))
    .replace(/<(https?:[^|>]+)\|([^>]+)>/g, (_, url, words) => `<a href="${url.replaceAll('"', '%22')}">${words}</a>`)
    .replace(/`([^`\n]+)`/g, '<code>$1</code>')
    .replace(/(^|[\s(])\*([^*\n]+)\*/g, '$1<b>$2</b>')
    .replace(/(^|\n)> ([^\n]*)/g, '$1<blockquote>$2</blockquote>')
    .replaceAll('\n', '<br>')
    .replaceAll('<br><blockquote>', '<blockquote>');
}

/** As a reader in Berlin sees it. */
function timeOf(seconds) {
  const format = { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'Europe/Berlin' };
  return new Intl.DateTimeFormat('en-US', format).format(new Date(seconds * 1_000));
}
