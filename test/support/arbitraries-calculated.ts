/** Random calculated attributes, and criteria that ask for them. */
import type {DefinitionContext} from './arbitraries-context.ts';
import {randomConditions, randomFilter} from './arbitraries-definitions.ts';
import {dayText, randomTest, WORKSPACES} from './arbitraries-world.ts';
import type {AttributeKind} from './arbitraries-world.ts';
import type {OracleCalculated} from './oracle-calculated.ts';
import type {JsonObject} from './oracle-json.ts';

const NAMES = ['ltv', 'favourite', 'Last'] as const;
/** A new one, or a new meaning of one. Both workspaces may have one of a name. */
export function randomCalculated(
  context: Omit<DefinitionContext, 'asker' | 'nestable' | 'calculated'>,
): OracleCalculated {
  const {random, windows} = context;
  const workspace = random.pick(WORKSPACES);
  const name = random.pick(NAMES);
  const asker = {workspaces: [workspace], inputs: undefined, environment: 'production'} as const;
  const {json, attributes} = randomFilter(
    {...context, asker, nestable: [], calculated: []},
    random.chance(0.6) ? 0 : randomConditions(random),
  );
  const {workspaces: _, ...event} = json;
  const when = random.branch<{when?: JsonObject}>([
    [3, () => ({})],
    [6, () => ({when: {within: random.pick(windows.durations.slice(2))}})],
    [1, () => ({when: {since: dayText(random.int(-1, 1))}})],
  ]);
  return {name, workspace, event, ...when, ...randomCalculation(context, attributes)};
}

function randomCalculation(
  {random}: Pick<DefinitionContext, 'random'>,
  attributes: readonly AttributeKind[],
): Pick<OracleCalculated, 'calculation' | 'attribute'> {
  const numbers = attributes.filter(each => each.reading === 'number');
  const onEvents = ['count', 'first_occurrence_timestamp', 'last_occurrence_timestamp'];
  const onTexts = [
    'most_frequent',
    'unique_values_count',
    'unique_list',
    'first_occurrence',
    'last_occurrence',
  ];
  return random.branch([
    [3, () => ({calculation: random.pick(onEvents)})],
    [4, () => ({calculation: random.pick(onTexts), attribute: random.pick(attributes).name})],
    [
      numbers.length > 0 ? 3 : 0,
      () => ({
        calculation: random.pick(['sum', 'min', 'max', 'average']),
        attribute: random.pick(numbers).name,
      }),
    ],
  ]);
}

/** One that some workspace of the asker has. */
export function calculatedCriterion(context: DefinitionContext, narrowed: JsonObject): JsonObject {
  const {random, calculated} = context;
  const asked = random.pick(calculated);
  const {name} = asked;
  return {kind: 'calculated_attribute', name, ...testOf(asked, context), ...narrowed};
}

function testOf({calculation, event}: OracleCalculated, context: DefinitionContext): JsonObject {
  const {random, windows} = context;
  if (random.chance(0.12)) return {operator: random.pick(['exists', 'not_exists'])};
  switch (calculation) {
    case 'count':
    case 'unique_values_count':
      return {
        operator: random.pick(['greater_or_equal', 'less_than', 'equals', 'not_equals']),
        value: random.int(0, 3),
      };
    case 'sum':
    case 'min':
    case 'max':
    case 'average':
      return event['kind'] === 'session'
        ? {operator: 'greater_than', value: random.pick([0, 5_999, 60_000])}
        : randomTest(random, 'number', windows);
    case 'unique_list':
      return random.branch<JsonObject>([
        [
          3,
          () => ({
            operator: random.pick(['includes', 'not_includes']),
            value: random.pick(['red', 'BLUE', 'ref', '0.1']),
          }),
        ],
        [1, () => ({operator: 'partial_match', value: random.pick(['e', 'LU'])})],
        [1, () => ({operator: 'in', value: random.some(['RED', 'blue', '5']), type: 'list'})],
      ]);
    case 'first_occurrence_timestamp':
    case 'last_occurrence_timestamp':
      return randomTest(random, 'date', windows);
    default:
      return randomTest(random, random.pick(['text', 'text', 'number', 'date']), windows);
  }
}
