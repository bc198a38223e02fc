/** Secrets that can be found again: each place that holds one has its own. */
export const CANARIES = {
  webhook: 'canaryWebhook1aZ9',
  token: 'canaryToken2bY8+/=',
  slack: 'canarySlack3cX7wV6uT5',
  user: 'canaryUser4dW6',
  password: 'canaryPass5eV5',
  query: 'canaryQuery6fU4',
  header: 'canaryHeader7gT3',
  sasl: 'ca4a95a518b2d41f0e68',
  key: 'canaryKey9iR1',
  api: 'canaryApiKey0jQ2xW',
  bearer: 'canaryBearer1kP4yU',
  signing: 'canarySigning2lN6zT8',
  proxy: 'canaryProxy3mM8aS',
} as const;

/** Where a secret shows in a text, in any form it takes on its way: names of the canaries. */
export function canariesIn(text: string): string[] {
  return Object.entries(CANARIES)
    .filter(([, secret]) => formsOf(secret).some((form) => text.includes(form)))
    .map(([name]) => name);
}

function formsOf(secret: string): string[] {
  const basic = Buffer.from(`${CANARIES.user}:${CANARIES.password}`).toString('base64');
  const inJson = JSON.stringify(secret).slice(1, -1);
  const forms = [
    secret,
    encodeURIComponent(secret),
    inJson,
    inJson.replaceAll('/', '\\/'),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  ];
  return secret === CANARIES.user || secret === CANARIES.password ? [...forms, basic] : forms;
}
