import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from 'undici';
import { originOf } from '../core/origin.js';
import { signCastai } from '../sources/verify/castai.js';
import { configured } from './configured.js';
import { EXIT, Failure } from './exit.js';
import type { Invocation } from './invocation.js';

/** Requests under way at once. */
const CONNECTIONS = 64;
const PROGRESS_MS = 2_000;

/** In the place of a status. */
const NO_ANSWER = 0;

interface Options {
  readonly url?: string;
  readonly data?: string;
  readonly id?: string;
  readonly secretFile?: string;
  readonly count: number;
  readonly rate?: number;
}

/** The envelope of Cast AI's signed webhooks. */
interface Envelope {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly created: string;
}

interface Answer {
  readonly id: string;
  readonly status: number;
  readonly body: string;
  readonly ms: number;
}

/** `castbridge trigger TYPE`: posts events signed as Cast AI's envelope is. The answer is no where one was not accepted. */
export async function trigger(invocation: Invocation, type: string, options: Options): Promise<number> {
  const { url, secret } = target(invocation, options);
  const data = dataOf(options.data);
  const post = (agent: Agent) =>
    postOne(agent, url, secret, { id: options.id ?? `evt_${randomUUID()}`, type, data, created: new Date().toISOString() });
  const agent = new Agent({ connections: CONNECTIONS });
  try {
    const answers = await postAll(options, () => post(agent), invocation);
    const [first] = answers;
    if (first !== undefined && answers.every(({ status }) => status === NO_ANSWER))
      throw new Failure(EXIT.unreachable, `nothing answers at ${url.origin} (${first.body}): is the bridge running?`);
    report(answers, url, invocation);
    return answers.every((answer) => answer.status === 200) ? EXIT.done : EXIT.no;
  } finally {
    await agent.close();
  }
}

function target(invocation: Invocation, { url, secretFile }: Options): { url: URL; secret: string } {
  if (url !== undefined && !URL.canParse(url)) throw new Failure(EXIT.usage, `"${url}" is no URL`);
  if (url !== undefined && secretFile !== undefined) return { url: new URL(url), secret: readSecret(secretFile) };
  const { server, sources } = configured(invocation).config;
  const signed = sources.filter((source) => source.verifyType === 'castai');
  const source = url === undefined ? signed[0] : signed.find((candidate) => candidate.path === new URL(url).pathname);
  const where = url ?? (source === undefined ? '' : `${originOf(server.host, server.port)}${source.path}`);
  const secret = secretFile === undefined ? source?.signingSecret : readSecret(secretFile);
  if (where === '' || secret === undefined || secret === null) {
    throw new Failure(
      EXIT.usage,
      `${invocation.config} has no source of type castai${url === undefined ? '' : ' at this path'}: give --url and --secret-file`,
    );
  }
  return { url: new URL(where), secret };
}

function readSecret(file: string): string {
  const secret = readText(file).trim();
  if (secret === '') throw new Failure(EXIT.usage, `${file} holds no secret`);
  return secret;
}

function dataOf(file: string | undefined): unknown {
  if (file === undefined) return {};
  try {
    return JSON.parse(readText(file === '-' ? 0 : file));
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(EXIT.usage, `${file} is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readText(file: string | number): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(EXIT.usage, `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function postOne(agent: Agent, url: URL, secret: string, event: Envelope): Promise<Answer> {
  const body = Buffer.from(JSON.stringify(event));
  const timestamp = Math.floor(Date.now() / 1000);
  const started = performance.now();
  try {
    const answer = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-castai-timestamp': String(timestamp),
        'x-castai-signature': signCastai(secret, timestamp, body),
      },
      body,
    });
    return { id: event.id, status: answer.statusCode, body: await answer.body.text(), ms: performance.now() - started };
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { id: event.id, status: NO_ANSWER, body: why, ms: performance.now() - started };
  }
}

async function postAll({ count, rate }: Options, post: () => Promise<Answer>, { err, json }: Invocation): Promise<Answer[]> {
  const answers: Answer[] = [];
  const started = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const waitMs = rate === undefined ? 0 : started + (index * 1000) / rate - performance.now();
      if (waitMs > 0) await pause(waitMs);
      const answer = await post();
      answers.push(answer);
      // Where nothing has answered yet, the rest will not be either.
      if (answers.every(({ status }) => status === NO_ANSWER)) next = count;
    }
  };
  const progress = setInterval(() => {
    if (!json) err(`${answers.length} of ${count}`);
  }, PROGRESS_MS);
  try {
    await Promise.all(Array.from({ length: Math.min(CONNECTIONS, count) }, worker));
  } finally {
    clearInterval(progress);
    next = count;
  }
  return answers;
}

function report(answers: readonly Answer[], url: URL, { json, out }: Invocation): void {
  const [only] = answers;
  if (answers.length === 1 && only !== undefined) {
    out(json ? JSON.stringify({ url: url.href, id: only.id, status: only.status, answer: only.body }) : `${only.status} ${only.body}  id ${only.id}`);
    return;
  }
  const times = answers.map((answer) => answer.ms).sort((a, b) => a - b);
  const at = (share: number): number => Math.round((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0) * 10) / 10;
  const statuses: Record<string, number> = {};
  for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
  const duplicates = answers.filter((answer) => answer.body.includes('"duplicate":true')).length;
  const summary = { url: url.href, sent: answers.length, statuses, duplicates, p50Ms: at(0.5), p99Ms: at(0.99) };
  if (json) out(JSON.stringify(summary));
  else {
    const counts = Object.entries(statuses).map(([status, number]) => `${number} × ${Number(status) === NO_ANSWER ? 'no answer' : status}`);
    out(
      `${answers.length} sent: ${counts.join(', ')}${duplicates > 0 ? `, ${duplicates} duplicates` : ''}; p50 ${summary.p50Ms} ms, p99 ${summary.p99Ms} ms`,
    );
  }
}
