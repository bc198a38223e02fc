/** What is wrong with an expression or a template, in plain words. */
export interface Mistake {
  readonly what: string;
  readonly remedy: string;
  /** Of the token that is at fault. */
  readonly offset: number;
}

/** The fields of an event by their whole names; anything may stand below `event.data` and `event.body`. */
export const FIELD_PATHS = [
  'event.id',
  'event.source',
  'event.type',
  'event.severity',
  'event.name',
  'event.message',
  'event.cluster',
  'event.cluster.id',
  'event.cluster.name',
  'event.time',
  'event.receivedAt',
  'event.data',
  'event.body',
];

/** `event.cluster.name` for `clusterName`, `cluster_name` and `event.clusterName`: the same letters without what parts them. */
export function pathLike(word: string): string | null {
  const letters = (text: string): string =>
    text
      .replace(/^event\b/, '')
      .replace(/[^A-Za-z]/g, '')
      .toLowerCase();
  return FIELD_PATHS.find((path) => letters(path) === letters(word)) ?? null;
}
