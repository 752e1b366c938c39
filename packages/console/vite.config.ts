import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

/** The product's own server: `ownkey dev` prints its address. */
const SERVER = process.env.OWNKEY_CONSOLE_URL ?? 'http://127.0.0.1:8420';

/**
 * What the first room is made of and later rooms use too. In one file: left alone, each set of rooms that shares a part of it makes
 * a file of its own, and a dozen small files compress worse than one (3 KB).
 */
const FIRST_ROOM =
  /console\/src\/(paths|format\/|routing\/(?!TabLinks)|table\/|ui\/(Button|CopyButton|Facts|Feedback|Icon|Menu|Messages|PageHeader|PayerMark|Reason|Search|Segmented|button-style|use-)|api\/(keys|people|session|browser-client|explain-error|signed-out)|features\/keys\/(KeysTable|LastFour|NextStepButton|ProviderTile|StateLinks|StatusBadge|groups|key-menu|keys-search|status|use-key-actions|use-may)\.)/;

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { conditions: ['source', ...defaultClientConditions] },
  build: {
    target: 'es2022',
    // The page's policy allows neither data: scripts nor inline styles, so every asset is a file.
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'first-room', test: FIRST_ROOM }] } } },
  },
  server: {
    proxy: { '/api': { target: SERVER, changeOrigin: true }, '/docs/api': { target: SERVER, changeOrigin: true } },
  },
});
