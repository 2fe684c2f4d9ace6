/**
 * Faults put into the engine and its storage on purpose, one at a time. Each is something that a person
 * could get wrong, and none may pass the property tests. `from` occurs exactly once in the file: when the
 * code moves on, the mutant moves with it or goes.
 */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const EVALUATION = 'engine/evaluation.ts';
const WINDOW = 'engine/criteria/window-truth.ts';
const CART = 'engine/criteria/cart-truth.ts';
const SEQUENCE = 'engine/criteria/sequence-truth.ts';
const CALCULATED = 'engine/criteria/calculated-value.ts';
const PROPAGATION = 'engine/expressions/propagation.ts';
const INTAKE = 'engine/intake.ts';
const LIFETIME = 'engine/profiles/lifetime.ts';
const ENTRIES = 'engine/histories/entries.ts';
const BINDING = 'engine/criteria/bound-criterion.ts';
const PREDICATE = 'engine/criteria/predicate.ts';
const FACTS = 'engine/facts/fact-store.ts';
const PROFILE = 'engine/profiles/profile-data.ts';
const SHARD = 'engine/shard.ts';
const AUDIENCES = 'engine/audiences/audience-table.ts';
const RECOVERY = 'engine/shard-recovery.ts';
const DURABLE = 'storage/durable-shard.ts';
const RECOVER = 'storage/recover.ts';

