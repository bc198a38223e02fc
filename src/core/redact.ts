/** Replaces every secret in a text that may be shown: what a far side answers can hold what it was sent. */
export type Redact = (text: string) => string;

/** Also finds secrets in the forms they take inside URLs and JSON, with `/` escaped or not. */
export function createRedact(secrets: readonly string[]): Redact {
  const forms = secrets.flatMap((secret) => {
    const inJson = JSON.stringify(secret).slice(1, -1);
    return [secret, encodeURIComponent(secret.replace(/\p{Surrogate}/gu, '\uFFFD')), inJson, inJson.replaceAll('/', '\\/')];
  });
  const longestFirst = [...new Set(forms)].filter((form) => form !== '').sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((shown, secret) => shown.replaceAll(secret, '[redacted]'), text);
}

/** Redacts for several configurations at once: the one in force, and those that something is still sent by. */
export interface Redaction {
  readonly redact: Redact;
  /** Lists are told apart by what they are, not by what they hold. */
  readonly add: (secrets: readonly string[]) => void;
  readonly remove: (secrets: readonly string[]) => void;
}

export function createRedaction(): Redaction {
  const lists = new Set<readonly string[]>();
  let redact = createRedact([]);
  const renew = (): void => {
    redact = createRedact([...lists].flat());
  };
  return {
    redact: (text) => redact(text),
    add(secrets) {
      lists.add(secrets);
      renew();
    },
    remove(secrets) {
      lists.delete(secrets);
      renew();
    },
  };
}
