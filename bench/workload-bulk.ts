/** New audiences over known criteria: clauses of the audiences that are there, combined anew. */
import type {WorkloadAudience} from './workload-audiences.ts';
import type {Workload} from './workload.ts';

/** Equal numbers give equal audiences: what is to be new begins after those that were made before. */
export function recombinedAudiences(
  workload: Workload,
  count: number,
  first = 0,
): WorkloadAudience[] {
  const {audiences} = workload;
  return Array.from({length: count}, (_, n) => {
    const i = first + n;
    const parts = [0, 1, 2].map(part => audiences[(i * (part + 1) + part * 7) % audiences.length]!);
    const round = Math.floor(i / audiences.length);
    const clauses = parts.map(({clauses: from}, part) => from[(i + part + round) % from.length]!);
    return {id: audiences.length + 1 + i, clauses};
  });
}
