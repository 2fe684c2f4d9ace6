/** When that which a criterion on the profile looks at was last said. */
import {unreachable} from '../assert.ts';
import type {ProfileCriterion} from '../criteria/bound-criterion.ts';
import type {ProfileData, ScopeData} from '../profiles/profile-data.ts';

/** undefined: never. */
export function saidMs(
  criterion: ProfileCriterion,
  scope: ScopeData,
  data: ProfileData,
): number | undefined {
  switch (criterion.kind) {
    case 'user_attribute':
      return scope.attributes.get(criterion.attribute)?.timeMs;
    case 'device':
      return scope.device.get(criterion.field)?.timeMs;
    case 'attribution':
      return scope.attribution.get(`${criterion.event}.${criterion.field}`)?.timeMs;
    case 'location':
      return scope.location?.timeMs;
    case 'first_seen':
      return scope.firstMs;
    case 'last_seen':
      return scope.lastMs;
    case 'consent': {
      const {regulation, purpose} = criterion;
      const said = [...scope.consent]
        .filter(([key]) =>
          purpose === '' ? key.startsWith(`${regulation}:`) : key === `${regulation}:${purpose}`,
        )
        .map(([, {timeMs}]) => timeMs);
      return said.length === 0 ? undefined : Math.max(...said);
    }
    case 'identity':
      // Identities are numbered in the order of claims, not timed: no claim is later than the last record.
      return scope.identities.has(criterion.identity) ? data.toldMs : undefined;
    default:
      return unreachable(criterion);
  }
}