export const MUTANTS: readonly Mutant[] = [
  // ── Windows ─────────────────────────────────────────────────────────────────────────────────
  {
    name: 'the last millisecond of a window is outside',
    file: EVALUATION,
    from: 'if (lastsMs >= nowMs) {',
    to: 'if (lastsMs > nowMs) {',
  },
  {
    name: 'the end of a window is not waited for',
    file: EVALUATION,
    from: 'if (lastsMs < due) due = lastsMs + 1;',
    to: '',
  },
  {
    name: 'the end of a window is waited for one millisecond too long',
    file: EVALUATION,
    from: 'if (lastsMs < due) due = lastsMs + 1;',
    to: 'if (lastsMs < due) due = lastsMs + 2;',
  },
  {
    name: 'events from the future count at once',
    file: EVALUATION,
    from: 'while (end > 0 && words[entryAt + end - 1]! > nowMs) end--;',
    to: '',
  },
  {
    name: 'events from the future are never reached',
    file: EVALUATION,
    from: 'let due = end < entryCount ? words[entryAt + end]! : Infinity;',
    to: 'let due = Infinity;',
  },
  {
    name: '"fewer than n" is read as "at least n"',
    file: EVALUATION,
    from: 'const holds = reached ^ negated[i]!;',
    to: 'const holds = reached;',
  },
  {
    name: 'the nth latest is taken one too early',
    file: EVALUATION,
    from: 'const lastsMs = words[entryAt + end - n]! + olderMs[i]!;',
    to: 'const lastsMs = words[entryAt + Math.max(0, end - n - 1)]! + olderMs[i]!;',
  },
  {
    name: 'a window that began some time ago is entered one millisecond late',
    file: WINDOW,
    from: 'const hiMs = sliding ? nowMs - window.newerMs :',
    to: 'const hiMs = sliding ? nowMs - window.newerMs - 1 :',
  },
  {
    name: 'the oldest millisecond of a measured window is lost',
    file: WINDOW,
    from: 'const loMs = sliding ? nowMs - window.olderMs :',
    to: 'const loMs = sliding ? nowMs - window.olderMs + 1 :',
  },
  {
    name: 'a window between dates forgets the retention',
    file: WINDOW,
    from: 'Math.max(window.fromMs, nowMs - keptMs)',
    to: 'window.fromMs',
  },
  {
    name: 'the retention is off by one',
    file: WINDOW,
    from: 'Math.max(window.fromMs, nowMs - keptMs)',
    to: 'Math.max(window.fromMs, nowMs - keptMs + 1)',
  },
  {
    name: 'the midnight after a date belongs to it',
    file: WINDOW,
    from: 'Math.min(window.toMs - 1, nowMs)',
    to: 'Math.min(window.toMs, nowMs)',
  },
  {
    name: 'a measure does not wait for what enters next',
    file: WINDOW,
    from: 'if (end < entries) this.nextMs = Math.min(this.nextMs, this.#entry(slab, end, entersAfterMs));',
    to: '',
  },
  {
    name: 'sums drift',
    file: WINDOW,
    from: 'return sumOf(values).value();',
    to: 'return values.reduce((a, b) => a + b, 0);',
  },
  {
    name: 'a minimum of nothing is 0',
    file: WINDOW,
    from: 'return values.length > 0 ? values.reduce((a, b) => Math.min(a, b)) : undefined;',
    to: 'return values.reduce((a, b) => Math.min(a, b), Infinity);',
  },

  // ── Pruning and dues ────────────────────────────────────────────────────────────────────────
  {
    name: 'a criterion on the profile keeps its stale due',
    file: EVALUATION,
    from: 'slab.due = history?.spec === undefined ? truth.nextMs : Math.min(slab.due, truth.nextMs);',
    to: '',
  },
  {
    name: 'an earlier moment than the one armed is not armed',
    file: 'engine/shard-state.ts',
    from: 'if (due >= this.armedMs[ordinal]!) return;',
    to: 'if (due === Infinity || this.armedMs[ordinal] !== Infinity) return;',
  },
  {
    name: 'a timer that fires is not armed again',
    file: SHARD,
    from: '    this.#settle(ordinal, atMs);\n    this.arm(ordinal);',
    to: '    this.#settle(ordinal, atMs);',
  },
  {
    name: 'what is due is not settled before a record',
    file: SHARD,
    from: 'if (this.dueMs[known]! <= nowMs) this.#settle(known, nowMs);',
    to: '',
  },

  // ── Propagation ─────────────────────────────────────────────────────────────────────────────
  {
    name: 'a flip is pruned without looking at the negation',
    file: PROPAGATION,
    from: 'const says = bit ^ (edge & NEGATED);',
    to: 'const says = bit;',
  },
  {
    name: 'a flip is pruned whatever the first literal of the guard says',
    file: PROPAGATION,
    from: 'literalBit(words, base, guard) === decides &&',
    to: '',
  },
  {
    name: 'a guard is read without its negation',
    file: PROPAGATION,
    from: '>>> (slot & 31)) ^ literal) & 1',
    to: '>>> (slot & 31))) & 1',
  },
  {
    name: 'a clause is decided by its first literal',
    file: 'engine/expressions/clauses.ts',
    from: 'if ((entry & LAST) !== 0) return 1;',
    to: 'return 1;',
  },
  {
    name: 'what is left of an undecided clause is a clause',
    file: 'engine/expressions/clauses.ts',
    from: 'while ((entry & LAST) === 0) entry = clauses[++i]!;',
    to: '',
  },
  {
    name: 'a flip is pruned when the other literal of its clause says the same',
    file: PROPAGATION,
    from: 'literalBit(words, base, sibling) !== decides) continue;',
    to: 'literalBit(words, base, sibling) === decides) continue;',
  },
  {
    name: 'NOT is ignored',
    file: 'engine/expressions/clauses.ts',
    from: '(bit ^ ((entry >> 1) & 1)) !== decides',
    to: 'bit !== decides',
  },
  {
    name: 'levels in the wrong order',
    file: PROPAGATION,
    from: 'for (let level = 1; level < this.#queues.length; level++) {',
    to: 'for (let level = this.#queues.length - 1; level >= 1; level--) {',
  },
  {
    name: 'every combination is on the same level',
    file: 'engine/expressions/expression-graph.ts',
    from: 'const level = 1 + Math.max(...Array.from(children, literal => this.#level[literal >> 1]!));',
    to: 'const level = 1;',
  },
  {
    name: 'a node is not told of its new parents',
    file: 'engine/expressions/expression-graph.ts',
    from: 'this.#changed.add(child);',
    to: '',
  },
  {
    name: 'the flat graph is not made anew',
    file: PROPAGATION,
    from: '    this.#isStale = true;\n    const end',
    to: '    const end',
  },
  {
    name: 'counts only go up',
    file: PROPAGATION,
    from: 'this.#counts[slot]! += value ? 1 : -1;',
    to: 'this.#counts[slot]! += 1;',
  },

  // ── Records into profiles ───────────────────────────────────────────────────────────────────
  {
    name: 'an event exactly as old as the retention is left out',
    file: INTAKE,
    from: 'if (event.timeMs >= oldestMs) this.#takeEvent',
    to: 'if (event.timeMs > oldestMs) this.#takeEvent',
  },
  {
    name: 'a future event counts for first and last seen at once',
    file: INTAKE,
    from: 'if (event.timeMs > nowMs) {',
    to: 'if (event.timeMs > nowMs && false) {',
  },
  {
    name: 'a second future event arms nothing',
    file: INTAKE,
    from: 'if (isNew || hasFuture) armLifetime(state, data);',
    to: 'if (isNew) armLifetime(state, data);',
  },
  {
    name: 'what holds for a blank profile is not asked when a workspace meets it',
    file: INTAKE,
    from: 'if (criteria !== undefined) this.touch(criteria.onArrival);\n    }',
    to: '}',
  },
  {
    name: 'the old value of an attribute is forgotten',
    file: INTAKE,
    from: 'index?.changed(before, change.value, this.touch);',
    to: 'index?.changed(change.value, change.value, this.touch);',
  },
  {
    name: 'losses are taken from the other environment too',
    file: INTAKE,
    from: 'if ((scope.scope & 1) !== (record.scope & 1)) continue;',
    to: '',
  },
  {
    name: 'of two facts of one time the first stays',
    file: FACTS,
    from: 'if (at !== 0 && timeMs < this.#timeAt(at)) return false;',
    to: 'if (at !== 0 && timeMs <= this.#timeAt(at)) return false;',
  },
  {
    name: 'a late event does not move first seen',
    file: PROFILE,
    from: 'if (timeMs < facts.firstMs) facts.firstMs = timeMs;',
    to: '',
  },
  {
    name: 'an older place that comes late wins',
    file: PROFILE,
    from: "if (timeMs < facts.timeOf(PLACE, 'latitude')) return false;",
    to: '',
  },
  {
    name: 'a late event is put last',
    file: ENTRIES,
    from: 'slab.insert(isLatest ? entryCount : slab.lowerBound(timeMs + 1), timeMs, 0);',
    to: 'slab.insert(entryCount, timeMs, 0);',
  },
  {
    name: 'a bounded history is too short',
    file: BINDING,
    from: '? KEEP_LATEST\n',
    to: '? 2\n',
  },
  {
    name: 'a bounded history is one too short',
    file: ENTRIES,
    from: 'slab.lowerBound(nowMs + 1) - keep)',
    to: 'slab.lowerBound(nowMs + 1) - keep + 1)',
  },
  {
    name: 'future events push out present ones',
    file: ENTRIES,
    from: 'slab.lowerBound(nowMs + 1) - keep)',
    to: 'slab.entryCount - keep)',
  },
  {
    name: 'an entry is dropped one millisecond before it passes the retention',
    file: ENTRIES,
    from: 'const oldestMs = nowMs - state.options.eventRetentionMs;',
    to: 'const oldestMs = nowMs - state.options.eventRetentionMs + 1;',
  },

  // ── Life and death of profiles ──────────────────────────────────────────────────────────────
  {
    name: 'a profile goes one millisecond late',
    file: LIFETIME,
    from: 'slab.due = data.activityMs() + options.profileRetentionMs + 1;',
    to: 'slab.due = data.activityMs() + options.profileRetentionMs + 2;',
  },
  {
    name: 'a restart ends a profile in its last millisecond',
    file: LIFETIME,
    from: 'if (data.activityMs() + state.options.profileRetentionMs >= nowMs) return false;\n  return endsMs(state, data) <= nowMs;',
    to: 'return endsMs(state, data) - 1 <= nowMs;',
  },
  {
    name: 'a profile is not looked at when it may go',
    file: LIFETIME,
    from: 'slab.due = data.activityMs() + options.profileRetentionMs + 1;',
    to: '',
  },
  {
    name: 'events that come while a profile lives do not prolong its life',
    file: LIFETIME,
    from: 'activityMs = Math.max(activityMs, timeMs);',
    to: '',
  },
  {
    name: 'who goes without activity is dropped without a word',
    file: SHARD,
    from: 'this.#forget(ordinal, atMs, CAUSE_TIME);',
    to: 'this.rows.open(ordinal); this.propagation.countRow(-1); this.release(ordinal);',
  },
  {
    name: 'a profile that is gone stays in the counts',
    file: SHARD,
    from: '    this.rows.open(ordinal);\n    this.propagation.countRow(-1);',
    to: '',
  },

  // ── Where a criterion looks ─────────────────────────────────────────────────────────────────
  {
    name: 'a user criterion looks into every workspace of the audience',
    file: BINDING,
    from: 'const scopes = scopesOf(criterion.workspaces, context);\n      const {workspaces: _, ...meaning}',
    to: 'const scopes = scopesOf(undefined, context);\n      const {workspaces: _, ...meaning}',
  },
  {
    name: 'crashes and installs are taken from the chosen inputs only',
    file: BINDING,
    from: '(everyInput ? undefined : context.inputs)',
    to: 'context.inputs',
  },
  {
    name: 'inputs are not asked',
    file: PREDICATE,
    from: 'if (inputs !== undefined && !inputs.includes(inputId)) return false;',
    to: '',
  },
  {
    name: 'development counts as production',
    file: BINDING,
    from: 'scopeOf(id, context.environment)',
    to: "scopeOf(id, 'production')",
  },
  {
    name: 'a user criterion has to hold in every workspace that knows the profile',
    file: 'engine/criteria/criterion-truth.ts',
    from: 'if (this.truth.holds(scope, nowMs)) this.holds = true;',
    to: 'this.holds = this.truth.holds(scope, nowMs);',
  },
  {
    name: 'a nested audience looks where its user looks',
    file: 'engine/audiences/compile-audience.ts',
    from: 'const root = compileNested(nested, context, path);',
    to: 'const root = compileNested({...nested, inputs: spec.inputs}, context, path);',
  },

  // ── Kinds ───────────────────────────────────────────────────────────────────────────────────
  {
    name: 'one product may meet one condition and another the other',
    file: PREDICATE,
    from: 'return event.items.some(item => meets(fixed, item, nowMs));',
    to: 'return fixed.every(one => event.items.some(item => meets([one], item, nowMs)));',
  },
  {
    name: 'a range in the index leaves out its own bound',
    file: 'engine/criteria/predicate-index.ts',
    from: 'if (bound > number) break;',
    to: 'if (bound >= number) break;',
  },
  {
    name: 'the wait of a cart ends one millisecond late',
    file: CART,
    from: 'this.holds = nowMs >= dueMs;',
    to: 'this.holds = nowMs > dueMs;',
  },
  {
    name: 'what happens with the add to cart comes after it',
    file: CART,
    from: 'const after = slab.lowerBound(latestMs + 1);',
    to: 'const after = slab.lowerBound(latestMs);',
  },
  {
    name: 'a purchase from the future ends a cart today',
    file: CART,
    from: 'if (endedMs <= nowMs) return;',
    to: 'return;',
  },
  {
    name: 'two events of one time follow one another',
    file: SEQUENCE,
    from: 'before[latest + 1]! < timeMs',
    to: 'before[latest + 1]! <= timeMs',
  },
  {
    name: 'a step exactly as late as it may be is too late',
    file: SEQUENCE,
    from: 'timeMs - before[latest]! <= withinMs',
    to: 'timeMs - before[latest]! < withinMs',
  },
  {
    name: 'a sequence does not end with its first step',
    file: SEQUENCE,
    from: 'if (this.holds) this.nextMs = Math.min(this.nextMs, oldestMs + this.#retentionMs + 1);',
    to: '',
  },
  {
    name: 'whoever has said nothing has refused consent and not "not given" it',
    file: 'engine/criteria/profile-truth.ts',
    from: 'holds: data => (given(data) === true) === wanted,',
    to: 'holds: data => given(data) === wanted,',
  },

  // ── New definitions ─────────────────────────────────────────────────────────────────────────
  {
    name: 'a new criterion is not waited for in rows that were there before',
    file: EVALUATION,
    from: 'slab.due = Math.min(slab.due, truth.nextMs);',
    to: '',
  },
  {
    name: 'a prepared definition has no counts',
    file: 'engine/audiences/serve-filled.ts',
    from: 'propagation.setCount(slot, counted[i]!.size);',
    to: '',
  },
  {
    name: 'who stays a member is told again',
    file: 'engine/audiences/serve-filled.ts',
    from: 'forEachDifference({from, to: to!}',
    to: 'forEachDifference({from: undefined, to: to!}',
  },
  {
    name: 'an audience that is switched off keeps its members',
    file: SHARD,
    from: 'this.#leave(this.audiences.define(upsert, remove));',
    to: 'for (const audience of this.audiences.define(upsert, remove)) this.audiences.drop(audience);',
  },
  {
    name: 'what nests a changed audience is not told',
    file: AUDIENCES,
    from: 'stack.push(...(users.get(id) ?? []));',
    to: '',
  },
  {
    name: 'events of an earlier life come back with a new definition',
    file: SHARD,
    from: 'if (found.watermark < this.data(ordinal)!.born) return;',
    to: '',
  },
  {
    name: 'a history is searched for again after it was found',
    file: AUDIENCES,
    from: 'if (this.#parts.criteria.history(id)?.ready === false) wanted.add(id);',
    to: 'if (this.#parts.criteria.history(id) !== undefined) wanted.add(id);',
  },
  {
    name: 'events that come while the journal is searched count twice',
    file: SHARD,
    from: ' || found.watermark > history.since) return;',
    to: ') return;',
  },
  {
    name: 'a history gets the id of one that is gone',
    file: RECOVER,
    from: 'idOf.clear();',
    to: '',
  },

  // ── Disk ────────────────────────────────────────────────────────────────────────────────────
  {
    name: 'a changed profile is not marked to be written',
    file: SHARD,
    from: 'if (watched.count > 0) this.memberships.tellAttributes(ordinal, watched, nowMs);\n    this.onDirty(ordinal);',
    to: 'if (watched.count > 0) this.memberships.tellAttributes(ordinal, watched, nowMs);',
  },
  {
    name: 'a checkpoint says one entry more than it has',
    file: DURABLE,
    from: 'reached: {\n        watermark: this.#watermark,',
    to: 'reached: {\n        watermark: this.#watermark + 1,',
  },
  {
    name: 'a row says that it is one entry newer',
    file: DURABLE,
    from: 'watermark: this.#watermark,\n        facts: data.snapshot(),',
    to: 'watermark: this.#watermark + 1,\n        facts: data.snapshot(),',
  },
  {
    name: 'rows of profiles that are gone stay',
    file: DURABLE,
    from: "if (this.shard.table.find(hi, lo) < 0) puts.push({table: 'rows', key, value: undefined});",
    to: 'if (hi === lo) continue;',
  },
  {
    name: 'recovery without the deltas of the feed',
    file: RECOVER,
    from: 'replayDeltas(shard, decodeFeedEntry(deltas, key), ordinal => lacks(ordinal, key));',
    to: 'decodeFeedEntry(deltas, key);',
  },
  {
    name: 'recovery replays what a row has already',
    file: RECOVER,
    from: '(rowWatermark[ordinal] ?? 0) < entry;',
    to: '(rowWatermark[ordinal] ?? 0) <= entry;',
  },
  {
    name: 'recovery makes truth as of the last tick, not the last record',
    file: RECOVER,
    from: 'Math.max(drainedMs, shard.data(ordinal)!.toldMs)',
    to: 'drainedMs',
  },
  {
    name: 'recovery forgets to replay erasures',
    file: RECOVERY,
    from: 'if (ordinal >= 0) shard.release(ordinal);',
    to: '',
  },
  {
    name: 'recovery arms nothing',
    file: RECOVERY,
    from: 'repairMemberships(shard, ordinal, atMs);\n  slab.open(ordinal);\n  shard.armOpened(ordinal);',
    to: 'repairMemberships(shard, ordinal, atMs);',
  },
  {
    name: 'truth that is taken over is not armed',
    file: RECOVERY,
    from: '    }\n  }\n  slab.open(ordinal);\n  shard.armOpened(ordinal);',
    to: '    }\n  }',
  },
  {
    name: 'truth is taken over although its time has passed',
    file: RECOVER,
    from: 'restored !== undefined && shard.slab.earliestDue() > atMs',
    to: 'restored !== undefined',
  },
  {
    name: 'nodes that a stored row does not know are not asked',
    file: RECOVERY,
    from: 'fillNodes(shard, shard.data(ordinal)!, missing, atMs);',
    to: '',
  },
  {
    name: 'the moment a definition is served from is not in the journal',
    file: DURABLE,
    from: 'if (this.shard.work.promotions > promotions) return',
    to: 'if (this.shard.work.promotions < promotions) return',
  },
  {
    name: 'texts are written in the wrong order',
    file: RECOVERY,
    from: 'texts.push(shard.texts.text(',
    to: 'texts.unshift(shard.texts.text(',
  },
  {
    name: 'entries with future events are trimmed by when they came',
    file: DURABLE,
    from: 'if (header.readDoubleLE(8) >= beforeMs) continue;',
    to: '',
  },
  // ── Calculated attributes ───────────────────────────────────────────────────────────────────
  {
    name: 'a calculated value keeps what has left its period',
    file: CALCULATED,
    from: 'timeAt(slab, first) + olderMs + 1',
    to: 'timeAt(slab, first) + olderMs + 2',
  },
  {
    name: 'a calculated value does not wait for events from the future',
    file: CALCULATED,
    from: 'if (end < slab.entryCount) this.nextMs',
    to: 'if (end > slab.entryCount) this.nextMs',
  },
  {
    name: 'of equally frequent values the last by the alphabet counts',
    file: CALCULATED,
    from: 'b.count - a.count || alphabetically(a.first, b.first)',
    to: 'b.count - a.count || alphabetically(b.first, a.first)',
  },
  {
    name: 'a calculated value since a date is not limited by the retention',
    file: CALCULATED,
    from: 'Math.max(window.fromMs, nowMs - olderMs)',
    to: 'window.fromMs',
  },
  {
    name: 'a criterion on a calculated attribute takes the due of its neighbours',
    file: EVALUATION,
    from: 'history?.spec === undefined ? truth.nextMs : Math.min(slab.due, truth.nextMs)',
    to: 'truth.nextMs',
  },
];
