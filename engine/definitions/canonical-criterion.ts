/** Criteria in the one form that all their spellings share; see canonical-test.ts for the operators. */
import {canonicalCompare, canonicalTest} from './canonical-test.ts';
import type {Condition, Criterion, EventFilter} from './definition.ts';

export function canonicalCriterion(criterion: Criterion): Criterion {
  const workspaces = ascending(criterion.workspaces);
  switch (criterion.kind) {
    case 'event':
    case 'commerce':
    case 'screen_view':
    case 'session':
    case 'crash':
    case 'install':
    case 'uninstall':
    case 'upgrade':
    case 'attribution_event': {
      const name = criterion.measure.function;
      const integral = name === 'count' || name === 'distinct';
      return {
        ...canonicalFilter(criterion),
        when: criterion.when,
        measure: criterion.measure,
        compare: canonicalCompare(criterion.compare, {integral}),
      };
    }
    case 'cart_abandonment':
      return {
        ...criterion,
        workspaces,
        inputs: ascending(criterion.inputs),
        until: criterion.until === 'any' ? 'any' : [...new Set(criterion.until)].sort(),
        where: canonicalWhere(criterion.where),
      };
    case 'sequence':
      return {
        ...criterion,
        workspaces,
        steps: criterion.steps.map(({filter, withinMs}) => ({
          filter: canonicalFilter(filter),
          withinMs,
        })),
      };
    case 'user_attribute':
    case 'calculated_attribute':
    case 'device':
    case 'identity':
    case 'attribution':
      return {...criterion, workspaces, test: canonicalTest(criterion.test)};
    case 'audience':
    case 'consent':
    case 'first_seen':
    case 'last_seen':
    case 'location':
      return {...criterion, workspaces};
  }
}

/** Takes what is an event filter of a criterion, and leaves its window and measure behind. */
export function canonicalFilter(filter: EventFilter): EventFilter {
  return {
    kind: filter.kind,
    name: filter.name,
    eventType: filter.eventType,
    where: canonicalWhere(filter.where),
    workspaces: ascending(filter.workspaces),
    inputs: ascending(filter.inputs),
  };
}

/** All conditions must hold of one event, so neither their order nor repetition counts. */
function canonicalWhere(where: readonly Condition[]): readonly Condition[] {
  const byKey = new Map<string, Condition>();
  for (const {attribute, test} of where) {
    const condition: Condition = {attribute, test: canonicalTest(test)};
    byKey.set(canonicalText(condition), condition);
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, condition]) => condition);
}

function ascending(ids: readonly number[] | undefined): readonly number[] | undefined {
  return ids === undefined ? undefined : [...new Set(ids)].sort((a, b) => a - b);
}

/** JSON with sorted fields and without undefined ones; ends of windows that JSON cannot say are named. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_field, part: unknown) => {
    if (part === Infinity) return 'Infinity';
    if (part === -Infinity) return '-Infinity';
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
