import {expect, test} from 'vitest';
import {custom, record} from '../../support/oracle-build.ts';
import {Stage} from '../../support/stage.ts';

const NOW_MS = Date.parse('2026-03-10T12:00:00.000Z');

test('events from the future do not push out those that count now', () => {
  const stage = new Stage({startMs: NOW_MS});
  const compare = {operator: 'greater_or_equal', value: 8};
  stage.define({definition: {kind: 'event', name: 'View', when: {within_last: '1d'}, compare}});
  const times = Array.from({length: 12}, (_, at) => NOW_MS + (at - 7) * 60_000);
  stage.send(record(NOW_MS, {events: times.map(timeMs => custom(timeMs, 'View'))}));
  expect(stage.members()).toEqual(['1']);
  stage.advance(NOW_MS + 3_600_000);
  expect(stage.members()).toEqual(['1']);
});
