/** New audiences over known criteria: clauses of the audiences that are there, combined anew. */
import type {WorkloadAudience} from './workload-audiences.ts';
import type {Workload} from './workload.ts';

export function recombinedAudiences(workload: Workload, count: number): WorkloadAudience[] {
  const {audiences} = workload;
  return Array.from({length: count}, (_, i) => {
    const parts = [0, 1, 2].map(part => audiences[(i * (part + 1) + part * 7) % audiences.length]!);
    const clauses = parts.map(({clauses: from}, part) => from[(i + part) % from.length]!);
    return {id: audiences.length + 1 + i, clauses};
  });
}
