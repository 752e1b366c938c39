import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

/** The product's own server: `ownkey dev` prints its address. */
const SERVER = process.env.OWNKEY_CONSOLE_URL ?? 'http://127.0.0.1:8420';

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
  },
  server: {
    proxy: { '/api': { target: SERVER, changeOrigin: true }, '/docs/api': { target: SERVER, changeOrigin: true } },
  },
});
