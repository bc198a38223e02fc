import { describe, expect, it } from 'vitest';
import { castaiNotification } from '../../../src/sources/format/castai-notification.js';
import { decodedBy, detailBy, formatContract } from '../../contract/format.js';

const format = castaiNotification.bare;
const decoded = (body: object | string) => decodedBy(format, body);

/** As a template that names every variable renders it. */
const NOTIFICATION = {
  NotificationID: '0b9b6f3a-6f0e-4a57-9d0b-2f4f0a1f7c11',
  OrganizationID: '3f7c1c58-32f0-4a3c-8d6d-5f1f1f0a9e77',
  Severity: 'CRITICAL',
  Name: 'Cluster controller not responding',
  Message: 'The cluster controller of prod-eu-1 has not responded for 10 minutes.',
  Details: { lastSeen: '2026-01-12T09:14:03Z', version: 'v0.58.1' },
  Timestamp: '2026-01-12T09:24:07Z',
  Cluster: { ID: 'c1a7c2f4-0d35-4f0f-9a0f-0f2f6a1b7d10', Name: 'prod-eu-1', ProviderType: 'eks', ProjectNamespaceID: '123456789012' },
};

formatContract(format, {
  body: JSON.stringify(NOTIFICATION),
  event: {
    id: NOTIFICATION.NotificationID,
    type: 'notification.critical.cluster-controller-not-responding',
    severity: 'critical',
    name: NOTIFICATION.Name,
    message: NOTIFICATION.Message,
    cluster: { id: NOTIFICATION.Cluster.ID, name: 'prod-eu-1' },
    time: '2026-01-12T09:24:07Z',
    data: NOTIFICATION.Details,
  },
});

