/**
 * Explains one profile in one audience: the saved definition, part by part, with what each part saw, since
 * when it has been so and until when it will be if nothing more happens. Changes nothing.
 */
import {unreachable} from '../assert.ts';
import {endsMs} from '../profiles/lifetime.ts';
import type {Shard} from '../shard.ts';
import {combined, type Course, negated, spanAt} from './course.ts';
import {type AudienceTree, type Node, treeOf} from './definition-tree.ts';
import type {ExplainedDefinition, ExplainedNode, Explanation, Standing} from './explanation.ts';
import type {Leaf} from './leaf.ts';
import type {Present} from './present.ts';
import {sawOf} from './saw.ts';
import {Timeline} from './timeline.ts';

/** undefined: there is no such profile. */
export function explain(
  shard: Shard,
  asked: {readonly audience: number; readonly hi: number; readonly lo: number},
  nowMs: number,
): Explanation | undefined {
  const ordinal = shard.table.find(asked.hi, asked.lo);
  const data = ordinal < 0 ? undefined : shard.data(ordinal);
  if (data === undefined) return undefined;
  // What is due and not told yet is not explained yet either.
  const settledMs = Math.min(Math.max(nowMs, shard.nowMs), shard.dueMs[ordinal]! - 1);
  const atMs = Math.max(settledMs, data.toldMs);
  const forgottenMs = endsMs(shard, data);
  const told = shard.membershipLists.sinceMs(ordinal, asked.audience);
  const isMember = !Number.isNaN(told);
  // What cannot be compiled cannot be taken apart either.
  const isFailed = shard.audiences.get(asked.audience)?.failed !== undefined;
  const spec = isFailed ? undefined : shard.audiences.spec(asked.audience);
  let definition: ExplainedDefinition | undefined;
  let untilMs: number | undefined;
  if (spec !== undefined) {
    const {slab, options} = shard;
    slab.open(ordinal);
    const {root, leaves} = treeOf(shard, spec);
    const present: Present = {slab, data, atMs, eventRetentionMs: options.eventRetentionMs};
    const courses = new Timeline(leaves, present).courses(forgottenMs);
    const explainer = new Explainer({shard, leaves, courses, present});
    definition = explainer.definition(root);
    if (definition.isServed) ({untilMs} = explainer.standing(explainer.membership(root)));
  }
  if (isMember && definition?.isServed === true) untilMs ??= forgottenMs;
  const sinceMs = isMember ? told : undefined;
  return {atMs, isMember, sinceMs, untilMs, forgottenMs, definition};
}

interface Parts {
  readonly shard: Shard;
  readonly leaves: readonly Leaf[];
  readonly courses: readonly Course[];
  readonly present: Present;
}

class Explainer {
  readonly #parts: Parts;
  /** When the profile was first heard of: nothing has been so for longer. */
  readonly #bornMs: number;
  readonly #courses = new Map<Node, Course>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#bornMs = Math.min(...parts.present.data.scopes.map(({firstMs}) => firstMs));
  }

  definition(tree: AudienceTree): ExplainedDefinition {
    const {spec, population, whole} = tree;
    const served = this.#parts.shard.audiences.get(spec.id);
    return {
      audience: spec.id,
      version: spec.version,
      isServed:
        served?.root !== -1 && served?.next === undefined && served?.version === spec.version,
      isInPopulation: this.standing(this.#parts.courses[population]!).holds === true,
      isMember: this.standing(this.membership(tree)).holds,
      whole: this.#node(whole),
    };
  }

  membership({population, whole}: AudienceTree): Course {
    return combined('and', [this.#parts.courses[population]!, this.#course(whole)]);
  }

  standing(course: Course): Standing {
    const {span, before, after} = spanAt(course, this.#parts.present.atMs);
    const {fromMs, truth: holds} = span;
    if (holds === undefined) {
      return {holds, sinceMs: undefined, orEarlier: false, untilMs: undefined};
    }
    const untilMs = after?.truth === undefined ? undefined : after.fromMs;
    const isKnownBefore = before === undefined || before.truth !== undefined;
    const isBorn = isKnownBefore || fromMs <= this.#bornMs;
    const sinceMs = Math.max(fromMs, this.#bornMs);
    // "At least since now" says nothing.
    if (!isBorn && sinceMs >= this.#parts.present.atMs) {
      return {holds, sinceMs: undefined, orEarlier: false, untilMs};
    }
    return {holds, sinceMs, orEarlier: !isBorn, untilMs};
  }

  #node(node: Node): ExplainedNode {
    const standing = this.standing(this.#course(node));
    switch (node.kind) {
      case 'and':
      case 'or':
        return {kind: node.kind, ...standing, of: node.of.map(each => this.#node(each))};
      case 'exclude':
        return {kind: 'exclude', ...standing, of: this.#node(node.of)};
      case 'leaf': {
        const {leaves, present} = this.#parts;
        const saw = sawOf(leaves[node.leaf]!, present);
        return {kind: 'criterion', criterion: node.criterion, ...standing, saw};
      }
      case 'audience': {
        const {criterion, tree, isFirst} = node;
        const isMember = this.standing(this.membership(tree)).holds;
        const saw = {kind: 'audience', isMember} as const;
        const nested = isFirst ? this.definition(tree) : undefined;
        return {kind: 'criterion', criterion, ...standing, saw, nested};
      }
      default:
        return unreachable(node);
    }
  }

  #course(node: Node): Course {
    let course = this.#courses.get(node);
    if (course === undefined) this.#courses.set(node, (course = this.#make(node)));
    return course;
  }

  #make(node: Node): Course {
    switch (node.kind) {
      case 'leaf':
        return this.#parts.courses[node.leaf]!;
      case 'exclude':
        return negated(this.#course(node.of));
      case 'and':
      case 'or':
        return combined(
          node.kind,
          node.of.map(each => this.#course(each)),
        );
      case 'audience': {
        const member = this.membership(node.tree);
        return node.criterion.operator === 'member' ? member : negated(member);
      }
      default:
        return unreachable(node);
    }
  }
}
