import selfsigned from 'selfsigned';

/** PEM texts. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority that nobody trusts who is not told to, and what it signs. */
export interface Authority {
  readonly ca: string;
  /** A certificate for these names and addresses, valid until the day after tomorrow at least, or until `notAfter`. */
  certify(names: readonly string[], addresses?: readonly string[], notAfter?: Date): Promise<Certificate>;
}

export async function createAuthority(): Promise<Authority> {
  const authority = await selfsigned.generate([{ name: 'commonName', value: 'castbridge test authority' }], {
    algorithm: 'sha256',
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return {
    ca: authority.cert,
    async certify(names, addresses = [], notAfter) {
      const altNames = [...names.map((value) => ({ type: 2 as const, value })), ...addresses.map((ip) => ({ type: 7 as const, ip }))];
      const leaf = await selfsigned.generate([{ name: 'commonName', value: names[0] ?? 'test' }], {
        algorithm: 'sha256',
        keyType: 'ec',
        ca: { key: authority.private, cert: authority.cert },
        ...(notAfter === undefined ? {} : { notBeforeDate: new Date(notAfter.getTime() - 86_400_000), notAfterDate: notAfter }),
        extensions: [{ name: 'subjectAltName', altNames }],
      });
      return { cert: leaf.cert, key: leaf.private };
    },
  };
}
