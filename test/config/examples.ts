import { readdirSync } from 'node:fs';

/** What the examples take from the environment: nothing that a test in them may depend on. */
export const ENV = {
  ...Object.fromEntries(['WEBHOOK', 'EU', 'US'].map((name) => [`CASTAI_${name}_SECRET`, `0123456789abcdef0123456789${name}`])),
  ...Object.fromEntries(
    ['OPS', 'URGENT', 'NEWS', 'COSTS', 'PAYMENTS', 'SEARCH', 'PLATFORM'].map((name) => [
      `SLACK_${name}_URL`,
      `https://hooks.slack.com/services/T0/B0/${name}`,
    ]),
  ),
  ...Object.fromEntries(['GITHUB', 'STRIPE', 'SHOPIFY', 'SVIX'].map((name) => [`${name}_WEBHOOK_SECRET`, 'MDEyMzQ1Njc4OWFiY2RlZg=='])),
  SLACK_SIGNING_SECRET: '0123456789abcdef0123456789slack',
  CASTAI_API_KEY: '0123456789abcdef0123456789apikey',
  CASTAI_BRIDGE_TOKEN: '0123456789abcdef0123456789bridge',
  INVENTORY_TOKEN: 'inventory-token-1234',
  TICKETS_SECRET: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
  KAFKA_PASSWORD: 'kafka-password-1234',
};

const folder = 'config/examples';
/** The configurations that people start from, from the project's root. */
export const FILES = [
  'config/bridge.yaml',
  ...readdirSync(folder)
    .filter((name) => !name.endsWith('.tests.yaml'))
    .map((name) => `${folder}/${name}`),
];
