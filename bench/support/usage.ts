/** Wall and CPU time between two moments, and memory in use. */
export interface Usage {
  readonly wallMs: number;
  /** User and system, all threads of this process. */
  readonly cpuSeconds: number;
}

export class Stopwatch {
  #startedMs = performance.now();
  #startedCpu = process.cpuUsage();

  lap(): Usage {
    const {user, system} = process.cpuUsage(this.#startedCpu);
    return {wallMs: performance.now() - this.#startedMs, cpuSeconds: (user + system) / 1e6};
  }
}

/** Heap and buffers outside it, after a collection where one can be asked for. */
export function memoryInUse(): {heapBytes: number; bufferBytes: number; rssBytes: number} {
  globalThis.gc?.();
  globalThis.gc?.();
  const {heapUsed, arrayBuffers, rss} = process.memoryUsage();
  return {heapBytes: heapUsed, bufferBytes: arrayBuffers, rssBytes: rss};
}
