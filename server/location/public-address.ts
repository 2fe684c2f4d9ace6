/** Which texts are addresses that somebody on the internet can have. */
import {BlockList, isIP} from 'node:net';

/**
 * The address as a GeoIP file knows it, IPv4 in IPv6 as IPv4; undefined for what is no address, and for
 * private, reserved and documentation addresses, which are everywhere and nowhere.
 */
export function publicAddress(text: string): string | undefined {
  // Longer texts can only be zones.
  const address = text.trim();
  if (address.length > 45 || address.includes('%')) return undefined;
  const version = isIP(address);
  if (version === 0) return undefined;
  if (version === 4) return NOWHERE.check(address, 'ipv4') ? undefined : address;
  const inner = mappedIpv4(address);
  if (inner !== undefined) return publicAddress(inner);
  return NOWHERE.check(address, 'ipv6') ? undefined : address;
}

/** `::ffff:192.0.2.1` and `::ffff:c000:201`, with as many zeros as one likes. */
function mappedIpv4(address: string): string | undefined {
  const match = /^(?:::|(?:0{1,4}:){5})ffff:(.+)$/i.exec(address);
  const tail = match?.[1];
  if (tail === undefined) return undefined;
  if (tail.includes('.')) return tail;
  const [high, low, ...more] = tail.split(':').map(group => Number.parseInt(group, 16));
  if (high === undefined || low === undefined || more.length > 0) return undefined;
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

const NOWHERE = new BlockList();
const RANGES = [
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24',
  '192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
  '::/127 100::/64 2001:db8::/32 fc00::/7 fe80::/10 ff00::/8',
];
for (const range of RANGES.join(' ').split(' ')) {
  const [net = '', bits = ''] = range.split('/');
  NOWHERE.addSubnet(net, Number(bits), net.includes(':') ? 'ipv6' : 'ipv4');
}
