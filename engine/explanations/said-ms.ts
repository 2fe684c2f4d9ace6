/** When that which a criterion on the profile looks at was last said. */
import {unreachable} from '../assert.ts';
import type {ProfileCriterion} from '../criteria/bound-criterion.ts';
import {ATTRIBUTE, ATTRIBUTION, CONSENT, DEVICE, IDENTITY} from '../facts/fact-names.ts';
import type {ProfileData, ScopeData} from '../profiles/profile-data.ts';

/** undefined: never. */
export function saidMs(
  criterion: ProfileCriterion,
  scope: ScopeData,
  data: ProfileData,
): number | undefined {
  switch (criterion.kind) {
    case 'user_attribute':
      return scope.saidMs(ATTRIBUTE, criterion.attribute);
    case 'device':
      return scope.saidMs(DEVICE, criterion.field);
    case 'attribution':
      return scope.saidMs(ATTRIBUTION, `${criterion.event}.${criterion.field}`);
    case 'location':
      return scope.location?.timeMs;
    case 'first_seen':
      return scope.firstMs;
    case 'last_seen':
      return scope.lastMs;
    case 'consent': {
      const {regulation, purpose} = criterion;
      const said = scope
        .facts(CONSENT)
        .filter(({name}) =>
          purpose === '' ? name.startsWith(`${regulation}:`) : name === `${regulation}:${purpose}`,
        )
        .map(({timeMs}) => timeMs);
      return said.length === 0 ? undefined : Math.max(...said);
    }
    case 'identity':
      // Identities are numbered in the order of claims, not timed: no claim is later than the last record.
      return scope.saidMs(IDENTITY, criterion.identity) === undefined ? undefined : data.toldMs;
    default:
      return unreachable(criterion);
  }
}
