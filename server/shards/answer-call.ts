/** The calls a shard answers from its present, or by staging a change. */
import {randomInt} from 'node:crypto';
import {isDeepStrictEqual} from 'node:util';
import {pack, unpack} from 'msgpackr';
import {unreachable} from '../../engine/assert.ts';
import type {AudienceSpec} from '../../engine/audiences/audience-spec.ts';
import {memberSlice} from '../../engine/audiences/member-slice.ts';
import {membersPage} from '../../engine/audiences/members-page.ts';
import {explain} from '../../engine/explanations/explain.ts';
import {environmentOf, mpidFrom, mpidHi, mpidLo, type Watermark} from '../../engine/ids.ts';
import {memberCount, profileView} from '../../engine/shard-queries.ts';
import type {DurableShard, Staged} from '../../storage/durable-shard.ts';
import {formerIdentities} from '../../storage/former-identities.ts';
import {decodeJournalEntry} from '../../storage/journal-entry.ts';
import {decodeRecords} from '../../storage/record-codec.ts';
import {unseal} from '../../storage/checked-value.ts';
import type {Put, ShardStore} from '../../storage/shard-store.ts';
import type {QuestionMethod} from './answer-question.ts';
import type {
  AudienceState,
  FailedAudience,
  IdentityClaims,
  ShardCalls,
  ShardStats,
} from './protocol.ts';

export interface CallContext {
  readonly durable: DurableShard;
  readonly store: ShardStore;
  readonly nowMs: number;
}

export interface CallAnswer {
  readonly value: unknown;
  /** To be committed before the answer is given. */
  readonly staged?: Staged | undefined;
  /** The same, outside any entry: nobody is told. */
  readonly puts?: readonly Put[];
  /** Definitions changed. */
  readonly prepare?: boolean;
}

/** Rewritten between two batches: a few milliseconds, but for an entry that is larger by itself. */
const REWRITTEN_BYTES_MAX = 256 * 1024;

/** Of this thread: the module is loaded once in each. */
const LIFE = randomInt(1, 2 ** 47);

type Args<M extends keyof ShardCalls> = ShardCalls[M]['args'];

export function answerCall(
  context: CallContext,
  method: Exclude<keyof ShardCalls, 'stop' | QuestionMethod>,
  args: unknown,
): CallAnswer {
  const {durable, store, nowMs} = context;
  const {shard} = durable;
  switch (method) {
    case 'define': {
      const {upsert, remove} = args as Args<'define'>;
      const changed = upsert.filter(spec => !isKnown(durable, spec));
      if (changed.length === 0 && remove.every(id => shard.audiences.spec(id) === undefined)) {
        return {value: failedAudiences(durable)};
      }
      const staged = durable.define(changed, remove, nowMs);
      return {value: failedAudiences(durable), staged, prepare: true};
    }
    case 'states':
      return {value: states(durable, (args as Args<'states'>)?.ids)};
    case 'members': {
      const page = args as Args<'members'>;
      return {value: membersPage(shard, page)};
    }
    case 'snapshot': {
      const page = membersPage(shard, args as Args<'snapshot'>);
      return {value: {...page, watermark: durable.watermark}};
    }
    case 'memberSlice': {
      const slice = memberSlice(shard, args as Args<'memberSlice'>);
      return {value: slice && {...slice, atMs: nowMs, life: LIFE}};
    }
    case 'profile':
      return {value: view(durable, (args as Args<'profile'>).mpid, nowMs)};
    case 'profiles':
      return {value: (args as Args<'profiles'>).mpids.map(mpid => view(durable, mpid))};
    case 'explain': {
      const {audience, mpid} = args as Args<'explain'>;
      const asked = {audience, hi: mpidHi(mpid), lo: mpidLo(mpid)};
      return {value: explain(shard, asked, nowMs)};
    }
    case 'former':
      return {
        value: (args as Args<'former'>).asked.map(({mpid, watermark}) =>
          formerIdentities(store, {hi: mpidHi(mpid), lo: mpidLo(mpid), watermark}),
        ),
      };
    case 'watch':
      shard.watch((args as Args<'watch'>).attributes);
      return {value: undefined};
    case 'erase': {
      const {mpid, by} = args as Args<'erase'>;
      const staged = durable.erase(mpidHi(mpid), mpidLo(mpid), nowMs, by);
      return {value: staged !== undefined, staged};
    }
    case 'erasures':
      return {value: durable.erasures.pending};
    case 'removeErased': {
      const found = args as Args<'removeErased'>;
      const {puts, ...done} = durable.erasures.remove(found, REWRITTEN_BYTES_MAX);
      return {value: done, puts};
    }
    case 'endErasures': {
      const {watermarks} = args as Args<'endErasures'>;
      return {value: undefined, puts: durable.erasures.end(watermarks)};
    }
    case 'stats':
      return {value: stats(durable)};
    case 'claims':
      return {value: claims(store, (args as Args<'claims'>).after)};
    default:
      return unreachable(method);
  }
}

