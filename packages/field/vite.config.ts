import { defaultClientConditions, defineConfig } from 'vite';

export default defineConfig({
  base: '/field/',
  resolve: { conditions: ['source', ...defaultClientConditions] },
  build: {
    target: 'es2022',
    // The page's policy allows scripts and styles of its own origin alone, none inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
