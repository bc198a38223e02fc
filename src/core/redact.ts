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
