/** Lists are bare arrays, a page at a time; `Link: <…>; rel="next"` leads on. */
import type {Problem} from '../../engine/definitions/definition.ts';
import {Type} from 'typebox';
import type {TSchema} from 'typebox';
import {ApiError} from './errors.ts';
import type {Answer, Call, QueryParameter} from './route.ts';

export const PAGE_ITEMS_MAX = 10_000;
const PAGE_ITEMS_DEFAULT = 100;

export function pageParameters(
  after: string,
  schema: TSchema = Type.String({examples: ['41']}),
): readonly QueryParameter[] {
  return [
    {
      name: 'limit',
      description: `Items of a page, ${PAGE_ITEMS_DEFAULT} when it is not given.`,
      schema: Type.Integer({minimum: 1, maximum: PAGE_ITEMS_MAX, examples: [500]}),
    },
    {name: 'after', description: after, schema},
  ];
}

export interface PageQuery<After> {
  readonly limit: number;
  readonly after: After | undefined;
}

/** `parseAfter` says undefined for what it cannot read. */
export function readPage<After>(
  query: URLSearchParams,
  parseAfter: (text: string) => After | undefined,
): PageQuery<After> {
  const problems: Problem[] = [];
  const limitText = query.get('limit');
  const limit = limitText === null ? PAGE_ITEMS_DEFAULT : parseId(limitText);
  if (limit === undefined || limit > PAGE_ITEMS_MAX) {
    problems.push({path: 'limit', message: `must be an integer from 1 to ${PAGE_ITEMS_MAX}`});
  }
  const afterText = query.get('after');
  const after = afterText === null ? undefined : parseAfter(afterText);
  if (afterText !== null && after === undefined) {
    problems.push({path: 'after', message: 'is not one that a Link header gave'});
  }
  if (problems.length > 0) throw new ApiError('UNPROCESSABLE', problems);
  return {limit: limit ?? PAGE_ITEMS_DEFAULT, after};
}

/** A positive integer; undefined for anything else. */
export function parseId(text: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}

/** `next` is what the following page starts after; undefined: this is the last. `total`: of all pages, where it is known. */
export function pageAnswer(
  {path, query}: Pick<Call<unknown>, 'path' | 'query'>,
  items: readonly unknown[],
  next: string | undefined,
  total?: number,
): Answer {
  const counted = total === undefined ? {} : {'x-total-count': String(total)};
  if (next === undefined) return {status: 200, body: items, headers: counted};
  const onward = new URLSearchParams(query);
  onward.set('after', next);
  const link = `<${path}?${onward.toString()}>; rel="next"`;
  return {status: 200, body: items, headers: {link, ...counted}};
}

/** A page of things that are all in memory, by ascending id. */
export function pageById<T extends {readonly id: number}>(
  call: Pick<Call<unknown>, 'path' | 'query'>,
  things: readonly T[],
): {readonly items: readonly T[]; readonly next: string | undefined} {
  const {limit, after} = readPage(call.query, parseId);
  const rest = things.filter(({id}) => id > (after ?? 0)).sort((a, b) => a.id - b.id);
  const items = rest.slice(0, limit);
  return {items, next: rest.length > limit ? String(items.at(-1)?.id) : undefined};
}
