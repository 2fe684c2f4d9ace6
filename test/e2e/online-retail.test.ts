/**
 * A year of a shop's orders: members over HTTP, members that readers of the stream arrive at, and a plain
 * program over the CSV file agree to the last customer, however many shards there are and in whatever order
 * the orders come.
 */
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {runReplay} from '../../server/cli/replay.ts';
import {testProcess} from '../cli/cli-process.ts';
import {byMpid, DeltaReader} from '../support/delta-reader.ts';
import {ServerClient, type Shop} from '../support/server-client.ts';
import {ServerProcess, temporaryFolder} from '../support/server-process.ts';
import {customersOf, readRetail, retailAudiences, type RetailAudience} from './support/retail.ts';

const ROOT = join(import.meta.dirname, '../..');
const FILE = [
  process.env['MUSTER_RETAIL_CSV'] ?? '',
  join(ROOT, '../shared/data/online-retail-30k.csv'),
].find(file => existsSync(file));
const MAPPING = join(ROOT, 'docs/online-retail.mapping.json');

if (FILE === undefined) {
  process.stdout.write(
    '  skipped: test/e2e/online-retail needs online-retail-30k.csv; MUSTER_RETAIL_CSV says where it is\n',
  );
}

describe.skipIf(FILE === undefined)('the Online Retail file', () => {
  test.each([
    {shards: 1, grouping: 'each row'},
    {shards: 2, grouping: 'each row'},
    {shards: 5, grouping: 'each row'},
    {shards: 1, grouping: 'each invoice'},
    {shards: 2, grouping: 'each invoice'},
    {shards: 5, grouping: 'each invoice'},
  ] as const)(
    'in $shards shards, $grouping a batch',
    async ({shards, grouping}) => {
      const folder = temporaryFolder();
      const retention = ['--event-retention', '10000d', '--profile-retention', '10000d'];
      const server = await ServerProcess.start({
        dataFolder: join(folder, 'data'),
        args: ['--shards', String(shards), ...retention],
      });
      const client = new ServerClient(server);
      const shop = await client.openShop();
      const audiences = retailAudiences(Date.now());
      // Half of them see the events come; the others are filled from what was kept.
      const ids = new Map<RetailAudience, number>();
      const add = async (audience: RetailAudience): Promise<void> => {
        ids.set(audience, await client.audience(shop, audience.name, audience.definition));
      };
      for (const audience of audiences.filter((_, index) => index % 2 === 0)) await add(audience);
      const readers = [new DeltaReader(), new DeltaReader({from: 'now'})];
      for (const reader of readers) await reader.connect(server);

      const startedMs = Date.now();
      const replayed = replay({file: FILE ?? '', grouping, folder, server, shop});
      await new Promise(resolve => setTimeout(resolve, 400));
      const late = new DeltaReader();
      await late.connect(server);
      readers.push(late);
      await replayed;
      const tookMs = Date.now() - startedMs;
      for (const audience of audiences.filter((_, index) => index % 2 === 1)) await add(audience);
      await client.filled();
      const last = new DeltaReader({identities: ['customer_id']});
      await last.connect(server);
      readers.push(last);

      const rows = readRetail(readFileSync(FILE ?? '', 'utf8'));
      const customers = customersOf(rows, grouping);
      const everyone = ids.get(audiences.at(-1)!)!;
      const mpidOf = await mpidsByCustomer(client, everyone, last);
      expect(mpidOf.size).toBe(customers.length);
      const expected = new Map(
        audiences.map(audience => [
          ids.get(audience)!,
          customers
            .filter(customer => audience.has(customer, Date.now()))
            .map(({id}) => mpidOf.get(id) ?? `customer ${id}`)
            .sort(byMpid),
        ]),
      );
      for (const audience of audiences) {
        const members = expected.get(ids.get(audience)!)!;
        const found = await client.members(ids.get(audience)!);
        expect([audience.name, ...found]).toEqual([audience.name, ...members]);
        // An audience of all or nobody shows nothing.
        if (audience !== audiences.at(-1)) {
          expect([audience.name, members.length > 3]).toEqual([audience.name, true]);
          expect(members.length).toBeLessThan(customers.length);
        }
      }
      for (const reader of readers) {
        await reader.arrivesAt(expected);
        expect(reader.membership.faults).toEqual([]);
      }
      process.stdout.write(
        `  ${shards} shards, ${grouping}: replayed in ${tookMs} ms, ${readers[0]?.deltas.length} deltas\n`,
      );
      client.close();
      await server.stop();
    },
    120_000,
  );
});

/** The file's rows in its own order one by one, or its invoices in the order of their time. */
async function replay({
  file,
  grouping,
  folder,
  server,
  shop,
}: {
  file: string;
  grouping: 'each row' | 'each invoice';
  folder: string;
  server: ServerProcess;
  shop: Shop;
}): Promise<void> {
  let mapping = MAPPING;
  if (grouping === 'each row') {
    const {
      batch,
      group: _,
      ...rest
    } = JSON.parse(readFileSync(MAPPING, 'utf8')) as {
      batch: object;
      group: object;
    };
    mapping = join(folder, 'each-row.mapping.json');
    // Facts of a batch are as of its time: the file is in no order.
    const timed = {...batch, timestamp_unixtime_ms: '{InvoiceDate|time}'};
    writeFileSync(mapping, JSON.stringify({...rest, batch: timed}));
  }
  const cli = testProcess({
    env: {MUSTER_URL: server.url, MUSTER_KEY: shop.key, MUSTER_SECRET: shop.secret},
  });
  const code = await runReplay([file, '--mapping', mapping, '--quiet'], cli);
  expect(`${code} ${cli.err()} ${code === 0 ? '' : cli.out()}`).toBe('0  ');
}

async function mpidsByCustomer(
  client: ServerClient,
  everyone: number,
  reader: DeltaReader,
): Promise<Map<string, string>> {
  const members = (await client.members(everyone)).sort(byMpid);
  await reader.arrivesAt(new Map([[everyone, members]]));
  return new Map(members.map(mpid => [reader.identity(mpid, 'customer_id'), mpid]));
}
