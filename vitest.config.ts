import { defineConfig } from 'vitest/config';

/**
 * Three projects by cost. `pure` needs nothing; `database` and `whole` start one embedded PostgreSQL for the run (only when
 * one of their files is to run). Packages are read from their sources by the `source` condition. Two cores are assumed.
 */
const sources = { ssr: { resolve: { conditions: ['source'] } }, resolve: { conditions: ['source'] } };
const exclude = ['**/node_modules/**', '**/dist/**'];

export default defineConfig({
  ...sources,
  test: {
    maxWorkers: 2,
    projects: [
      {
        ...sources,
        test: {
          name: 'pure',
          include: ['packages/**/*.test.{ts,tsx}', 'tools/**/*.test.{mjs,ts}', 'tests/{kit,conformance}/**/*.test.ts'],
          exclude: [...exclude, '**/*.db.test.ts', '**/*.http.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...sources,
        test: {
          name: 'database',
          include: ['packages/**/*.{db,http}.test.ts', 'tests/**/*.{db,http}.test.ts'],
          exclude,
          globalSetup: ['tests/kit/postgres-setup.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...sources,
        test: {
          name: 'whole',
          // The ai SDK reads a package that ships its sources under the same condition: Vite has to load them.
          server: { deps: { inline: ['ai', /@ai-sdk\//, 'eventsource-parser'] } },
          include: ['tests/{journeys,security,chaos}/**/*.test.ts'],
          exclude: [...exclude, '**/*.db.test.ts', '**/*.http.test.ts'],
          globalSetup: ['tests/kit/postgres-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Whole installations with several processes each wait more than they work: two files at a time.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
