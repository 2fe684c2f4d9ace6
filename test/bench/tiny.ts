import type {BenchOptions} from '../../bench/support/figures.ts';

/** So small that a figure says only that the bench works. */
export const TINY: BenchOptions = {
  audiences: 20,
  profiles: 300,
  roundSeconds: 0.01,
  rounds: 1,
  warmUpEvents: 1000,
  calm: false,
  tiny: true,
  say: () => {},
};
