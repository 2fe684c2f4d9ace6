/**
 * Audiences from definition to membership. A new definition is compiled at once and served when all it
 * needs is there: histories backfilled, new nodes evaluated for every profile in slices. Until then the
 * old definition is served; then exactly the difference goes out.
 */
import {must} from '../assert.ts';
import type {Columns} from '../bitmaps/columns.ts';
import type {BoundCriterion} from '../criteria/bound-criterion.ts';
import type {CriteriaTable} from '../criteria/criteria-table.ts';
import type {ExpressionGraph, Literal} from '../expressions/expression-graph.ts';
import type {Propagation} from '../expressions/propagation.ts';
import {ProfileData} from '../profiles/profile-data.ts';
import type {TruthRows} from '../profiles/truth-rows.ts';
import {type AudienceSpec, nestedAudiences} from './audience-spec.ts';
import {compileAudience} from './compile-audience.ts';
import {RootColumns} from './root-columns.ts';

export interface Audience {
  readonly id: number;
  /** Whose members are served; −1 before the first definition is ready. */
  root: Literal;
  version: number;
  /** The definition being prepared. */
  next:
    | {readonly version: number; readonly root: Literal; readonly histories: readonly number[]}
    | undefined;
  /** Why its newest definition cannot be compiled: it goes on with the one before, if it had one. */
  failed: string | undefined;
  /** That was before a restart, which has the newest definition only: it goes on with the members it had. */
  isHeld: boolean;
}

export interface AudienceParts {
  readonly graph: ExpressionGraph;
  readonly rows: TruthRows;
  readonly propagation: Propagation;
  readonly criteria: CriteriaTable;
  readonly columns: Columns;
  readonly eventRetentionMs: number;
  /** The id a history had before a restart. */
  readonly historyIdOf: (key: string) => number | undefined;
}

export class AudienceTable {
  readonly #parts: AudienceParts;
  #specs = new Map<number, AudienceSpec>();
  #nestedIn = new Map<number, readonly number[]>();
  #audiences = new Map<number, Audience>();
  #byRoot = new Map<number, Audience[]>();
  #held: readonly Audience[] = [];
  /** The same for every flip of a root to look at. */
  readonly roots = new RootColumns();

  constructor(parts: AudienceParts) {
    this.#parts = parts;
  }

  get(id: number): Audience | undefined {
    return this.#audiences.get(id);
  }

  spec(id: number): AudienceSpec | undefined {
    return this.#specs.get(id);
  }

  specs(): IterableIterator<AudienceSpec> {
    return this.#specs.values();
  }

  all(): IterableIterator<Audience> {
    return this.#audiences.values();
  }

  /** Those that serve the members of this root. */
  atRoot(slot: number): readonly Audience[] | undefined {
    return this.#byRoot.get(slot);
  }

  /**
   * Takes new definitions and removals. Returns the audiences whose members have to go because they are
   * gone or no longer active: the caller tells, then calls `drop`.
   */
  define(upsert: readonly AudienceSpec[], remove: readonly number[]): Audience[] {
    for (const spec of upsert) {
      this.#specs.set(spec.id, spec);
      this.#nestedIn.set(spec.id, nestedAsFarAsReadable(spec));
    }
    for (const id of remove) {
      this.#specs.delete(id);
      this.#nestedIn.delete(id);
    }
    const changed = this.#withDependents([...upsert.map(spec => spec.id), ...remove]);
    const leaving: Audience[] = [];
    for (const id of changed) {
      const spec = this.#specs.get(id);
      const audience = this.#audiences.get(id);
      if (spec?.active === true) this.#prepareAlone(spec);
      else if (audience !== undefined) leaving.push(audience);
    }
    return leaving;
  }

