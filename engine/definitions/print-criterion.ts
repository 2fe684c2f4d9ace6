/** One criterion in words. */
import {durationText} from '../values/duration.ts';
import type {
  Compare,
  Condition,
  Criterion,
  EventCriterion,
  EventFilter,
  Measure,
  Place,
} from './definition.ts';
import {printTest, printWindow} from './print-test.ts';

export function printCriterion(criterion: Criterion): string {
  return printMeaning(criterion) + printIds('workspace', criterion.workspaces);
}

function printMeaning(criterion: Criterion): string {
  switch (criterion.kind) {
    case 'event':
    case 'commerce':
    case 'screen_view':
    case 'session':
    case 'crash':
    case 'install':
    case 'uninstall':
    case 'upgrade':
    case 'attribution_event':
      return printEvent(criterion);
    case 'cart_abandonment': {
      const until = criterion.until === 'any' ? 'any product action' : criterion.until.join(' or ');
      const where = printWhere(criterion.where) + printIds('input', criterion.inputs);
      return `cart abandoned${where} for ${durationText(criterion.waitMs)} without ${until}`;
    }
    case 'sequence': {
      const steps = criterion.steps.map(({filter, withinMs}) => {
        const gap = withinMs === undefined ? '' : `then within ${durationText(withinMs)} `;
        return gap + printFilter(filter);
      });
      return `sequence of ${steps.join(' ')}${printWindow(criterion.when)}`;
    }
    case 'user_attribute':
      return `${criterion.attribute} ${printTest(criterion.test)}`;
    case 'calculated_attribute':
      return `calculated ${criterion.name} ${printTest(criterion.test)}`;
    case 'audience':
      return `${criterion.operator === 'member' ? 'in' : 'not in'} audience ${criterion.audience}`;
    case 'consent':
      return criterion.regulation === 'gdpr'
        ? `gdpr consent ${criterion.state.replace('_', ' ')} for ${printPurpose(criterion.purpose)}`
        : `ccpa ${criterion.state.replaceAll('_', ' ')} of data sale`;
    case 'device':
      return `device ${criterion.field} ${printTest(criterion.test)}`;
    case 'first_seen':
      return `first seen${printWindow(criterion.when)}`;
    case 'last_seen':
      return `last seen${printWindow(criterion.when)}`;
    case 'location':
      return `location ${printPlace(criterion.place)}`;
    case 'identity':
      return `identity ${criterion.identity} ${printTest(criterion.test)}`;
    case 'attribution':
      return `${criterion.event} attribution ${criterion.field} ${printTest(criterion.test)}`;
  }
}

function printEvent(criterion: EventCriterion): string {
  const frequency = printFrequency(criterion.measure, criterion.compare);
  return printFilter(criterion) + frequency + printWindow(criterion.when);
}

/** Names as they are where they read as one word. */
function printFilter(filter: EventFilter): string {
  const where = printWhere(filter.where) + printIds('input', filter.inputs);
  return printSubject(filter) + where;
}

function printSubject({kind, name, eventType}: EventFilter): string {
  switch (kind) {
    case 'commerce':
      return name ?? 'commerce';
    case 'event':
      return `${eventType === undefined ? '' : `${eventType} `}event ${JSON.stringify(name)}`;
    case 'attribution_event':
      return `attribution event ${JSON.stringify(name)}`;
    case 'screen_view':
      return name === undefined ? 'screen view' : `screen view ${JSON.stringify(name)}`;
    case 'session':
    case 'crash':
    case 'install':
    case 'uninstall':
    case 'upgrade':
      return kind;
  }
}

function printWhere(where: readonly Condition[]): string {
  const conditions = where.map(({attribute, test}) => `${attribute} ${printTest(test)}`);
  return conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
}

function printFrequency(measure: Measure, compare: Compare): string {
  if (measure.function !== 'count') {
    return ` with ${measure.function} of ${measure.attribute} ${printComparison(compare)}`;
  }
  if (compare.operator === 'between') {
    return ` between ${compare.low} and ${printTimes(compare.high)}`;
  }
  const {operator, value} = compare;
  switch (operator) {
    case 'greater_than':
      return value === 0 ? '' : ` more than ${printTimes(value)}`;
    case 'greater_or_equal':
      return value === 1 ? '' : ` at least ${printTimes(value)}`;
    case 'less_than':
      return ` less than ${printTimes(value)}`;
    case 'less_or_equal':
      return ` at most ${printTimes(value)}`;
    case 'equals':
      return ` exactly ${printTimes(value)}`;
    case 'not_equals':
      return ` not exactly ${printTimes(value)}`;
  }
}

function printTimes(count: number): string {
  return count === 1 ? '1 time' : `${count} times`;
}

function printComparison(compare: Compare): string {
  if (compare.operator === 'between') return `between ${compare.low} and ${compare.high}`;
  return printTest({type: 'number', ...compare});
}

function printPurpose(purpose: string): string {
  return purpose === '' ? 'any purpose' : JSON.stringify(purpose);
}

function printPlace(place: Place): string {
  if (place.kind === 'within') {
    const {latitude, longitude, radiusMeters} = place;
    return `within ${Number((radiusMeters / 1_000).toFixed(3))} km of ${latitude}, ${longitude}`;
  }
  const fields = (['city', 'state', 'zip', 'dma', 'country'] as const).flatMap(field => {
    const wanted = place[field];
    return wanted === undefined ? [] : [`${field} ${JSON.stringify(wanted)}`];
  });
  return `is ${fields.join(', ')}`;
}

function printIds(what: string, ids: readonly number[] | undefined): string {
  if (ids === undefined) return '';
  return ` in ${what}${ids.length === 1 ? '' : 's'} ${ids.join(', ')}`;
}
