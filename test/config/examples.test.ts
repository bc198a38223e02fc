import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { kinds } from '../../src/kinds.js';

/** What the examples take from the environment. */
const ENV = {
  CASTAI_WEBHOOK_SECRET: '0123456789abcdef0123456789abcdef',
  SLACK_OPS_URL: 'https://hooks.slack.com/services/T0/B0/x',
  INVENTORY_TOKEN: 'inventory-token-1234',
  KAFKA_PASSWORD: 'kafka-password-1234',
};

describe('each configuration that ships is right, and warns of nothing', () => {
  const files = ['config/bridge.yaml', ...readdirSync('config/examples').map((name) => `config/examples/${name}`)];
  it.each(files)('%s', (file) => {
    const loaded = loadConfig(file, ENV, kinds);
    expect(loaded.ok ? [] : loaded.problems).toEqual([]);
    expect(loaded.ok && loaded.warnings).toEqual([]);
  });
});
