import type { LookupAddress, LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';

/** Link-local and cloud metadata addresses: nobody delivers events there, and whoever reaches them learns credentials (T49). */
const forbidden = new BlockList();
forbidden.addSubnet('169.254.0.0', 16, 'ipv4');
forbidden.addAddress('100.100.100.200', 'ipv4');
forbidden.addAddress('192.0.0.192', 'ipv4');
forbidden.addSubnet('fe80::', 10, 'ipv6');
forbidden.addAddress('fd00:ec2::254', 'ipv6');
// The same of IPv4 behind NAT64.
forbidden.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');

/** True for an address that is not connected to. Mapped IPv4 addresses count as what they map. */
export function isForbidden(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && forbidden.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** What node:dns calls `lookup`. */
export type Lookup = (
  host: string,
  options: LookupOptions,
  done: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void;

/** A lookup for sockets that answers with an error where a name leads to a forbidden address: checked on what is connected to, not on what is configured. */
export function guard(lookup: Lookup): Lookup {
  return (host, options, done) => {
    lookup(host, options, (error, address, family) => {
      const addresses = error !== null ? [] : typeof address === 'string' ? [address] : address.map((one) => one.address);
      if (addresses.some(isForbidden)) {
        done(Object.assign(new Error('the name leads to a link-local or metadata address'), { code: 'EADDRINFO_FORBIDDEN' }), []);
      } else {
        done(error, address, family);
      }
    });
  };
}
