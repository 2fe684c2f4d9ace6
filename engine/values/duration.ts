/** Durations as people write them: `"<integer><unit>"`, unit s m h d w. A day is 24 hours. */
import {DAY_MS} from './calendar.ts';

const UNIT_MS: readonly (readonly [unit: string, ms: number])[] = [
  ['w', 7 * DAY_MS],
  ['d', DAY_MS],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

const DURATION = /^(\d{1,15})([smhdw])$/;

/** Ten thousand years: past it sums with an instant would leave the exact integers. */
const DURATION_MS_MAX = 3_652_500 * DAY_MS;

/** undefined for anything that is not a duration, or one longer than ten thousand years. */
export function durationMs(text: string): number | undefined {
  const parts = DURATION.exec(text);
  if (parts === null) return undefined;
  const unit = UNIT_MS.find(([name]) => name === parts[2]);
  const ms = Number(parts[1]) * (unit?.[1] ?? Number.NaN);
  return ms <= DURATION_MS_MAX ? ms : undefined;
}

/** In the largest unit that leaves no fraction, weeks only when days would be no shorter to read. */
export function durationText(ms: number): string {
  for (const [unit, unitMs] of UNIT_MS) {
    if (unit !== 'w' && ms >= unitMs && ms % unitMs === 0) return `${ms / unitMs} ${unit}`;
  }
  return ms === 0 ? '0 s' : `${ms} ms`;
}
