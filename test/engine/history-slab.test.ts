import fc from 'fast-check';
import {expect, test} from 'vitest';
import {HistorySlab, NUMBERS, TIMES} from '../../engine/histories/history-slab.ts';

type Model = Map<number, {due: number; entries: [number, number][]}>;

const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      ordinal: fc.nat(4),
      history: fc.nat(6),
      time: fc.nat(50),
      value: fc.nat(9),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('remove' as const),
      ordinal: fc.nat(4),
      history: fc.nat(6),
      index: fc.nat(3),
      count: fc.nat(3),
    }),
  },
  fc.record({kind: fc.constant('drop' as const), ordinal: fc.nat(4), history: fc.nat(6)}),
  fc.record({
    kind: fc.constant('due' as const),
    ordinal: fc.nat(4),
    history: fc.nat(6),
    due: fc.nat(1000),
  }),
  fc.record({kind: fc.constant('release' as const), ordinal: fc.nat(4)}),
  fc.record({kind: fc.constant('move' as const), ordinal: fc.nat(4)}),
);

function read(slab: HistorySlab, ordinal: number): Model {
  const found: Model = new Map();
  if (!slab.open(ordinal)) return found;
  for (let i = 0; i < slab.historyCount; i++) {
    const history = slab.historyAt(i);
    expect(slab.locate(history)).toBe(true);
    const entries: [number, number][] = [];
    for (let e = 0; e < slab.entryCount; e++) {
      const at = slab.entryAt + e * slab.width;
      entries.push([slab.words[at]!, slab.width === 2 ? slab.words[at + 1]! : 0]);
    }
    found.set(history, {due: slab.dueAt(i), entries});
  }
  return found;
}

test('a slab holds what a map of sorted lists holds', () => {
  fc.assert(
    fc.property(fc.array(operation, {maxLength: 200}), operations => {
      const slab = new HistorySlab();
      const models: Model[] = [0, 1, 2, 3, 4].map(() => new Map());
      for (const op of operations) {
        const model = models[op.ordinal]!;
        const opened = slab.open(op.ordinal);
        expect(opened || model.size === 0).toBe(true);
        if (op.kind === 'insert') {
          slab.locateOrAdd(op.history, op.history % 2 === 1 ? NUMBERS : TIMES);
          const entry = model.get(op.history) ?? {due: Infinity, entries: []};
          model.set(op.history, entry);
          const index = slab.lowerBound(op.time);
          expect(index).toBe(entry.entries.filter(([time]) => time < op.time).length);
          slab.insert(index, op.time, op.value);
          entry.entries.splice(index, 0, [op.time, op.history % 2 === 1 ? op.value : 0]);
        } else if (op.kind === 'remove' && slab.locate(op.history)) {
          const count = Math.max(0, Math.min(op.count, slab.entryCount - op.index));
          slab.remove(op.index, count);
          model.get(op.history)!.entries.splice(op.index, count);
        } else if (op.kind === 'drop' && slab.locate(op.history)) {
          slab.removeHistory();
          model.delete(op.history);
        } else if (op.kind === 'due' && slab.locate(op.history)) {
          slab.due = op.due;
          model.get(op.history)!.due = op.due;
        } else if (op.kind === 'release') {
          slab.release(op.ordinal);
          model.clear();
        } else if (op.kind === 'move') {
          const bytes = slab.exportBytes();
          slab.release(op.ordinal);
          slab.importBytes(op.ordinal, bytes);
        }
      }
      models.forEach((model, ordinal) => {
        expect(read(slab, ordinal)).toEqual(model);
        slab.open(ordinal);
        expect(slab.earliestDue()).toBe(Math.min(Infinity, ...[...model.values()].map(h => h.due)));
      });
    }),
    {numRuns: 200},
  );
});

test('a profile may outgrow a page', () => {
  const slab = new HistorySlab();
  slab.open(7);
  slab.locateOrAdd(2, TIMES);
  for (let i = 0; i < 300_000; i++) {
    slab.open(7);
    slab.locate(2);
    slab.insert(slab.entryCount, i, 0);
  }
  slab.open(7);
  slab.locate(2);
  expect(slab.entryCount).toBe(300_000);
  expect(slab.words[slab.entryAt + 299_999]).toBe(299_999);
});
