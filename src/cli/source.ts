import { randomBytes } from 'node:crypto';
import type { SourceConfiguration } from '../config/configuration.js';
import type { Format } from '../core/source.js';
import { originOf } from '../core/origin.js';
import { configured } from './configured.js';
import { EXIT, Failure } from './exit.js';
import type { Invocation } from './invocation.js';
import { sourceNamed } from './source-named.js';

interface Options {
  readonly url?: string;
  readonly reveal?: boolean;
}

/** In the place of a secret, where it is not to be shown. */
const HIDDEN = '<the secret>';

/** `castbridge source NAME`: what to put into its sender's form, and a command that tries it. Secrets are shown with --reveal alone. */
export function source(invocation: Invocation, name: string | undefined, options: Options): Promise<number> {
  const { config } = configured(invocation);
  const found = sourceOf(name, config.sources);
  const { host, port } = config.server;
  const base = baseOf(options.url ?? originOf(host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host, port));
  const guide = guideOf(found, base, options.reveal === true);
  if (invocation.json) invocation.out(JSON.stringify(guide));
  else for (const line of linesOf(guide, options)) invocation.out(line);
  return Promise.resolve(EXIT.done);
}

function sourceOf(name: string | undefined, sources: readonly SourceConfiguration[]): SourceConfiguration {
  const [only, ...others] = sources;
  if (name === undefined && others.length > 0) throw new Failure(EXIT.usage, `name a source, one of ${sources.map((one) => one.name).join(', ')}`);
  return name === undefined && only !== undefined ? only : sourceNamed(name ?? '', sources);
}

/** Without a slash at its end. */
function baseOf(url: string): string {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new Failure(EXIT.usage, `"${url}" is no URL; write it as in --url https://hooks.example.com`);
  return url.replace(/\/+$/, '');
}

interface Guide {
  readonly source: string;
  readonly url: string;
  readonly sender: readonly string[];
  /** What stands in the sender's form for its bodies; null: it has its own. */
  readonly template: NonNullable<Format['template']> | null;
  /** Lines of a shell with curl, and openssl where the sender signs. */
  readonly shell: readonly string[];
}

function guideOf({ name, path, format, setup, signingSecret }: SourceConfiguration, base: string, reveal: boolean): Guide {
  const url = `${base}${path}`;
  const { body, headers: sent } = format.sample(`test-${randomBytes(4).toString('hex')}`);
  const { sender, headers } = setup(sent);
  const secret = reveal && signingSecret !== null ? signingSecret : HIDDEN;
  const all = ['content-type: application/json', ...Object.entries(sent).map(([header, value]) => `${header}: ${value}`), ...headers];
  const text = all.join('\n');
  return {
    source: name,
    url,
    sender: sender.map((line) => line.replaceAll(HIDDEN, secret)),
    template: format.template ?? null,
    shell: [
      ...(text.includes('${SECRET}') || text.includes('${SECRET#') ? [`SECRET=${quoted(secret)}`] : []),
      ...(text.includes('${T}') ? ['T=$(date +%s)'] : []),
      `BODY=${quoted(body)}`,
      `curl -sS ${quoted(url)} --data-binary "\${BODY}" ${all.map((header) => `\\\n  -H "${header}"`).join(' ')}`,
    ],
  };
}

function linesOf({ source: name, url, sender, template, shell }: Guide, { url: given, reveal }: Options): string[] {
  const isLocal = given === undefined;
  return [
    `source ${name}`,
    '',
    'In the form of its sender',
    `  URL: ${url}${isLocal ? '   (--url https://… puts in the one by which the sender reaches it)' : ''}`,
    '  Method: POST, the body as JSON; a header Content-Type is not needed',
    ...sender.map((line) => `  ${line}`),
    ...(template === null ? [] : [`  ${template.title}:`, '', ...template.text.split('\n').map((line) => `    ${line}`)]),
    '',
    `To try it, from a shell${reveal === true ? '' : ' (--reveal puts in the secret)'}`,
    '',
    ...shell.flatMap((line) => line.split('\n').map((part) => `  ${part}`)),
  ];
}

/** A text as one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
