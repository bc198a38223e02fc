import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Report } from '../core/problem.js';
import type { Fault } from './headers.js';
import type { Config } from './http-config.js';

type Tls = NonNullable<Config['tls']>;

/** Reports certificates and keys that cannot be used: otherwise the first event would find out. */
export function reportTls({ tls, url }: Pick<Config, 'tls' | 'url'>, report: Report): void {
  if (tls === undefined) return;
  const { ca, cert, key } = tls;
  if (url.startsWith('http://'))
    report({ path: ['tls'], what: 'the URL is http: nothing is encrypted', remedy: 'write https there, or delete `tls`', from: [['url']] });
  if (ca !== undefined && !isCertificate(ca)) report({ path: ['tls', 'ca'], ...NO_CERTIFICATE });
  if (cert !== undefined && !isCertificate(cert)) report({ path: ['tls', 'cert'], ...NO_CERTIFICATE });
  else reportPair(tls, report);
  if ((cert === undefined) !== (key === undefined))
    report({ path: ['tls'], what: `"${cert === undefined ? 'cert' : 'key'}" is missing`, remedy: 'a certificate and its key go together: add it' });
}

const NO_CERTIFICATE: Fault = { what: 'this is no certificate', remedy: 'write the text of a PEM file: ${file:PATH}' };

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function reportPair({ cert, key }: Tls, report: Report): void {
  if (key === undefined) return;
  const from = [['tls', 'cert']];
  if (!isUsable({ key }))
    report({
      path: ['tls', 'key'],
      what: 'this is no key that can be used',
      remedy: 'write the text of a PEM file without a passphrase: ${file:PATH}',
    });
  else if (cert !== undefined && !isUsable({ cert, key }))
    report({ path: ['tls', 'key'], what: 'this is not the key of the certificate', remedy: 'write the one it was made with', from });
}

function isUsable(parts: { readonly cert?: string; readonly key: string }): boolean {
  try {
    createSecureContext(parts);
    return true;
  } catch {
    return false;
  }
}
