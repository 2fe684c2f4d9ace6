import {execFileSync} from 'node:child_process';
import {readdirSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {DownloadAnswer} from '../../server/api/download-schemas.ts';
import {validator} from '../../server/api/validate.ts';
import type {Json, Shop} from '../support/server-client.ts';
import {LiveServer, type Reply} from './live-server.ts';
import {readCsv, unzip} from './zip-reader.ts';

const PROFILES = 3_000;
const AB = [
  {name: 'Mail A', percentage: 30},
  {name: 'Mail B', percentage: 50},
];

interface Manifest {
  readonly archive_name: string;
  readonly id: string;
  readonly total_rows: number;
  readonly files: {file_name: string; total_users: number; total_rows: number}[];
  readonly [field: string]: unknown;
}
interface Downloaded {
  readonly view: Json;
  readonly zip: Buffer;
  readonly manifest: Manifest;
  /** Rows without the header, by the name of the file. */
  readonly files: ReadonlyMap<string, string[][]>;
}

let server: LiveServer;
let shop: Shop;
let everybody: number;
beforeAll(async () => {
  server = await LiveServer.start();
  shop = await server.shop();
  const ids = Array.from({length: PROFILES}, (_, i) => i + 1);
  await server.post(
    shop,
    ids.map(i => ({mpid: mpidOf(i), user_identities: identitiesOf(i), events: []})),
  );
  everybody = await server.audience(shop, {name: 'Potential Parisians'});
});
afterAll(() => server.remove());

/** Half of them negative. */
function mpidOf(i: number): string {
  return String(i % 2 === 0 ? i : -i);
}

/** Everybody has a customer id, two in three an e-mail address, one in ten a phone. */
function identitiesOf(i: number): Json {
  return {
    customer_id: `customer ${i}`,
    ...(i % 3 !== 0 && {email: `profile${i}@example.com`}),
    ...(i % 10 === 0 && {mobile_number: `+336${i}`}),
  };
}

async function made(request: Json, token?: string): Promise<Json> {
  const asked = token === undefined ? {} : {token};
  const reply = await server.send('POST', '/v1/downloads', {body: request, ...asked});
  if (reply.status !== 201) throw new Error(`${reply.status} ${reply.bytes.toString()}`);
  const {id} = reply.body as {id: string};
  return server.until(
    () => server.api<Json>('GET', `/v1/downloads/${id}`),
    ({status}) => status !== 'queued' && status !== 'running',
  );
}

async function downloaded(request: Json): Promise<Downloaded> {
  const view = await made(request);
  expect(view).toMatchObject({status: 'ready', progress: 1, reason: null});
  const reply = await server.send('GET', `/v1/downloads/${String(view['id'])}/file`);
  expect(reply.status).toBe(200);
  const entries = unzip(reply.bytes);
  const manifest = JSON.parse(entries.get('manifest.json')!.toString()) as Manifest;
  const files = new Map<string, string[][]>();
  for (const [name, content] of entries) {
    if (name === 'manifest.json') continue;
    const text = content.toString();
    expect(text.split('\n')[0]).toBe('mpid, scanned_timestamp_ms, identity_value, identity_type');
    files.set(name, readCsv(text).slice(1));
  }
  return {view, zip: reply.bytes, manifest, files};
}

describe('the file of the product document', () => {
  test('has a CSV with a row for each identity asked for, and a manifest with every field', async () => {
    const before = Date.now();
    const {view, zip, manifest, files} = await downloaded({
      audiences: [{id: everybody}],
      identities: ['customer_id', 'email'],
    });
    const after = Date.now();
    expect(validator(DownloadAnswer)(view)).toEqual({value: view});
    const [[name, rows] = ['', []]] = files;
    expect(files.size).toBe(1);
    expect(name).toMatch(/^\d+_PotentialParisians_\d{6}[A-Z][a-z]{2}\d{6}\.csv$/);
    expect(name.startsWith(`${everybody}_`)).toBe(true);

    const expected = Array.from({length: PROFILES}, (_, n) => n + 1).flatMap(i => {
      const {customer_id: customer, email} = identitiesOf(i);
      return [
        [mpidOf(i), String(customer), 'customer_id'],
        ...(email === undefined ? [] : [[mpidOf(i), String(email), 'email']]),
      ];
    });
    const found = rows.map(([mpid, , value, type]) => [mpid, value, type]);
    expect(found.map(String).sort()).toEqual(expected.map(String).sort());
    const times = rows.map(([, ms]) => Number(ms));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(before - 1);
    expect(Math.max(...times)).toBeLessThanOrEqual(after);

    expect(view['file_name']).toMatch(/^musterAudiences_\d{6}[A-Z][a-z]{2}\d{6}_[0-9a-f]{4}\.zip$/);
    expect(view['size_bytes']).toBe(zip.length);
    expect(view['total_rows']).toBe(expected.length);
    const times_ms = {min_timestamp_ms: Math.min(...times), max_timestamp_ms: Math.max(...times)};
    const counts = {
      total_rows: expected.length,
      rows_by_identity: {customer_id: PROFILES, email: expected.length - PROFILES},
    };
    const {manifest_generated: generated} = manifest;
    expect(manifest).toEqual({
      archive_name: view['file_name'],
      id: view['id'],
      audience_ids: [everybody],
      included_identities: ['customer_id', 'email'],
      manifest_generated: generated,
      ...times_ms,
      ...counts,
      files: [{file_name: name, ...times_ms, total_users: PROFILES, ...counts}],
    });
    expect(Object.keys(manifest)).toEqual([
      'archive_name',
      'id',
      'audience_ids',
      'included_identities',
      'manifest_generated',
      'min_timestamp_ms',
      'max_timestamp_ms',
      'total_rows',
      'rows_by_identity',
      'files',
    ]);
    expect(Date.parse(String(generated))).toBeGreaterThanOrEqual(before);
  });

  test('is read by another program', async () => {
    const {zip, files} = await downloaded({audiences: [{id: everybody}], identities: ['email']});
    const path = join(server.folder, 'read.zip');
    writeFileSync(path, zip);
    const script = `
import csv, io, json, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
names = archive.namelist()
rows = list(csv.DictReader(io.TextIOWrapper(archive.open(names[0]), 'utf-8', newline=''), skipinitialspace=True))
print(json.dumps({'names': names, 'rows': len(rows), 'fields': list(rows[0].keys()), 'total': json.load(archive.open('manifest.json'))['total_rows']}))
`;
    const read = JSON.parse(
      execFileSync('python3', ['-c', script, path], {encoding: 'utf8'}),
    ) as Json;
    const [[name, rows] = ['', []]] = files;
    expect(read).toEqual({
      names: [name, 'manifest.json'],
      rows: rows.length,
      fields: ['mpid', 'scanned_timestamp_ms', 'identity_value', 'identity_type'],
      total: rows.length,
    });
  });

  test('has a file for each variant, and every member in one of them', async () => {
    const split = await server.audience(shop, {name: 'Split'});
    await server.api('PUT', `/v1/audiences/${split}/test`, {variants: AB});
    const {files, manifest, view} = await downloaded({
      audiences: [{id: split, variants: ['Mail A', 'mail b', 'Control']}, {id: everybody}],
      identities: ['customer_id'],
    });
    expect([...files.keys()].map(name => name.replace(/_\d{6}\w+\.csv$/, ''))).toEqual([
      `${split}_Split-MailA`,
      `${split}_Split-MailB`,
      `${split}_Split-Control`,
      `${everybody}_PotentialParisians`,
    ]);
    expect(manifest['audience_ids']).toEqual([split, everybody]);
    expect(view['audiences']).toEqual([
      {id: split, name: 'Split', variants: ['Mail A', 'Mail B', 'Control']},
      {id: everybody, name: 'Potential Parisians', variants: null},
    ]);
    const mpids = [...files.values()].map(rows => rows.map(([mpid]) => mpid!));
    const variants = ['Mail A', 'Mail B', 'Control'].map(name => encodeURIComponent(name));
    for (const [place, name] of variants.entries()) {
      const members = await server.members(split, `&variant=${name}`);
      expect(mpids[place]!.toSorted()).toEqual(members.toSorted());
    }
    expect(mpids.slice(0, 3).flat().sort()).toEqual(mpids[3]!.toSorted());
  });

  test('of a sample holds the same share of the members every time', async () => {
    const of = async (sample: number): Promise<Set<string>> => {
      const {files} = await downloaded({
        audiences: [{id: everybody}],
        identities: ['customer_id'],
        sample,
      });
      return new Set([...files.values()].flatMap(rows => rows.map(([mpid]) => mpid!)));
    };
    const [tenth, again, half] = [await of(0.1), await of(0.1), await of(0.5)];
    expect(again).toEqual(tenth);
    expect([...tenth].every(mpid => half.has(mpid))).toBe(true);
    expect(Math.abs(tenth.size - PROFILES / 10)).toBeLessThan(4 * Math.sqrt(PROFILES * 0.09));
    expect(Math.abs(half.size - PROFILES / 2)).toBeLessThan(4 * Math.sqrt(PROFILES * 0.25));
  });

  test('makes cells safe that a spreadsheet would run, unless raw ones are asked for', async () => {
    const evil = '=HYPERLINK("http://evil.example","x"),1\n9, 9, injected, email';
    const vip = {kind: 'user_attribute', attribute: 'evil', operator: 'exists'};
    await server.post(shop, [
      {
        mpid: '-77',
        user_attributes: {evil: 1},
        user_identities: {other: evil, other2: '+33612345678'},
        events: [],
      },
    ]);
    const audience = await server.audience(shop, {name: '=cmd()', definition: vip});
    const valuesOf = async (csv: string | undefined): Promise<unknown> => {
      const {files} = await downloaded({
        audiences: [{id: audience}],
        identities: ['other', 'other_id_2'],
        ...(csv !== undefined && {csv}),
      });
      return [...files].flatMap(([name, rows]) => [
        name.replace(/_\d{6}\w+\.csv$/, ''),
        ...rows.map(([mpid, , value, type]) => [mpid, value, type]),
      ]);
    };
    const phone = ['-77', '+33612345678', 'other_id_2'];
    const file = `${audience}_cmd`;
    expect(await valuesOf(undefined)).toEqual([file, ['-77', `'${evil}`, 'other'], phone]);
    expect(await valuesOf('raw')).toEqual([file, ['-77', evil, 'other'], phone]);
  });

  test('of nobody has a header and no more', async () => {
    const nobody = {kind: 'event', name: 'Never'};
    const audience = await server.audience(shop, {definition: nobody});
    const {files, manifest} = await downloaded({
      audiences: [{id: audience}],
      identities: ['email'],
    });
    expect([...files.values()]).toEqual([[]]);
    expect(manifest).toMatchObject({
      min_timestamp_ms: null,
      max_timestamp_ms: null,
      total_rows: 0,
      rows_by_identity: {email: 0},
      files: [{total_users: 0, total_rows: 0}],
    });
  });
});

describe('asking', () => {
  test('for what is not there is refused, every fault with its place', async () => {
    const split = await server.audience(shop);
    await server.api('PUT', `/v1/audiences/${split}/test`, {variants: AB});
    const problems = async (body: Json): Promise<unknown> => {
      const reply = await server.send('POST', '/v1/downloads', {body});
      const {errors} = reply.body as {errors: {path?: string}[]};
      return [reply.status, errors.map(({path}) => path)];
    };
    expect(
      await problems({
        audiences: [{id: 999}, {id: split, variants: ['Mail A', 'Nobody', 'MAIL A']}, {id: split}],
        identities: ['email', 'shoe size', 'Email'],
      }),
    ).toEqual([
      422,
      [
        'identities[1]',
        'identities[2]',
        'audiences[0].id',
        'audiences[1].variants[1]',
        'audiences[1].variants[2]',
        'audiences[2].id',
      ],
    ]);
    const identities = ['email'];
    const audiences = [{id: everybody}];
    expect(await problems({audiences: [], identities})).toEqual([422, ['audiences']]);
    expect(await problems({audiences, identities: []})).toEqual([422, ['identities']]);
    expect(await problems({audiences, identities, sample: 0})).toEqual([422, ['sample']]);
    expect(await problems({audiences, identities, sample: 1.5})).toEqual([422, ['sample']]);
    expect(await problems({audiences, identities, csv: 'xls'})).toEqual([422, ['csv']]);
    const draft = await server.api<{id: number}>('POST', '/v1/audiences', {
      name: 'Draft',
      workspaces: [shop.workspace],
    });
    expect(await problems({audiences: [{id: draft.id}], identities})).toEqual([409, [undefined]]);
  });

  test('is for those who may use the audience and see the identities', async () => {
    const viewOnly = await server.audience(shop, {access: 'view_only'});
    const hidden = await server.audience(shop, {access: 'private'});
    const status = async (id: number, token: string, identities = ['email']): Promise<number> => {
      const body = {audiences: [{id}], identities};
      return (await server.send('POST', '/v1/downloads', {body, token})).status;
    };
    const viewer = await server.token('viewer');
    const limited = await server.token('viewer', {name: 'limited', identities: ['email']});
    const subscriber = await server.token('subscriber');
    expect(await status(everybody, viewer)).toBe(201);
    expect(await status(viewOnly, viewer)).toBe(403);
    expect(await status(hidden, viewer)).toBe(422);
    expect(await status(everybody, limited)).toBe(201);
    expect(await status(everybody, limited, ['email', 'customer_id'])).toBe(403);
    expect(await status(everybody, subscriber)).toBe(403);
    expect((await server.send('POST', '/v1/downloads', {body: {}, token: 'wrong'})).status).toBe(
      403,
    );
  });

  test('is seen by nobody else but an administrator, and noted', async () => {
    const anna = await server.token('viewer', {name: 'anna'});
    const bert = await server.token('viewer', {name: 'bert'});
    const body = {audiences: [{id: everybody}], identities: ['email']};
    const {id} = await made(body, anna);
    const path = `/v1/downloads/${String(id)}`;
    const status = async (method: string, place: string, token: string): Promise<number> =>
      (await server.send(method, place, {token})).status;
    expect(await status('GET', path, bert)).toBe(404);
    expect(await status('GET', `${path}/file`, bert)).toBe(404);
    expect(await status('DELETE', path, bert)).toBe(404);
    expect((await server.send('GET', '/v1/downloads', {token: bert})).body).toEqual([]);
    expect((await server.send('GET', '/v1/downloads', {token: anna})).body).toMatchObject([{id}]);
    expect(await status('GET', `${path}/file`, anna)).toBe(200);
    await server.send('GET', `${path}/file`, {token: anna, headers: {range: 'bytes=5-9'}});
    const audit = await server.api<Json[]>('GET', '/v1/audit');
    const noted = audit.filter(({target}) => target === `download/${String(id)}`);
    expect(noted.map(({who, action}) => [who, action])).toEqual([
      ['anna', 'download.fetch'],
      ['anna', 'download.create'],
    ]);
    expect(JSON.stringify(noted)).not.toContain('@');

    // What a token is no longer allowed it does not get from an old file either.
    await server.api('PATCH', `/v1/audiences/${everybody}`, {access: 'view_only'});
    expect(await status('GET', `${path}/file`, anna)).toBe(403);
    await server.api('PATCH', `/v1/audiences/${everybody}`, {access: 'usable'});
    expect(await status('DELETE', path, anna)).toBe(204);
    expect(await status('GET', path, anna)).toBe(404);
    expect(filesOf(String(id))).toEqual([]);
  });

  test('is listed newest first, in pages', async () => {
    const cora = await server.token('viewer', {name: 'cora'});
    const ids: unknown[] = [];
    for (let n = 0; n < 3; n++) {
      const body = {audiences: [{id: everybody}], identities: ['email'], sample: 0.01};
      ids.unshift((await made(body, cora))['id']);
    }
    const first = await server.send('GET', '/v1/downloads?limit=2', {token: cora});
    const next = /<([^>]+)>/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await server.send('GET', next, {token: cora});
    const listed = [first, second].flatMap(({body}) => (body as Json[]).map(({id}) => id));
    expect(listed).toEqual(ids);
    expect(second.headers.get('link')).toBe(null);
  });
});

describe.each(['node', 'uws'] as const)('fetching over %s', transport => {
  let path: string;
  let whole: Buffer;
  let etag: string;
  const get = (headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> =>
    server.send(method, path, {headers});

  beforeAll(async () => {
    server = await server.restart({transport});
    const {id} = await made({
      audiences: [{id: everybody}],
      identities: ['customer_id', 'email', 'mobile_number'],
    });
    path = `/v1/downloads/${String(id)}/file`;
    const reply = await get();
    whole = reply.bytes;
    etag = reply.headers.get('etag') ?? '';
    expect(reply.headers.get('content-type')).toBe('application/zip');
    expect(reply.headers.get('accept-ranges')).toBe('bytes');
    expect(reply.headers.get('content-length')).toBe(String(whole.length));
    expect(reply.headers.get('content-disposition')).toMatch(
      /^attachment; filename="musterAudiences_\w+\.zip"$/,
    );
  });

  test('goes on where it was cut off', async () => {
    const pieces: Buffer[] = [];
    const third = Math.ceil(whole.length / 3);
    for (let at = 0; at < whole.length; at += third) {
      const reply = await get({range: `bytes=${at}-${at + third - 1}`, 'if-range': etag});
      const end = Math.min(at + third, whole.length) - 1;
      expect(reply.status).toBe(206);
      expect(reply.headers.get('content-range')).toBe(`bytes ${at}-${end}/${whole.length}`);
      pieces.push(reply.bytes);
    }
    expect(Buffer.concat(pieces).equals(whole)).toBe(true);
    expect((await get({range: 'bytes=-100'})).bytes.equals(whole.subarray(-100))).toBe(true);
    expect((await get({range: 'bytes=7-'})).bytes.equals(whole.subarray(7))).toBe(true);
  });

  test('the whole comes when the rest is of another file, or several ranges are asked for', async () => {
    for (const headers of [
      {range: 'bytes=5-', 'if-range': '"another"'},
      {range: 'bytes=0-1,5-6'},
      {range: 'lines=1-'},
    ] as Record<string, string>[]) {
      const reply = await get(headers);
      expect(reply.status).toBe(200);
      expect(reply.bytes.equals(whole)).toBe(true);
    }
  });

  test('a range behind the end is 416, a file that is known 304, and a HEAD has no body', async () => {
    const behind = await get({range: `bytes=${whole.length}-`});
    expect(behind.status).toBe(416);
    expect(behind.headers.get('content-range')).toBe(`bytes */${whole.length}`);
    const known = await get({'if-none-match': etag});
    expect([known.status, known.bytes.length]).toEqual([304, 0]);
    const head = await get({}, 'HEAD');
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe(String(whole.length));
    expect(head.headers.get('etag')).toBe(etag);
    expect(head.bytes.length).toBe(0);
  });
});

describe('in the data folder', () => {
  test('files are readable by their owner only, and named by nobody', async () => {
    const {id} = await made({audiences: [{id: everybody}], identities: ['email']});
    const names = filesOf(String(id));
    expect(names.sort()).toEqual([`${String(id)}.mpids`, `${String(id)}.zip`]);
    for (const name of names) {
      expect(statSync(join(server.folder, 'downloads', name)).mode & 0o777).toBe(0o600);
    }
    expect(statSync(join(server.folder, 'downloads')).mode & 0o777).toBe(0o700);
  });

  test('they outlive a restart; what nobody knows goes, and what is missing is said', async () => {
    const kept = await made({audiences: [{id: everybody}], identities: ['email']});
    const lost = await made({audiences: [{id: everybody}], identities: ['email']});
    const before = await server.send('GET', `/v1/downloads/${String(kept['id'])}/file`);
    writeFileSync(join(server.folder, 'downloads', 'stray.zip.part'), 'x');
    await server.stop();
    rmSync(join(server.folder, 'downloads', `${String(lost['id'])}.zip`));
    server = await LiveServer.start(server.folder);
    const after = await server.send('GET', `/v1/downloads/${String(kept['id'])}/file`);
    expect(after.bytes.equals(before.bytes)).toBe(true);
    expect(readdirSync(join(server.folder, 'downloads'))).not.toContain('stray.zip.part');
    expect(await server.api('GET', `/v1/downloads/${String(lost['id'])}`)).toMatchObject({
      status: 'failed',
      reason: 'its file is gone',
    });
    const file = await server.send('GET', `/v1/downloads/${String(lost['id'])}/file`);
    expect(file.status).toBe(409);
  });

  test('one that a stop interrupts is made after the start', async () => {
    const body = {audiences: [{id: everybody}], identities: ['email']};
    const asked: string[] = [];
    for (let n = 0; n < 4; n++) {
      asked.push((await server.api<{id: string}>('POST', '/v1/downloads', body)).id);
    }
    server = await server.restart();
    for (const id of asked) {
      const view = await server.until(
        () => server.api<Json>('GET', `/v1/downloads/${id}`),
        ({status}) => status === 'ready',
      );
      expect(view['total_rows']).toBe(PROFILES - PROFILES / 3);
    }
  });

  test('a file with a person who is erased goes, others stay', async () => {
    const erased = '424242';
    const vip = {kind: 'user_attribute', attribute: 'erased', operator: 'exists'};
    await server.post(shop, [
      {mpid: erased, user_attributes: {erased: 1}, user_identities: {email: 'e@x.com'}, events: []},
    ]);
    const audience = await server.audience(shop, {definition: vip});
    const holding = await made({audiences: [{id: audience}], identities: ['email']});
    // In the audience, and in no row: of a phone number there is none.
    const without = await made({audiences: [{id: audience}], identities: ['mobile_number']});
    expect((await server.send('DELETE', `/v1/profiles/${erased}`)).status).toBe(204);
    expect(filesOf(String(holding['id']))).toEqual([]);
    const path = `/v1/downloads/${String(holding['id'])}`;
    expect(await server.api('GET', path)).toMatchObject({
      status: 'expired',
      reason: 'somebody in it was erased',
    });
    expect((await server.send('GET', `${path}/file`)).status).toBe(404);
    expect(await server.api('GET', `/v1/downloads/${String(without['id'])}`)).toMatchObject({
      status: 'ready',
    });
  });
});

function filesOf(id: string): string[] {
  return readdirSync(join(server.folder, 'downloads')).filter(name => name.startsWith(id));
}
