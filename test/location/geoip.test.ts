import {mkdtempSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import {pino} from 'pino';
import {afterAll, describe, expect, test} from 'vitest';
import {parseServe} from '../../server/cli/serve-options.ts';
import {GeoIp, GeoIpFileError, locateNowhere} from '../../server/location/geoip.ts';
import {mmdb} from './mmdb.ts';
import {CITIES, MUNICH, NETWORKS} from './networks.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster-geoip-'));
afterAll(() => rmSync(folder, {recursive: true}));

describe('an address', () => {
  test('is in the place that the file gives for its network', async () => {
    const geoIp = await opened(CITIES);
    expect(geoIp.locate('8.8.8.8')).toEqual({
      city: 'Springfield',
      state: 'IL',
      stateName: 'Illinois',
      zip: '62701',
      dma: '648',
      country: 'US',
      latitude: 39.8017,
      longitude: -89.6436,
    });
  });

  test('of IPv6 too, and a region without a code is its name', async () => {
    const geoIp = await opened(CITIES);
    expect(geoIp.locate('2001:200::7')).toMatchObject({city: 'Osaka', state: 'Osaka Prefecture'});
    expect(geoIp.locate('2001:200::7')).not.toHaveProperty('stateName');
  });

  test.each(['::ffff:81.2.69.7', '::FFFF:5102:4507', '0:0:0:0:0:ffff:5102:4507', ' 81.2.69.7 '])(
    '%s is one of IPv4',
    async ip => {
      const geoIp = await opened(CITIES);
      expect(geoIp.locate(ip)).toMatchObject({city: 'Munich', state: 'BY', stateName: 'Bavaria'});
    },
  );

  test('that is known by its country alone has no point', async () => {
    const geoIp = await opened(CITIES);
    expect(geoIp.locate('8.8.4.4')).toMatchObject({country: 'US', latitude: undefined});
  });

  test.each([
    '10.1.2.3',
    '::ffff:10.1.2.3',
    '127.0.0.1',
    '::1',
    '192.168.0.1',
    '100.64.0.1',
    'fd00::1',
    'fe80::1%eth0',
    '2001:db8::1',
    '203.0.113.9',
    '255.255.255.255',
    '1.1.1.1',
    '9.9.9.9',
    '8.8.8',
    '8.8.8.8:443',
    '08.8.8.8',
    'x',
    '',
    '8.8.8.8'.repeat(1000),
  ])('%s is nowhere', async ip => {
    const geoIp = await opened(CITIES);
    expect(geoIp.locate(ip)).toBeUndefined();
    expect(geoIp.locate(ip)).toBeUndefined();
  });

  test.each([24, 28, 32] as const)('is found in a tree of %i bits', async recordSize => {
    const geoIp = await opened(mmdb(NETWORKS, {recordSize}));
    expect(geoIp.locate('81.2.69.142')).toMatchObject({city: 'Munich'});
    expect(geoIp.locate('2001:200::')).toMatchObject({city: 'Osaka'});
  });

  test('of IPv6 is not looked for in a file of IPv4', async () => {
    const geoIp = await opened(mmdb({'32.1.0.0/16': MUNICH}, {ipVersion: 4}));
    expect(geoIp.locate('32.1.2.3')).toMatchObject({city: 'Munich'});
    expect(geoIp.locate('2001:200::')).toBeUndefined();
  });

  test('is found in files with flat records', async () => {
    const flat = {
      country_code: 'US',
      state1: 'Illinois',
      city: 'Springfield',
      postcode: '62701',
      latitude: '39.8',
      longitude: '-89.6',
    };
    const geoIp = await opened(mmdb({'8.8.8.0/24': flat, '9.9.9.0/24': {country_code: 'FR'}}));
    expect(geoIp.locate('8.8.8.8')).toEqual({
      city: 'Springfield',
      state: 'IL',
      stateName: 'Illinois',
      zip: '62701',
      dma: undefined,
      country: 'US',
      latitude: 39.8,
      longitude: -89.6,
    });
    expect(geoIp.locate('9.9.9.9')).toMatchObject({country: 'FR', city: undefined});
  });

  test('is still right when more were asked for than are remembered', async () => {
    const geoIp = await opened(CITIES);
    for (let i = 0; i < 70_000; i++) geoIp.locate(`81.${i % 250}.${(i >> 8) % 256}.${i % 256}`);
    expect(geoIp.locate('81.2.69.142')).toMatchObject({city: 'Munich'});
    expect(geoIp.locate('81.3.69.142')).toBeUndefined();
  });
});

