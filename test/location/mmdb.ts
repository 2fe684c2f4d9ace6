/** Writes files in MaxMind's format, small ones: networks and what is said of them. */
import {isIPv4} from 'node:net';

type Json = string | number | readonly Json[] | {readonly [name: string]: Json};

export interface MmdbOptions {
  readonly type?: string;
  readonly ipVersion?: 4 | 6;
  readonly recordSize?: 24 | 28 | 32;
}

/** IPv4 networks of an IPv6 tree are where MaxMind has them, below ::/96. */
export function mmdb(
  networks: Readonly<Record<string, Json>>,
  {type = 'GeoLite2-City', ipVersion = 6, recordSize = 28}: MmdbOptions = {},
): Buffer {
  const nodes: Node[] = [[undefined, undefined]];
  const data: Buffer[] = [];
  let dataBytes = 0;
  for (const [network, facts] of Object.entries(networks)) {
    const encoded = encode(facts);
    insert(nodes, bitsOf(network, ipVersion), {data: dataBytes});
    data.push(encoded);
    dataBytes += encoded.length;
  }
  const tree = nodes.flatMap(([left, right]) => {
    const value = (child: Child): number => {
      if (child === undefined) return nodes.length;
      return typeof child === 'number' ? child : nodes.length + 16 + child.data;
    };
    return [encodeNode(value(left), value(right), recordSize)];
  });
  const metadata = encode({
    node_count: nodes.length,
    record_size: recordSize,
    ip_version: ipVersion,
    database_type: type,
    languages: ['en'],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_764_000_000,
    description: {en: 'made by a test'},
  });
  const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
  return Buffer.concat([...tree, Buffer.alloc(16), ...data, marker, metadata]);
}

/** Another node, or a place in the data; undefined: nothing is known. */
type Child = number | {readonly data: number} | undefined;
type Node = [left: Child, right: Child];

function insert(nodes: Node[], bits: string, leaf: {readonly data: number}): void {
  let node = nodes[0]!;
  for (const bit of bits.slice(0, -1)) {
    const side = bit === '0' ? 0 : 1;
    const child = node[side];
    if (typeof child === 'number') {
      node = nodes[child]!;
      continue;
    }
    node[side] = nodes.push([child, child]) - 1;
    node = nodes.at(-1)!;
  }
  node[bits.endsWith('0') ? 0 : 1] = leaf;
}

function bitsOf(network: string, ipVersion: 4 | 6): string {
  const [address = '', length = ''] = network.split('/');
  if (!isIPv4(address)) return groupsOf(address).slice(0, Number(length));
  const bits = address
    .split('.')
    .map(part => Number(part).toString(2).padStart(8, '0'))
    .join('');
  return (ipVersion === 6 ? '0'.repeat(96) : '') + bits.slice(0, Number(length));
}

function groupsOf(address: string): string {
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => text.split(':').filter(group => group !== '');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after]
    .map(group => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('');
}

function encodeNode(left: number, right: number, recordSize: 24 | 28 | 32): Buffer {
  const node = Buffer.alloc((recordSize * 2) / 8);
  if (recordSize === 32) {
    node.writeUInt32BE(left, 0);
    node.writeUInt32BE(right, 4);
    return node;
  }
  node.writeUIntBE(left & 0xff_ffff, 0, 3);
  node.writeUIntBE(right & 0xff_ffff, node.length - 3, 3);
  if (recordSize === 28) node[3] = ((left >>> 24) << 4) | (right >>> 24);
  return node;
}

const STRING = 2;
const DOUBLE = 3;
const UINT32 = 6;
const MAP = 7;
const ARRAY = 11;

function encode(value: Json): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([control(STRING, bytes.length), bytes]);
  }
  if (typeof value === 'number') return encodeNumber(value);
  if (isList(value)) return Buffer.concat([control(ARRAY, value.length), ...value.map(encode)]);
  const entries = Object.entries(value);
  const parts = entries.flatMap(([name, inner]) => [encode(name), encode(inner)]);
  return Buffer.concat([control(MAP, entries.length), ...parts]);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function encodeNumber(value: number): Buffer {
  if (Number.isInteger(value) && value >= 0) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(UINT32, 4), bytes]);
  }
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return Buffer.concat([control(DOUBLE, 8), bytes]);
}

function control(type: number, size: number): Buffer {
  const isExtended = type > 7;
  const bytes = [((isExtended ? 0 : type) << 5) | Math.min(size, 29)];
  if (isExtended) bytes.push(type - 7);
  if (size >= 29) bytes.push(size - 29);
  if (size > 284) throw new Error('this writer is for small things');
  return Buffer.from(bytes);
}
