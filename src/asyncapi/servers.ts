import type { Json, KafkaSink } from './document.js';

/** Brokers as AsyncAPI's servers, and how the bridge proves to them who it is: the mechanism, never a name or a password. */
export interface Servers {
  /** The names of a sink's brokers, as servers of the document. */
  namesOf(config: KafkaSink): readonly string[];
  described(): Json;
  securitySchemes(): Json;
}

const SECURITY: Readonly<Record<string, Json>> = {
  plain: { type: 'plain' },
  'scram-sha-256': { type: 'scramSha256' },
  'scram-sha-512': { type: 'scramSha512' },
  'client-certificate': { type: 'X509' },
};

export function createServers(): Servers {
  const servers = new Map<string, Json>();
  const schemes = new Set<string>();
  const nameOf = (server: Json, host: string): string => {
    const plain = host.replace(/[^A-Za-z0-9_-]/g, '-');
    for (let count = 1; ; count++) {
      const name = count === 1 ? plain : `${plain}-${count}`;
      const other = servers.get(name);
      if (other !== undefined && JSON.stringify(other) !== JSON.stringify(server)) continue;
      servers.set(name, server);
      return name;
    }
  };
  return {
    namesOf(config) {
      const security = securityOf(config);
      for (const scheme of security) schemes.add(scheme);
      return config.brokers.map((host) => nameOf(serverOf(host, config, security), host));
    },
    described: () => Object.fromEntries(servers),
    securitySchemes: () => Object.fromEntries([...schemes].map((name) => [name, SECURITY[name]])),
  };
}

function serverOf(host: string, { tls = false }: KafkaSink, security: readonly string[]): Json {
  return {
    host,
    protocol: tls === false ? 'kafka' : 'kafka-secure',
    ...(security.length === 0 ? {} : { security: security.map((name) => ({ $ref: `#/components/securitySchemes/${name}` })) }),
  };
}

function securityOf({ tls, sasl }: KafkaSink): string[] {
  const hasCertificate = typeof tls === 'object' && tls.cert !== undefined;
  return [...(sasl === undefined ? [] : [sasl.mechanism]), ...(hasCertificate ? ['client-certificate'] : [])];
}
