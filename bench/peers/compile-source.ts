/** A function from source that we generated ourselves from the workload; nothing of it comes from outside. */
export function compileSource<F>(parameters: readonly string[], source: string): F {
  // oxlint-disable-next-line typescript/no-implied-eval -- compiling audiences is what is measured
  return new Function(...parameters, source) as F;
}
