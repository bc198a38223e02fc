import { expect, it } from 'vitest';
import { standardWebhooksFormat } from '../../../src/sources/format/standard-webhooks.js';
import { decodedBy, formatContract } from '../../contract/format.js';

const format = standardWebhooksFormat.bare;
const BODY = { type: 'invoice.paid', timestamp: '2026-01-12T09:24:07Z', data: { severity: 'Info', name: 'INV-1' } };

formatContract(format, {
  body: JSON.stringify(BODY),
  headers: { 'webhook-id': 'msg_1' },
  event: { id: 'msg_1', type: 'invoice.paid', severity: 'info', name: 'INV-1', time: BODY.timestamp, data: BODY.data },
});

it('standard-webhooks: takes the id from Svix’s header too', () => {
  expect(decodedBy(format, BODY, { 'svix-id': 'msg_2' }).id).toBe('msg_2');
  expect(decodedBy(format, BODY).id).toBeNull();
});
