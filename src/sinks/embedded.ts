import { isIPv4, isIPv6 } from 'node:net';

/**
 * The IPv4 addresses that an IPv6 address stands for, or is carried by: whoever connects to it may end there. Mapped and compatible (RFC 4291), translated
 * (RFC 2765, 6052 and 8215), 6to4 (RFC 3056), Teredo (RFC 4380) and ISATAP (RFC 5214). Empty for others.
 */
export function embeddedIn(address: string): string[] {
  const bytes = bytesOf(address);
  if (bytes === null) return [];
  const at = (start: number): string => dotted(bytes.slice(start, start + 4));
  const begins = (...prefix: readonly number[]): boolean => prefix.every((byte, index) => bytes[index] === byte);
  const found: string[] = [];
  if (begins(...zeros(10), 0xff, 0xff) || begins(...zeros(8), 0xff, 0xff, 0, 0) || begins(0, 0x64, 0xff, 0x9b, ...zeros(8))) found.push(at(12));
  // `::1` is no address of 0.0.0.0/8.
  if (begins(...zeros(12)) && !begins(...zeros(15), 1)) found.push(at(12));
  if (begins(0, 0x64, 0xff, 0x9b, 0, 1)) found.push(...translated(bytes));
  if (begins(0x20, 0x02)) found.push(at(2));
  if (begins(0x20, 0x01, 0, 0)) found.push(at(4), dotted(bytes.slice(12).map((byte) => byte ^ 0xff)));
  if (((bytes[8] ?? 0) & ~2) === 0 && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe) found.push(at(12));
  return found;
}

/** Which of the forms of RFC 6052 a network uses behind 64:ff9b:1::/48 is its own choice: all are looked at. Bits 64 to 71 are left out by it. */
function translated(bytes: readonly number[]): string[] {
  const withoutGap = [...bytes.slice(0, 8), ...bytes.slice(9)];
  const shorter = [6, 7, 8].map((start) => withoutGap.slice(start, start + 4));
  const last = bytes.slice(12);
  return [...shorter, last].filter((part) => part.some((byte) => byte !== 0)).map(dotted);
}

function zeros(count: number): number[] {
  return Array<number>(count).fill(0);
}

function dotted(bytes: readonly number[]): string {
  return bytes.join('.');
}

/** The sixteen bytes of an IPv6 address, its zone aside; null for what is none. */
function bytesOf(address: string): number[] | null {
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return null;
  const [before = '', after] = plain.split('::').map(groupsOf);
  const [head, tail] = [before === '' ? [] : before, after ?? []];
  return [...head, ...zeros(16 - head.length - tail.length), ...tail];
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (isIPv4(group)) return group.split('.').map(Number);
    const number = parseInt(group, 16);
    return [number >> 8, number & 0xff];
  });
}
