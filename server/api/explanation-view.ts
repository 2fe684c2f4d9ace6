/** An explanation as it is answered: the definition in its own shape, each part with how it stands. */
import {unreachable} from '../../engine/assert.ts';
import type {
  ExplainedCriterion,
  ExplainedDefinition,
  ExplainedNode,
  Explanation,
  Saw,
} from '../../engine/explanations/explanation.ts';
import {printCriterion} from '../../engine/definitions/print-criterion.ts';
import type {AudienceBook} from '../catalog/audience-book.ts';
import type {Principal} from '../catalog/authenticator.ts';
import {maySee, maySeeIdentity} from './permissions.ts';

type Json = Record<string, unknown>;

export interface Reader {
  readonly audiences: AudienceBook;
  readonly principal: Principal;
}

/** undefined: there is no such profile. */
export function viewExplanation(explained: Explanation | undefined, reader: Reader): Json {
  const definition = explained?.definition;
  return {
    member: explained?.isMember ?? false,
    since_ms: explained?.sinceMs ?? null,
    until_ms: explained?.untilMs ?? null,
    is_known: explained !== undefined,
    at_ms: explained?.atMs ?? null,
    forgotten_ms: explained?.forgottenMs ?? null,
    in_population: definition?.isInPopulation ?? false,
    version: definition?.version ?? null,
    is_calculated: definition?.isServed ?? false,
    why: definition === undefined ? null : viewWhole(definition, reader),
  };
}

/** Beside the definition as it was saved, unless another was saved meanwhile. */
function viewWhole({audience: id, version, whole}: ExplainedDefinition, reader: Reader): Json {
  const audience = reader.audiences.get(id);
  const saved = audience?.version === version ? audience.definition : undefined;
  return viewNode(whole, {path: 'definition', saved}, reader);
}

interface Place {
  readonly path: string;
  /** JSON of the part; undefined: not known. */
  readonly saved: unknown;
}

function viewNode(node: ExplainedNode, place: Place, reader: Reader): Json {
  const {holds, sinceMs, orEarlier, untilMs} = node;
  const standing = {
    path: place.path,
    holds: holds ?? null,
    since_ms: sinceMs ?? null,
    or_earlier: orEarlier,
    until_ms: untilMs ?? null,
  };
  switch (node.kind) {
    case 'and':
    case 'or': {
      const parts = node.of.map((each, index) =>
        viewNode(each, inside(place, node.kind, index), reader),
      );
      return {...standing, [node.kind]: parts};
    }
    case 'exclude':
      return {...standing, exclude: viewNode(node.of, inside(place, 'exclude'), reader)};
    case 'criterion':
      return {...standing, ...viewCriterion(node, place.saved, reader)};
    default:
      return unreachable(node);
  }
}

function inside({path, saved}: Place, operator: string, index?: number): Place {
  const operand = (saved as Json | undefined)?.[operator];
  if (index === undefined) return {path: `${path}.${operator}`, saved: operand};
  const part = (operand as readonly unknown[] | undefined)?.[index];
  return {path: `${path}.${operator}[${index}]`, saved: part};
}

function viewCriterion(node: ExplainedCriterion, saved: unknown, reader: Reader): Json {
  const {criterion, saw, nested} = node;
  const isHidden =
    criterion.kind === 'identity' && !maySeeIdentity(reader.principal, criterion.identity);
  return {
    criterion: saved ?? {kind: criterion.kind},
    means: printCriterion(criterion),
    saw: saw === undefined || isHidden ? null : viewSaw(saw),
    ...(nested && {audience: viewNested(nested, reader)}),
  };
}

/** null: whoever asks may not see it. */
function viewNested(nested: ExplainedDefinition, reader: Reader): Json | null {
  const audience = reader.audiences.get(nested.audience);
  if (audience === undefined || !maySee(reader.principal, audience)) return null;
  return {
    id: audience.id,
    name: audience.name,
    member: nested.isMember ?? null,
    in_population: nested.isInPopulation,
    version: nested.version,
    is_calculated: nested.isServed,
    why: viewWhole(nested, reader),
  };
}

function viewSaw(saw: Saw): Json {
  switch (saw.kind) {
    case 'events':
      return {
        measured: saw.measured ?? null,
        or_more: saw.orMore,
        count: saw.count,
        first_ms: saw.firstMs ?? null,
        last_ms: saw.lastMs ?? null,
        latest_ms: saw.latestMs ?? null,
      };
    case 'cart':
      return {added_ms: saw.addedMs ?? null, ended_ms: saw.endedMs ?? null};
    case 'sequence':
      return {steps: saw.steps, reached: saw.reached, last_ms: saw.lastMs ?? null};
    case 'values':
      return {
        values: saw.values.map(({workspace, value, saidMs}) => ({
          workspace,
          exists: value !== undefined,
          value: value ?? null,
          said_ms: saidMs ?? null,
        })),
      };
    case 'audience':
      return {member: saw.isMember ?? null};
    default:
      return unreachable(saw);
  }
}