describe('the file', () => {
  test('is read again when another takes its place', async () => {
    const {file, geoIp, lines} = await watched(CITIES);
    expect(geoIp.locate('81.2.69.1')).toMatchObject({city: 'Munich'});
    writeFileSync(`${file}.new`, mmdb({'81.2.69.0/24': {country: {iso_code: 'FR'}}}));
    renameSync(`${file}.new`, file);
    await geoIp.check();
    expect(geoIp.locate('81.2.69.1')).toMatchObject({country: 'FR', city: undefined});
    expect(lines.at(-1)).toMatchObject({msg: 'the GeoIP file has changed and was read again'});
    geoIp.close();
  });

  test('is looked at by itself', async () => {
    const {file, geoIp} = await watched(CITIES, 20);
    geoIp.watch();
    writeFileSync(file, mmdb({'81.2.69.0/24': {country: {iso_code: 'IT'}}}));
    await expect.poll(() => geoIp.locate('81.2.69.1')?.country).toBe('IT');
    geoIp.close();
  });

  test('that is half written or gone leaves what is known, and says so once', async () => {
    const {file, geoIp, lines} = await watched(CITIES);
    const before = lines.length;
    writeFileSync(file, CITIES.subarray(0, CITIES.length / 2));
    await geoIp.check();
    await geoIp.check();
    expect(lines.slice(before)).toMatchObject([
      {
        level: 40,
        msg: `The GeoIP file ${file} cannot be read: it is not in MaxMind's format (.mmdb), or not complete. What was read before stays in use.`,
      },
    ]);
    rmSync(file);
    await geoIp.check();
    await geoIp.check();
    expect(lines.slice(before + 1)).toMatchObject([
      {msg: `There is no GeoIP file ${file}. What was read before stays in use.`},
    ]);
    expect(geoIp.locate('81.2.69.1')).toMatchObject({city: 'Munich'});
    writeFileSync(file, mmdb({'81.2.69.0/24': {country: {iso_code: 'IT'}}}));
    await geoIp.check();
    expect(geoIp.locate('81.2.69.1')).toMatchObject({country: 'IT'});
    geoIp.close();
  });

  test('whose inside is damaged makes addresses unknown, and says so once', async () => {
    const broken = Buffer.from(CITIES);
    // The name becomes a pointer to somewhere beyond the file.
    broken[broken.indexOf('Munich') - 1] = 0x38;
    const {geoIp, lines} = await watched(broken);
    const before = lines.length;
    for (let i = 0; i < 5; i++) expect(geoIp.locate(`81.2.69.${i}`)).toBeUndefined();
    expect(lines.slice(before)).toMatchObject([{level: 40, msg: 'the GeoIP file is damaged'}]);
    expect(geoIp.locate('8.8.8.8')).toMatchObject({city: 'Springfield'});
    geoIp.close();
  });

  test.each([
    ['is not there', undefined, 'There is no GeoIP file FILE.'],
    [
      'is something else',
      Buffer.from('{"cities":[]}'),
      "The GeoIP file FILE cannot be read: it is not in MaxMind's format (.mmdb), or not complete.",
    ],
    [
      'is compressed',
      gzipSync(CITIES),
      'The GeoIP file FILE cannot be read: it is compressed, unpack it first.',
    ],
    [
      'holds networks and no places',
      mmdb({'8.8.8.0/24': {autonomous_system_number: 15_169}}, {type: 'GeoLite2-ASN'}),
      'The GeoIP file FILE holds no places (it is of type GeoLite2-ASN): give one of cities.',
    ],
  ])('that %s is refused in a sentence', async (_what, bytes, sentence) => {
    const file = newFile(bytes);
    const log = pino({level: 'silent'});
    await expect(GeoIp.open({file, log})).rejects.toThrow(
      new GeoIpFileError(sentence.replace('FILE', file)),
    );
  });
});

test('the file is named by an option or by the environment', () => {
  expect(parseServe([], {})).toMatchObject({geoIpFile: undefined});
  expect(parseServe([], {MUSTER_GEOIP: ''})).toMatchObject({geoIpFile: undefined});
  expect(parseServe([], {MUSTER_GEOIP: 'a.mmdb'})).toMatchObject({geoIpFile: 'a.mmdb'});
  expect(parseServe(['--geoip', 'b'], {MUSTER_GEOIP: 'a'})).toMatchObject({geoIpFile: 'b'});
});

test('without a file the first address is told of, and no other', () => {
  const {log, lines} = logTo();
  const locate = locateNowhere(log);
  expect(lines).toMatchObject([{level: 30}]);
  expect([locate('8.8.8.8'), locate('8.8.8.9')]).toEqual([undefined, undefined]);
  expect(lines).toMatchObject([{level: 30}, {level: 40}]);
});

let files = 0;

function newFile(bytes: Buffer | undefined): string {
  const file = join(folder, `${++files}.mmdb`);
  if (bytes !== undefined) writeFileSync(file, bytes);
  return file;
}

function opened(bytes: Buffer): Promise<GeoIp> {
  return GeoIp.open({file: newFile(bytes), log: pino({level: 'silent'})});
}

interface Line {
  readonly level: number;
  readonly msg: string;
}

function logTo(): {log: pino.Logger; lines: Line[]} {
  const lines: Line[] = [];
  const log = pino({level: 'info'}, {write: line => lines.push(JSON.parse(line) as Line)});
  return {log, lines};
}

async function watched(
  bytes: Buffer,
  checkEveryMs?: number,
): Promise<{file: string; geoIp: GeoIp; lines: Line[]}> {
  const file = newFile(bytes);
  const {log, lines} = logTo();
  return {file, geoIp: await GeoIp.open({file, log, checkEveryMs}), lines};
}
