import { readFileSync, readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** What measures, or starts a whole cluster. */
const WHOLE_MACHINE = [
  'test/chaos/cluster.test.ts',
  'test/chaos/flood.test.ts',
  'test/e2e/supervisor.test.ts',
];

/** Unit tests that put the clock forward: ids are made in order, so a module that made one then would make none of today for the next file. */
const OWN_CLOCK = readdirSync('test/unit', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => `test/unit/${file}`)
  .filter((file) => readFileSync(file, 'utf8').includes('useFakeTimers'));

export default defineConfig({
  test: {
    // Two cores: more workers only make every wait longer.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          exclude: OWN_CLOCK,
          // They share nothing but modules, and loading those anew for each file takes four times as long as the tests.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'unit, own clock', include: OWN_CLOCK } },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          // Each has a virtual host and a database of its own, and no module keeps what one file could leave to the next.
          isolate: false,
          sequence: { groupOrder: 1 },
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          exclude: WHOLE_MACHINE,
          testTimeout: 90_000,
          hookTimeout: 90_000,
          // These and the end-to-end tests wait for leases, restarts and pages, most of the time: there is room for one more.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'peers',
          include: ['test/peers/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 90_000,
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'whole machine',
          include: WHOLE_MACHINE,
          testTimeout: 90_000,
          hookTimeout: 90_000,
          // One at a time, after all others.
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: WHOLE_MACHINE,
          testTimeout: 60_000,
          hookTimeout: 90_000,
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
