import type Router from '@koa/router';
import { randomBytes } from 'node:crypto';
import type { Store } from '../core/store.js';

/** The configuration that is in force, to be compared with another one. */
export interface InForce {
  readonly file: string;
  /** Those that are posted to. */
  readonly sources: readonly { readonly name: string; readonly path: string }[];
  /** Those that are asked for their events. */
  readonly pollers: readonly { readonly name: string }[];
  readonly describe: (salt: string) => unknown;
}

/** What `GET /-/config` answers. */
export interface InForceView {
  readonly file: string;
  /** What the fingerprints of secrets are made with: another one for every answer. */
  readonly salt: string;
  readonly config: unknown;
  /** Deliveries that wait, by sink. */
  readonly waiting: Readonly<Record<string, number>>;
}

/** What came of a reload. */
export type ReloadAnswer = { readonly ok: true } | { readonly ok: false; readonly problems: readonly string[]; readonly stopping?: true };

interface InForceDependencies {
  readonly inForce: () => InForce;
  /** Reads the configuration again; it is in force, or refused, when this returns. */
  readonly reload: () => Promise<ReloadAnswer>;
  readonly store: Pick<Store, 'stats'>;
}

/** What is behind `castbridge diff`, and a reload over HTTP. */
export function addInForce(router: Router, { inForce, reload, store }: InForceDependencies): void {
  router.post('/-/reload', async (context) => {
    const answer = await reload();
    context.status = answer.ok ? 200 : answer.stopping === true ? 503 : 422;
    context.body = answer;
  });

  router.get('/-/config', async (context) => {
    const { file, describe } = inForce();
    const salt = randomBytes(16).toString('hex');
    const { waiting } = await store.stats();
    const view: InForceView = { file, salt, config: describe(salt), waiting: Object.fromEntries(waiting.map(({ sink, count }) => [sink, count])) };
    context.body = view;
  });
}