  /**
   * After definitions were restored, before the first profile: audiences that cannot be compiled go on with
   * the members they have. Their root is a node that no event and no time flips.
   */
  hold(): void {
    const {graph, propagation} = this.#parts;
    for (const audience of this.#audiences.values()) {
      if (audience.failed === undefined || audience.root >= 0) continue;
      const {slot} = graph.criterion(`held ${audience.id}`);
      propagation.reserve();
      audience.isHeld = true;
      audience.version = must(this.#specs.get(audience.id), 'it is defined').version;
      this.#attach(audience, slot * 2);
    }
    this.#held = [...this.#audiences.values()].filter(({isHeld}) => isHeld);
  }

  /** As of `hold`. */
  get held(): readonly Audience[] {
    return this.#held;
  }

  drop(audience: Audience): void {
    this.#attach(audience, -1);
    this.#audiences.delete(audience.id);
    this.sweep();
  }

  /** Frees what no audience uses any more. */
  sweep(): void {
    const {graph, criteria, columns, propagation, rows} = this.#parts;
    const roots: Literal[] = [];
    for (const audience of this.#audiences.values()) {
      if (audience.root >= 0) roots.push(audience.root);
      if (audience.next !== undefined) roots.push(audience.next.root);
    }
    for (const slot of graph.sweep(roots)) {
      criteria.remove(slot);
      columns.drop(slot);
      propagation.setRoot(slot, false);
      rows.setBlank(slot, false);
    }
    propagation.reserve();
  }

  /** Makes the prepared definition the served one. The caller has told the difference. */
  promote(audience: Audience): void {
    const next = must(audience.next, 'only a prepared definition is promoted');
    audience.next = undefined;
    audience.isHeld = false;
    audience.version = next.version;
    this.#attach(audience, next.root);
  }

  /** Histories that the prepared definitions wait for. */
  unreadyHistories(): number[] {
    const wanted = new Set<number>();
    for (const audience of this.#audiences.values()) {
      for (const id of audience.next?.histories ?? []) {
        if (this.#parts.criteria.history(id)?.ready === false) wanted.add(id);
      }
    }
    return [...wanted];
  }

  isWaiting(audience: Audience): boolean {
    const {criteria} = this.#parts;
    return audience.next?.histories.some(id => criteria.history(id)?.ready === false) ?? false;
  }

  /** New nodes under the prepared definition. */
  freshNodes(audience: Audience): number[] {
    const {graph} = this.#parts;
    if (audience.next === undefined) return [];
    return [...graph.reachable([audience.next.root])].filter(slot => graph.isFresh(slot));
  }

  /** Children before parents. */
  inOrder(slots: Iterable<number>): number[] {
    const {graph} = this.#parts;
    return [...slots].sort((a, b) => graph.level(a) - graph.level(b) || a - b);
  }

  /** What was found right and still cannot be compiled is a defect of ours, and must harm no other audience. */
  #prepareAlone(spec: AudienceSpec): void {
    const audience = this.#audienceOf(spec.id);
    audience.failed = undefined;
    try {
      this.#prepare(spec, audience);
    } catch (error) {
      audience.next = undefined;
      audience.failed = error instanceof Error ? error.message : String(error);
      // Of what was begun nothing may be found by others.
      this.sweep();
    }
  }

  #audienceOf(id: number): Audience {
    let audience = this.#audiences.get(id);
    if (audience === undefined) {
      audience = {id, root: -1, version: 0, next: undefined, failed: undefined, isHeld: false};
      this.#audiences.set(id, audience);
    }
    return audience;
  }

  #prepare(spec: AudienceSpec, audience: Audience): void {
    const {graph, criteria, rows, propagation, eventRetentionMs, historyIdOf} = this.#parts;
    const created: number[] = [];
    const blank = ProfileData.of();
    const root = compileAudience(spec, {
      graph,
      eventRetentionMs,
      specOf: id => this.#specs.get(id),
      onCriterion: (slot: number, bound: BoundCriterion) => {
        propagation.reserve();
        const criterion = criteria.add(slot, bound, historyIdOf);
        rows.setBlank(slot, criteria.holdsForBlank(criterion, blank));
      },
      created,
    });
    propagation.reserve();
    for (const slot of created) rows.setBlank(slot, this.#blankValue(slot));
    if (audience.root === root) {
      audience.next = undefined;
      audience.version = spec.version;
      if (root >= 0) this.#serve(root >> 1, this.#byRoot.get(root >> 1) ?? []);
      return;
    }
    const histories = [...graph.reachable([root])].flatMap(
      slot => criteria.find(slot)?.histories ?? [],
    );
    audience.next = {version: spec.version, root, histories: [...new Set(histories)]};
  }

  #blankValue(slot: number): boolean {
    const {graph, rows} = this.#parts;
    return graph.holds(slot, literal => rows.blank(literal >> 1) !== ((literal & 1) === 1));
  }

  #attach(audience: Audience, root: Literal): void {
    const {propagation} = this.#parts;
    if (audience.root >= 0) {
      const slot = audience.root >> 1;
      const others = (this.#byRoot.get(slot) ?? []).filter(other => other !== audience);
      this.#serve(slot, others);
      if (others.length === 0) propagation.setRoot(slot, false);
    }
    audience.root = root;
    if (root < 0) return;
    const slot = root >> 1;
    this.#serve(slot, [...(this.#byRoot.get(slot) ?? []), audience]);
    propagation.setRoot(slot, true);
  }

  #serve(slot: number, audiences: Audience[]): void {
    if (audiences.length > 0) this.#byRoot.set(slot, audiences);
    else this.#byRoot.delete(slot);
    this.roots.set(slot, audiences);
  }

  /** The audiences and all that nest them, at any depth. */
  #withDependents(ids: readonly number[]): Set<number> {
    const users = new Map<number, number[]>();
    for (const [user, nestedIds] of this.#nestedIn) {
      for (const nested of nestedIds) {
        const list = users.get(nested);
        if (list === undefined) users.set(nested, [user]);
        else list.push(user);
      }
    }
    const reached = new Set<number>();
    const stack = [...ids];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (reached.has(id)) continue;
      reached.add(id);
      stack.push(...(users.get(id) ?? []));
    }
    return reached;
  }
}

/** One that another release wrote may have parts that this one does not know: compiling it says so. */
function nestedAsFarAsReadable({expression}: AudienceSpec): readonly number[] {
  try {
    return nestedAudiences(expression);
  } catch {
    return [];
  }
}
