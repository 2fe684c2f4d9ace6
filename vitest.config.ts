import {defineConfig} from 'vitest/config';

// The default export is what vitest asks for; it is the only one in the repository.
export default defineConfig({
  test: {
    // Named exactly: a build leaves dist/, which must not be tested in place of the sources.
    include: ['test/**/*.test.ts'],
    // Forks, because the tests start worker threads and hold LMDB environments of their own.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
  },
});