describe('castai-notification', () => {
  it.each(['NotificationID', 'notification_id', 'notificationId', 'id', 'ID', 'dedup_key', 'dedupKey', 'alias', 'Alias', 'deduplication_key'])(
    'finds the id under %s',
    (key) => {
      expect(decoded({ [key]: 'n-1', Name: 'x' }).id).toBe('n-1');
    },
  );

  it('takes the id of the notification before any other, and a blank one for none', () => {
    expect(decoded({ id: 'other', alias: 'another', NotificationID: 'n-1' }).id).toBe('n-1');
    expect(decoded({ NotificationID: ' ', dedup_key: 'n-2' }).id).toBe('n-2');
    expect(decoded({ Name: 'x' }).id).toBeNull();
    expect(decoded({ NotificationID: 7, Name: 'x' }).id).toBeNull();
  });

  it.each(['CRITICAL', 'Critical', 'critical'])('reads the severity %s', (severity) => {
    expect(decoded({ Severity: severity, Name: 'Node deletion failed' })).toMatchObject({
      severity: 'critical',
      type: 'notification.critical.node-deletion-failed',
    });
  });

  it.each([
    [{ a: { b: 1 } }, { a: { b: 1 } }],
    ['a text', 'a text'],
    ['{"a":[1]}', { a: [1] }],
    ['"quoted"', 'quoted'],
    ['{"a":', '{"a":'],
    ['', null],
    [null, null],
    [undefined, null],
    [[1], [1]],
  ])('reads the details %j as %j', (details, data) => {
    expect(decoded({ Name: 'x', Details: details }).data).toEqual(data);
  });

  it.each([
    [{}, null, null],
    [{ Cluster: null }, null, null],
    [{ Cluster: { ID: '', Name: '' } }, null, null],
    [{ Cluster: 'prod' }, null, 'prod'],
    [{ cluster: { id: 'c', name: 'n' } }, 'c', 'n'],
    [{ cluster_id: 'c', cluster_name: 'n' }, 'c', 'n'],
    [{ ClusterID: 'c' }, 'c', null],
  ])('reads the cluster of %j', (body, id, name) => {
    expect(decoded({ Name: 'x', ...body }).cluster).toEqual({ id, name });
  });

  it.each([
    [{ Severity: 'WARNING', Name: 'Cost anomaly detected on the CPU metric' }, 'notification.warning.cost-anomaly-detected-on-the-cpu-metric'],
    [{ Severity: 'INFO', Name: '  --New machines: "AWS"! ' }, 'notification.info.new-machines-aws'],
    [{ Severity: 'INFO', Name: 'クラスタ 停止' }, 'notification.info.クラスタ-停止'],
    [{ Name: 'x' }, 'notification.unknown.x'],
    [{ Severity: 'ERROR' }, 'notification.error.unnamed'],
    [{}, 'notification.unknown.unnamed'],
    [{ Severity: 'ERROR', Name: '!!!' }, 'notification.error.unnamed'],
    [{ type: 'cost.anomaly', Severity: 'ERROR', Name: 'x' }, 'cost.anomaly'],
    [{ event_type: 'cost.anomaly' }, 'cost.anomaly'],
  ])('makes of %j the type %s', (body, type) => {
    expect(decoded(body).type).toBe(type);
  });

  it('cuts a long name on a whole character', () => {
    const { type } = decoded({ Severity: 'INFO', Name: '🚀é'.repeat(200) });
    expect(type.length).toBeLessThanOrEqual(256);
    expect(type).not.toMatch(/\p{Surrogate}/u);
  });

  it('reads what is written for PagerDuty, Opsgenie, incident.io and Slack', () => {
    const summary = 'Node deletion failed';
    const pagerDuty = {
      routing_key: 'r',
      event_action: 'trigger',
      dedup_key: 'n-1',
      payload: { summary, severity: 'critical', source: 'castai', custom_details: { node: 'n1' } },
    };
    expect(decoded(pagerDuty)).toMatchObject({ id: 'n-1', severity: 'critical', name: summary, message: summary, data: { node: 'n1' } });
    const opsgenie = { alias: 'n-1', message: summary, description: 'it failed', details: { node: 'n1' }, priority: 'P1' };
    expect(decoded(opsgenie)).toMatchObject({ id: 'n-1', message: summary, data: { node: 'n1' } });
    const incident = { title: summary, description: 'it failed', deduplication_key: 'n-1', status: 'firing', metadata: { severity: 'x' } };
    expect(decoded(incident)).toMatchObject({ id: 'n-1', name: summary, message: 'it failed', data: { severity: 'x' } });
    expect(decoded({ text: 'CRITICAL: it failed' })).toMatchObject({ id: null, message: 'CRITICAL: it failed' });
  });

  it('takes an outer field before one inside `payload`', () => {
    expect(decoded({ id: 'outer', payload: { id: 'inner', severity: 'INFO' } })).toMatchObject({ id: 'outer', severity: 'info' });
  });

  it.each([
    ['{"Name": "x", "Details": {}, }', 'at line 1, column 30: a comma stands before "}"; take it out'],
    [
      '{"Message": "the "main" cluster"}',
      'at line 1, column 19: this is no value; a text stands in double quotes, and a quote inside it is written \\"',
    ],
    ['{"Details": <no value>}', 'at line 1, column 13: a variable of the template has no value'],
    ['{"Details": }', 'at line 1, column 13: a value is missing; a variable of a template that is empty leaves nothing'],
    ['{"Details": ,\n "Name": "x"}', 'at line 1, column 13: a value is missing'],
    ['{\n  "Message": "two\nlines"\n}', 'at line 2, column 14: this text does not end on its line; a line end inside a text is written \\n'],
    ["{'Name': 'x'}", 'at line 1, column 2: single quotes stand where JSON has double quotes'],
    ['{{ .Name }}', 'at line 1, column 2: a variable of the template was not filled in'],
    ['{"Name": "x"', 'at line 1, column 13: it ends here, and a "}" is missing'],
    ['{"a": [1', 'at line 1, column 9: it ends here, and a "]" is missing'],
    ['[1,,2]', 'at line 1, column 4: two commas stand side by side'],
    ['{"a": 1} x', 'at line 1, column 10: '],
    ['{"a": 1}{"b": 2}', 'at line 1, column 9: something stands behind its end'],
    ['{"a": 1 // one\n}', 'at line 1, column 9: JSON has no comments'],
    ['{"a" 1}', 'at line 1, column 6: a ":" is wanted'],
    ['{"é🚀" 1}', 'at line 1, column 7: a ":" is wanted'],
    ['{"a": 1 "b": 2}', 'at line 1, column 9: a "," is wanted'],
    ['{"a": 1.}', 'at line 1, column 7: this is no number'],
    ['{1: 2}', 'at line 1, column 2: the name of a key is wanted, in double quotes'],
    ['{"a": "\\x"}', 'at line 1, column 7: this text holds a character or an escape that JSON does not have'],
    [' \n', 'the body is empty'],
    ['CRITICAL: it failed', 'at line 1, column 1: this is no value'],
  ])('T44: says of %j what helps who wrote the template', (body, detail) => {
    expect(detailBy(format, body)).toContain(detail);
  });
});
