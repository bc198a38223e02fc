import { CLOUDEVENTS_TYPE } from '../sinks/cloudevents.js';
import type { Json } from './document.js';

/** What a record's value is, and which headers say so. */
export interface Envelope {
  readonly contentType: string;
  readonly payload: Json;
  readonly headers: Json;
}

/** What is told of the events in it. */
interface Content {
  readonly source: string;
  readonly type: Json;
  /** JSON Schema of the received bytes. */
  readonly body: Json;
}

type Form = 'raw' | 'cloudevents' | 'cloudevents-binary';

const FORMS: Readonly<Record<Form, (content: Content) => Envelope>> = {
  raw: ({ body }) => ({ contentType: 'application/json', payload: body, headers: {} }),
  cloudevents: (content) => {
    const contentType = CLOUDEVENTS_TYPE;
    const properties = { ...attributesOf(content), datacontenttype: { const: 'application/json' }, data: content.body };
    return { contentType, payload: { type: 'object', required: Object.keys(properties), properties }, headers: {} };
  },
  'cloudevents-binary': (content) => ({
    contentType: 'application/json',
    payload: content.body,
    headers: Object.fromEntries(Object.entries(attributesOf(content)).map(([name, schema]) => [`ce_${name}`, schema])),
  }),
};

/** Of a sink whose `value` is this. */
export function envelopeOf(form: Form, content: Content): Envelope {
  return FORMS[form](content);
}

/** The attributes of a CloudEvent as this bridge writes them. */
function attributesOf({ source, type }: Content): Readonly<Record<string, Json>> {
  return {
    specversion: { const: '1.0' },
    id: { type: 'string', minLength: 1, description: 'as castbridge-event-id' },
    source: { const: `/castbridge/${encodeURIComponent(source)}` },
    type,
    time: {
      type: 'string',
      format: 'date-time',
      description: 'when it happened; when it was received, where the sender does not say so in RFC 3339',
    },
  };
}
