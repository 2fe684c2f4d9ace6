/**
 * The Online Retail file as a plain program sees it: rows, orders, customers, and for each audience a line of
 * code that says who is in it. Shares nothing with the product.
 */
export const DAY_MS = 86_400_000;

export interface RetailRow {
  readonly invoice: string;
  readonly stockCode: string;
  readonly description: string;
  readonly quantity: number;
  readonly timeMs: number;
  readonly price: number;
  readonly customer: string;
  readonly country: string;
  /** A cancellation, or a correction with a negative quantity. */
  readonly isRefund: boolean;
}

interface Line {
  readonly id: string;
  readonly name: string;
  readonly quantity: number;
  readonly price: number;
}

interface Order {
  readonly invoice: string;
  readonly timeMs: number;
  readonly isRefund: boolean;
  readonly country: string;
  readonly lines: readonly Line[];
}

export interface Customer {
  readonly id: string;
  readonly country: string;
  readonly purchases: readonly Order[];
  readonly refunds: readonly Order[];
}

/** No cell of this file holds a line end; quotes only surround a whole cell. */
export function readRetail(text: string): RetailRow[] {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .slice(1)
    .map(line => {
      const cells = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
      );
      const [invoice = '', stockCode = '', description = '', quantity, time = ''] = cells;
      const [, , , , , price, customer = '', country = ''] = cells;
      return {
        invoice,
        stockCode,
        description: description.trim(),
        quantity: Math.abs(Number(quantity)),
        timeMs: Date.parse(`${time.replace(' ', 'T')}Z`),
        price: Number(price),
        customer: customer.trim().replace(/\.0$/, ''),
        country: country.trim(),
        isRefund: invoice.startsWith('C') || Number(quantity) < 0,
      };
    });
}

