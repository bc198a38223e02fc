import { textOf } from './json-body.js';
import { decoded, isObject, own, readObject, text, unreadable, type JsonObject } from './fields.js';
import { formatWithoutKeys } from './kind.js';

/** GitHub's webhooks. https://docs.github.com/en/webhooks/webhook-events-and-payloads */
export const github = formatWithoutKeys({
  type: 'github',
  description:
    'A webhook of GitHub, with the content type `application/json`. Its id is the header `x-github-delivery`; its type is `github.EVENT.ACTION`, such as `github.issues.opened`, or `github.EVENT` where there is no action; its name is that of the repository or of the organization; `data` is the body.',
  payload: {
    type: 'object',
    description:
      'a payload of GitHub, by the event that the header castbridge-type names: https://docs.github.com/en/webhooks/webhook-events-and-payloads',
    properties: {
      action: { description: 'the last part of the type, where the event has one' },
      repository: { description: 'the repository; its `full_name` is the name of the event' },
      organization: { description: 'the organization; its `login` is the name of the event, where there is no repository' },
    },
  },
  headers: ['x-github-delivery', 'x-github-event'],
  sample: (id) => ({ body: '{"zen":"Sent by hand."}', headers: { 'x-github-delivery': id, 'x-github-event': 'ping' } }),
  decode(bytes, headers) {
    if (isForm(bytes)) return unreadable('the body is a form: choose the content type application/json in the settings of the webhook');
    return readObject(bytes, (body) => {
      const kind = headers['x-github-event'] ?? '';
      const action = text(body, 'action');
      const type = kind === '' ? '' : ['github', kind, ...(action === null ? [] : [action])].join('.');
      const event = {
        id: headers['x-github-delivery'] ?? null,
        type,
        severity: null,
        name: textAt(body, 'repository', 'full_name') ?? textAt(body, 'organization', 'login'),
        message: null,
        cluster: { id: null, name: null },
        time: null,
        data: body,
        body,
      };
      return decoded(event, { id: 'the header x-github-delivery', type: 'the header x-github-event' });
    });
  },
});

function isForm(bytes: Buffer): boolean {
  return textOf(bytes.subarray(0, 8)) === 'payload=';
}

function textAt(body: JsonObject, key: string, inner: string): string | null {
  const value = own(body, key);
  return isObject(value) ? text(value, inner) : null;
}
