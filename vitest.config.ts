import { defineConfig } from 'vitest/config';
export default defineConfig({
  ssr: { resolve: { conditions: ['source'] } },
  resolve: { conditions: ['source'] },
  test: { include: ['packages/**/*.test.ts'], exclude: ['**/node_modules/**', '**/dist/**'] },
});
