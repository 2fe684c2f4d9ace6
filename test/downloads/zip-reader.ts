/** Reads a ZIP by its central directory, and checks sizes and CRCs on the way. */
import {crc32, inflateRawSync} from 'node:zlib';

export function unzip(zip: Buffer): Map<string, Buffer> {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0) throw new Error('no end of central directory');
  const entries = zip.readUInt16LE(end + 10);
  const found = new Map<string, Buffer>();
  for (let i = 0, at = zip.readUInt32LE(end + 16); i < entries; i++) {
    if (zip.readUInt32LE(at) !== 0x02014b50) throw new Error('no central directory record');
    const method = zip.readUInt16LE(at + 10);
    const crc = zip.readUInt32LE(at + 16);
    const packedBytes = zip.readUInt32LE(at + 20);
    const bytes = zip.readUInt32LE(at + 24);
    const nameBytes = zip.readUInt16LE(at + 28);
    const restBytes = zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
    const local = zip.readUInt32LE(at + 42);
    const name = zip.toString('utf8', at + 46, at + 46 + nameBytes);
    const data = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const packed = zip.subarray(data, data + packedBytes);
    const content = method === 0 ? packed : inflateRawSync(packed);
    if (content.length !== bytes || crc32(content) !== crc) throw new Error(`${name} is damaged`);
    if (found.has(name)) throw new Error(`${name} is there twice`);
    found.set(name, content);
    at += 46 + nameBytes + restBytes;
  }
  return found;
}

/** RFC 4180, strictly: a quote is one only at the start of a cell. Without the space after a comma. */
export function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (let at = 0; at < text.length;) {
    let cell = '';
    if (text[at] === '"') {
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        if (at >= text.length) throw new Error('a quote is never closed');
        if (text[at] === '"') at++;
        cell += text[at];
      }
      at++;
    } else {
      for (; at < text.length && !',\n'.includes(text[at]!); at++) cell += text[at];
      if (row.length > 0 && cell.startsWith(' ')) cell = cell.slice(1);
    }
    row.push(cell);
    if (text[at] === ',') {
      at++;
      continue;
    }
    if (text[at] !== '\n') throw new Error(`not the end of a cell: ${text.slice(at, at + 20)}`);
    at++;
    rows.push(row);
    row = [];
  }
  if (row.length > 0) throw new Error('the last row does not end');
  return rows;
}
