import {existsSync} from 'node:fs';
import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {runReplay} from '../../server/cli/replay.ts';
import {batchesOf, testProcess} from './cli-process.ts';
import {ACCEPTED, ReplayStage} from './replay-stage.ts';

const RETAIL = join(import.meta.dirname, '../../../shared/data/online-retail-30k.csv');
const MAPPING = join(import.meta.dirname, '../../docs/online-retail.mapping.json');

let stage: ReplayStage;

beforeEach(async () => {
  stage = await ReplayStage.open();
});

afterEach(() => stage.close());

describe('CSV', () => {
  const csv = [
    'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country',
    '2,X,"MUG, ""BLUE""",2,2011-10-06 16:20:00,4.15,12923.0,United Kingdom',
    '1,Y,BOWL ,3,2011-09-07 10:51:00,0.1,15594.0,EIRE',
    '2,Z,PLATE,1,2011-10-06 16:21:00,1.7,12923.0,United Kingdom',
    'C3,X,MUG,-2,2011-10-08 09:00:00,4.15,12923.0,United Kingdom',
    '4,X,MUG,1,2011-10-09 09:00:00,4.15,,United Kingdom',
    '5,X,MUG,1,not a date,4.15,1.0,France',
    '6,X,MUG,1',
  ].join('\r\n');

  test('invoices become purchases and refunds with their products, in the order of time', async () => {
    const {exitCode, requests, out} = await stage.run(
      csv,
      ['--mapping', MAPPING, '--concurrency', '1'],
      undefined,
      'x.csv',
    );
    expect(exitCode).toBe(1);
    const batches = batchesOf(requests).map(({source_request_id: _, ...batch}) => batch);
    expect(batches).toEqual([
      purchase('15594', 'EIRE', '1', 'purchase', Date.UTC(2011, 8, 7, 10, 51), 0.3, [
        {id: 'Y', name: 'BOWL', price: 0.1, quantity: 3, total_product_amount: 0.3},
      ]),
      purchase('12923', 'United Kingdom', '2', 'purchase', Date.UTC(2011, 9, 6, 16, 20), 10, [
        {id: 'X', name: 'MUG, "BLUE"', price: 4.15, quantity: 2, total_product_amount: 8.3},
        {id: 'Z', name: 'PLATE', price: 1.7, quantity: 1, total_product_amount: 1.7},
      ]),
      purchase('12923', 'United Kingdom', 'C3', 'refund', Date.UTC(2011, 9, 8, 9), 8.3, [
        {id: 'X', name: 'MUG', price: 4.15, quantity: 2, total_product_amount: 8.3},
      ]),
    ]);
    expect(out).toContain('left out    1 row, as the mapping says');
    expect(out).toContain('unreadable  2 lines');
    expect(out).toContain('line 7: InvoiceDate is not a time: "not a date"');
    expect(out).toContain('line 8: 4 cells where the header has 8');
  });

  test.each([
    ['consecutive', 5],
    ['all', 4],
  ])('%s rows of one key are one batch', async (rows, count) => {
    const mapping = await mappingFile({
      group: {by: ['InvoiceNo'], rows},
      skip: [{column: 'Quantity', empty: true}],
      batch: {mpid: '{InvoiceNo}', user_attributes: {sizes: {$rows: '{Quantity|number}'}}},
    });
    const {requests} = await stage.run(
      csv.split('\r\n').slice(0, 6).join('\n'),
      ['--mapping', mapping],
      undefined,
      'x.csv',
    );
    expect(batchesOf(requests)).toHaveLength(count);
  });

  test('a mapping that does not fit the file tells every fault, and nothing is sent', async () => {
    const mapping = await mappingFile({batch: {a: '{Nope}', b: '{Country|shout}'}});
    const {exitCode, requests, err} = await stage.run(
      csv,
      ['--mapping', mapping],
      undefined,
      'x.csv',
    );
    expect(exitCode).toBe(2);
    expect(requests).toEqual([]);
    expect(err).toContain('batch.a: no column "Nope"; the file has InvoiceNo, StockCode,');
    expect(err).toContain('batch.b: no filter "shout"; there are trim, lower');
  });

  test('a CSV file without a mapping is asked for one', async () => {
    const {exitCode, err} = await stage.run(csv, [], undefined, 'x.csv');
    expect(exitCode).toBe(2);
    expect(err).toContain('a CSV file needs --mapping');
  });

  async function mappingFile(mapping: object): Promise<string> {
    const path = join(stage.folder, 'mapping.json');
    await writeFile(path, JSON.stringify(mapping));
    return path;
  }

  function purchase(
    customer: string,
    country: string,
    invoice: string,
    action: string,
    atMs: number,
    total: number,
    products: object[],
  ): object {
    return {
      user_identities: {customer_id: customer},
      user_attributes: {country},
      events: [
        {
          event_type: 'commerce_event',
          data: {
            currency_code: 'GBP',
            product_action: {action, transaction_id: invoice, total_amount: total, products},
            timestamp_unixtime_ms: atMs,
          },
        },
      ],
    };
  }
});

const hasRetail = existsSync(RETAIL);
if (!hasRetail) {
  process.stdout.write(
    'skipped: UCI Online Retail, as ../shared/data/online-retail-30k.csv is absent\n',
  );
}

test.skipIf(!hasRetail)(
  'UCI Online Retail, 30,000 rows: every invoice of a customer, and no row twice',
  async () => {
    const lines = (await readFile(RETAIL, 'utf8')).trim().split('\n').slice(1);
    const withCustomer = lines.filter(line => !/,,[^,]*$/.test(line));
    const server = await stage.started(() => ACCEPTED);
    const running = testProcess();
    const argv = [
      RETAIL,
      '--mapping',
      MAPPING,
      '--url',
      server.url,
      '--key',
      'k',
      '--secret',
      's',
      '--now-shift',
    ];
    expect(await runReplay(argv, running)).toBe(0);
    const batches = batchesOf(server.requests) as {
      source_request_id: string;
      user_identities: {customer_id: string};
      events: {data: {product_action: {products: object[]}; timestamp_unixtime_ms: number}}[];
    }[];
    const products = batches.flatMap(batch => batch.events[0]?.data.product_action.products ?? []);
    expect(products).toHaveLength(withCustomer.length);
    expect(new Set(batches.map(batch => batch.source_request_id)).size).toBe(batches.length);
    expect(batches.every(batch => /^\d{5}$/.test(batch.user_identities.customer_id))).toBe(true);
    const newestMs = Math.max(
      ...batches.map(batch => batch.events[0]?.data.timestamp_unixtime_ms ?? 0),
    );
    expect(Date.now() - newestMs).toBeLessThan(60_000);
    expect(running.out()).toContain('left out    2,000 rows');
  },
);