/** `each row`: an order of one line for every row; `each invoice`: rows of one invoice of a customer together. */
export function customersOf(
  rows: readonly RetailRow[],
  grouping: 'each row' | 'each invoice',
): Customer[] {
  const groups = new Map<string, RetailRow[]>();
  for (const [index, row] of rows.entries()) {
    if (row.customer === '') continue;
    const key = grouping === 'each row' ? String(index) : `${row.invoice} of ${row.customer}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const orders = new Map<string, Order[]>();
  for (const group of groups.values()) {
    const [first] = group;
    if (first === undefined) continue;
    orders.set(first.customer, [...(orders.get(first.customer) ?? []), orderOf(first, group)]);
  }
  return [...orders].map(([id, all]) => {
    all.sort((a, b) => a.timeMs - b.timeMs);
    return {
      id,
      country: all.at(-1)?.country ?? '',
      purchases: all.filter(order => !order.isRefund),
      refunds: all.filter(order => order.isRefund),
    };
  });
}

function orderOf(first: RetailRow, rows: readonly RetailRow[]): Order {
  return {
    invoice: first.invoice,
    timeMs: Math.min(...rows.map(row => row.timeMs)),
    isRefund: first.isRefund,
    country: first.country,
    lines: rows.map(({stockCode: id, description: name, quantity, price}) => ({
      id,
      name,
      quantity,
      price,
    })),
  };
}

export interface RetailAudience {
  readonly name: string;
  readonly definition: object;
  readonly has: (customer: Customer, nowMs: number) => boolean;
}

const PURCHASE = {kind: 'commerce', action: 'purchase'};
const REFUND = {kind: 'commerce', action: 'refund'};
const FRENCH = {
  kind: 'user_attribute',
  attribute: 'country',
  operator: 'exact_match',
  value: 'FRANCE',
};

/** Windows that slide end at `nowMs`, and are long enough to reach into the file. */
export function retailAudiences(nowMs: number): RetailAudience[] {
  const daysSince = (year: number, month: number, day: number): number =>
    Math.floor((nowMs - Date.UTC(year, month - 1, day)) / DAY_MS);
  const recent = daysSince(2011, 9, 1);
  const [spring, summer] = [daysSince(2011, 3, 1), daysSince(2011, 6, 1)];
  const wasAgo = (timeMs: number, days: number, now: number): boolean =>
    timeMs >= now - days * DAY_MS && timeMs <= now;
  return [
    {
      name: 'three invoices in the sliding autumn',
      definition: {
        ...PURCHASE,
        when: {within_last: `${recent}d`},
        measure: {function: 'distinct', attribute: '$transaction_id'},
        compare: {operator: 'greater_or_equal', value: 3},
      },
      has: ({purchases}, now) =>
        new Set(
          purchases.filter(({timeMs}) => wasAgo(timeMs, recent, now)).map(order => order.invoice),
        ).size >= 3,
    },
    {
      name: 'an order of over 100 pounds',
      definition: {
        ...PURCHASE,
        where: [{attribute: '$total_amount', operator: 'greater_than', value: 100}],
      },
      has: ({purchases}) => purchases.some(order => totalOf(order) > 100),
    },
    {
      name: 'from France, and never paid postage',
      definition: {
        and: [
          FRENCH,
          {
            exclude: {
              ...PURCHASE,
              where: [{attribute: '$product.id', operator: 'starts_with', value: 'post'}],
            },
          },
        ],
      },
      has: ({country, purchases}) =>
        country === 'France' && !linesOf(purchases).some(({id}) => id.startsWith('POST')),
    },
    {
      name: 'bought between two dates',
      definition: {...PURCHASE, when: {between: ['2011-06-01', '2011-06-30']}},
      has: ({purchases}) =>
        purchases.some(
          ({timeMs}) => timeMs >= Date.UTC(2011, 5, 1) && timeMs < Date.UTC(2011, 6, 1),
        ),
    },
    {
      name: 'cancelled within 30 days of a purchase',
      definition: {kind: 'sequence', steps: [PURCHASE, {...REFUND, within: '30d'}]},
      has: ({purchases, refunds}) =>
        refunds.some(refund =>
          purchases.some(
            ({timeMs}) => timeMs < refund.timeMs && refund.timeMs - timeMs <= 30 * DAY_MS,
          ),
        ),
    },
    {
      name: 'hearts, in twos to dozens, and cheap: all of it one product',
      definition: {
        ...PURCHASE,
        where: [
          {attribute: '$product.name', operator: 'contains', value: 'heart'},
          {attribute: '$product.quantity', operator: 'between', value: [2, 12]},
          {attribute: '$product.price', operator: 'less_than', value: 2},
        ],
      },
      has: ({purchases}) =>
        linesOf(purchases).some(
          ({name, quantity, price}) =>
            /heart/i.test(name) && quantity >= 2 && quantity <= 12 && price < 2,
        ),
    },
    {
      name: 'from three countries',
      definition: {
        kind: 'user_attribute',
        attribute: 'country',
        operator: 'in',
        value: ['germany', 'EIRE', 'Spain'],
      },
      has: ({country}) => ['Germany', 'EIRE', 'Spain'].includes(country),
    },
    {
      name: 'in the sliding spring, and not after September began',
      definition: {
        and: [
          {...PURCHASE, when: {between_ago: [`${summer}d`, `${spring}d`]}},
          {...PURCHASE, when: {after: '2011-09-01'}, compare: {operator: 'equals', value: 0}},
        ],
      },
      has: ({purchases}, now) =>
        purchases.some(
          ({timeMs}) => timeMs >= now - spring * DAY_MS && timeMs <= now - summer * DAY_MS,
        ) && !purchases.some(({timeMs}) => timeMs >= Date.UTC(2011, 8, 1)),
    },
    {
      name: 'five hundred pieces',
      definition: {
        ...PURCHASE,
        measure: {function: 'sum', attribute: '$product.quantity'},
        compare: {operator: 'greater_than', value: 500},
      },
      has: ({purchases}) => linesOf(purchases).reduce((sum, {quantity}) => sum + quantity, 0) > 500,
    },
    {
      name: 'dear on average',
      definition: {
        ...PURCHASE,
        measure: {function: 'avg', attribute: '$product.price'},
        compare: {operator: 'between', value: [5, 20]},
      },
      has: ({purchases}) => {
        const prices = linesOf(purchases).map(({price}) => price);
        const average = prices.reduce((sum, price) => sum + price, 0) / prices.length;
        return average >= 5 && average <= 20;
      },
    },
    {
      name: 'ten different products',
      definition: {
        ...PURCHASE,
        measure: {function: 'distinct', attribute: '$product.id'},
        compare: {operator: 'greater_or_equal', value: 10},
      },
      has: ({purchases}) => new Set(linesOf(purchases).map(({id}) => id.toLowerCase())).size >= 10,
    },
    {
      name: 'customers since the first winter',
      definition: {kind: 'first_seen', when: {before: '2011-01-01'}},
      has: ({purchases, refunds}) =>
        [...purchases, ...refunds].some(({timeMs}) => timeMs < Date.UTC(2011, 0, 1)),
    },
    {
      name: 'everyone',
      definition: {kind: 'user_attribute', attribute: 'country', operator: 'exists'},
      has: () => true,
    },
  ];
}

function linesOf(orders: readonly Order[]): Line[] {
  return orders.flatMap(order => order.lines);
}

function totalOf({lines}: Order): number {
  return lines.reduce((sum, {quantity, price}) => sum + quantity * price, 0);
}
