/** In which order a list shows audiences, and where a page of it goes on. */
import {Type} from 'typebox';
import {ApiError} from './errors.ts';
import {readPage} from './pages.ts';
import type {Call, QueryParameter} from './route.ts';

const FIELDS = [
  'id',
  'name',
  'status',
  'owner',
  'size',
  'added_last_24_hours',
  'dropped_last_24_hours',
  'volatility',
  'connected_outputs',
  'created_ms',
  'last_modified_ms',
] as const;
type Field = (typeof FIELDS)[number];

const ORDERS = FIELDS.flatMap(field => [field, `-${field}`]);

export const ORDER_PARAMETER: QueryParameter = {
  name: 'sort',
  description:
    'Field to sort by, with a minus before it from high to low; what has no value comes last. id when it is not given.',
  schema: Type.Enum(ORDERS, {examples: ['-size']}),
};

type Value = string | number | null;
type View = Readonly<Record<string, unknown>>;

export interface AudienceOrder {
  readonly field: Field;
  readonly isDescending: boolean;
}

/** undefined: by id, as pages are without more ado. */
export function readOrder(query: URLSearchParams): AudienceOrder | undefined {
  const text = query.get('sort') ?? 'id';
  const isDescending = text.startsWith('-');
  const field = FIELDS.find(each => each === (isDescending ? text.slice(1) : text));
  if (field === undefined) {
    const message = `must be one of ${FIELDS.join(', ')}, with a minus before it for the reverse`;
    throw new ApiError('UNPROCESSABLE', [{path: 'sort', message}]);
  }
  return text === 'id' ? undefined : {field, isDescending};
}

/** A page goes on after the place of the last one, even if that one has moved or gone meanwhile. */
export function pageInOrder(
  call: Pick<Call<unknown>, 'query'>,
  views: readonly View[],
  order: AudienceOrder,
): {readonly items: readonly View[]; readonly next: string | undefined} {
  const {limit, after} = readPage(call.query, parsePlace);
  const places = views
    .map(view => ({view, value: valueOf(view, order.field), id: view['id'] as number}))
    .sort((a, b) => compare(a, b, order));
  const from =
    after === undefined ? 0 : places.findIndex(place => compare(place, after, order) > 0);
  const page = from < 0 ? [] : places.slice(from, from + limit);
  const last = page.at(-1);
  const isLast = from < 0 || from + limit >= places.length;
  return {
    items: page.map(({view}) => view),
    next: isLast || last === undefined ? undefined : printPlace(last),
  };
}

interface Place {
  readonly value: Value;
  readonly id: number;
}

/** Text without regard to case, as a person looks for it. */
function valueOf(view: View, field: Field): Value {
  const value = view[field];
  if (typeof value === 'string') return value.toLowerCase();
  return typeof value === 'number' ? value : null;
}

function compare(a: Place, b: Place, {isDescending}: AudienceOrder): number {
  if (a.value === null || b.value === null) {
    if (a.value === b.value) return a.id - b.id;
    return a.value === null ? 1 : -1;
  }
  const order = a.value < b.value ? -1 : a.value > b.value ? 1 : a.id - b.id;
  return isDescending ? -order : order;
}

function printPlace({value, id}: Place): string {
  return Buffer.from(JSON.stringify([value, id])).toString('base64url');
}

function parsePlace(text: string): Place | undefined {
  try {
    const place = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown;
    if (!Array.isArray(place) || place.length !== 2) return undefined;
    const [value, id] = place as [unknown, unknown];
    const isValue = value === null || typeof value === 'string' || typeof value === 'number';
    return isValue && typeof id === 'number' ? {value, id} : undefined;
  } catch {
    return undefined;
  }
}