/** Deduplication memory on disk: one array for each entry, its time twice and then the hashes. */
export function readSeen(store: ShardStore): Float64Array[] {
  const seen: Float64Array[] = [];
  for (const {key, value} of store.entries('seen', 0)) {
    const bytes = unseal(1, value, `seen entry ${key}`);
    seen.push(new Float64Array(new Uint8Array(bytes).buffer));
  }
  return seen;
}

function isKnown(durable: DurableShard, spec: AudienceSpec): boolean {
  const known = durable.shard.audiences.spec(spec.id);
  return known !== undefined && isDeepStrictEqual(plain(known), plain(spec));
}

/** Without the difference between a field that is undefined and one that is not there. */
function plain(spec: AudienceSpec): unknown {
  return unpack(pack(spec));
}

function states({shard}: DurableShard, ids: readonly number[] | undefined): AudienceState[] {
  const asked = ids?.flatMap(id => shard.audiences.get(id) ?? []) ?? [...shard.audiences.all()];
  return asked.map(audience => ({
    id: audience.id,
    // Of what it goes on with after a restart no definition is known.
    version: audience.isHeld ? 0 : audience.version,
    size: memberCount(shard, audience.id),
    progress: audience.next === undefined ? 1 : shard.fillProgress(audience),
    failed: audience.failed,
  }));
}

function failedAudiences({shard}: DurableShard): FailedAudience[] {
  return [...shard.audiences.all()].flatMap(({id, failed}) =>
    failed === undefined ? [] : [{id, failed, size: memberCount(shard, id)}],
  );
}

function view({shard}: DurableShard, mpid: bigint, nowMs?: number): ReturnType<typeof profileView> {
  return profileView(shard, mpidHi(mpid), mpidLo(mpid), nowMs);
}

function stats(durable: DurableShard): ShardStats {
  const {shard} = durable;
  return {
    profiles: shard.table.count,
    events: shard.work.events,
    predicatesAsked: shard.criteria.index.asked,
    criteriaEvaluated: shard.work.criteria,
    nodesEvaluated: shard.propagation.evaluated,
    flips: shard.propagation.flips,
    deltas: shard.work.deltas,
    timers: shard.timers,
    historyBytes: shard.slab.bytes,
    factBytes: shard.facts.byteLength,
    membershipBytes: shard.membershipLists.bytes,
    truthBytes: shard.rows.bytes,
    columnBytes: shard.columns.bytes,
    factsRefused: shard.facts.refused,
    failedAudiences: failedAudiences(durable).length,
  };
}

/** Of profiles that were erased later there are none: what they claimed is nobody's. */
function claims(store: ShardStore, after: number): IdentityClaims[] {
  const found: IdentityClaims[] = [];
  const erased = new Map<bigint, Watermark>();
  for (const {key, value} of store.entries('journal', after)) {
    const {content} = decodeJournalEntry(value, key);
    if (content.kind === 'control' && content.control.kind === 'erase') {
      erased.set(mpidFrom(content.control.mpidHi, content.control.mpidLo), key);
    }
    if (content.kind !== 'records') continue;
    const entry: IdentityClaims['claims'][number][] = [];
    for (const record of decodeRecords(content.records)) {
      const isLoss = record.scope < 0;
      for (const {type, value: identity, sequence} of record.identities) {
        const mpid = mpidFrom(record.mpidHi, record.mpidLo);
        const environment = environmentOf(record.scope);
        // A loss gives nobody anything, but its number is taken.
        entry.push({environment, type, value: isLoss ? undefined : identity, mpid, sequence});
      }
    }
    if (entry.length > 0) found.push({watermark: key, claims: entry});
  }
  return found.map(({watermark, claims: all}) => ({
    watermark,
    claims: all.filter(({mpid}) => watermark > (erased.get(mpid) ?? 0)),
  }));
}
