import { originOf } from '../core/origin.js';
import type { OperationsConfiguration } from '../config/configuration.js';
import { loadConfig } from '../config/load.js';
import { kinds } from '../kinds.js';
import { refused } from './configured.js';
import { EXIT, Failure } from './exit.js';
import type { Invocation } from './invocation.js';

/** A call of the operators' API of the bridge that the configuration describes. */
export type Call = (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown>;

/** How long an answer may take: a page of a large store, on a disk that is busy. */
const ANSWER_MS = 120_000;

export function connect(invocation: Invocation): Call {
  const ask = asking(invocation);
  return async (method, path, body) => (await ask(method, path, AbortSignal.timeout(ANSWER_MS), body)).json();
}

/** An answer of the API that goes on until `signal`. */
export async function streamFrom(invocation: Invocation, path: string, signal: AbortSignal): Promise<ReadableStream> {
  const { body } = await asking(invocation)('GET', path, signal);
  if (body === null) throw new Failure(EXIT.no, 'the bridge answered nothing');
  return body;
}

/** Asks for what is there: any other answer than a good one is a failure. */
function asking(invocation: Invocation) {
  const operations = operationsOf(invocation);
  const origin = originOf(operations.host, operations.port);
  return async (method: 'GET' | 'POST', path: string, signal: AbortSignal, body?: object): Promise<Response> => {
    const answer = await fetch(`${origin}${path}`, {
      method,
      headers: {
        ...(operations.token === null ? {} : { authorization: `Bearer ${operations.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    }).catch((error: unknown) => {
      throw new Failure(
        EXIT.unreachable,
        `no bridge answers at ${origin} (${causeOf(error)}): start it with \`castbridge serve --config ${invocation.config}\``,
      );
    });
    if (answer.ok) return answer;
    throw new Failure(EXIT.no, errorIn(await answer.text()) ?? `the bridge answered ${answer.status}`);
  };
}

/** Of a file with mistakes elsewhere, too: a bridge may go by what it said before, or have variables that are not set here. */
function operationsOf({ config, env, err }: Invocation): OperationsConfiguration {
  const loaded = loadConfig(config, env, kinds);
  if (loaded.ok) return loaded.config.operations;
  if (loaded.operations === undefined) throw refused(config, loaded.problems, err);
  return loaded.operations;
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return error instanceof Error ? error.message : String(error);
}

function errorIn(text: string): string | null {
  try {
    const parsed = JSON.parse(text) as { error?: unknown };
    return typeof parsed.error === 'string' ? parsed.error : null;
  } catch {
    return null;
  }
}

/** A query string of what is given. */
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).flatMap(([key, value]): [string, string][] => (value === undefined ? [] : [[key, String(value)]]));
  return new URLSearchParams(given).toString();
}
