import { playwright } from '@vitest/browser-playwright'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'
import { chromiumArgs, findChromium } from './scripts/chromium.mjs'

const executablePath = await findChromium()
// scripts/test.mjs asks for a report that it adds up.
const report = process.env['BRAZIER_REPORT']

/** Tests that need a browser are named *.browser.test.ts; all others run in Node. What takes minutes is in
 *  tests/long and runs with `npm run test:long`. */
export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    allowOnly: false,
    // Read from here alone, whichever project has the browser.
    browser: { connectTimeout: 300_000 },
    projects: [
      {
        test: {
          name: 'node',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/**/*.browser.test.ts', 'tests/e2e/**', 'tests/long/**'],
          environment: 'node',
          // No test replaces a module or leaves a global behind; loading everything for each file took a third.
          isolate: false,
          maxWorkers: '100%',
          // Projects with different numbers of workers must run one after the other.
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'long',
          include: ['tests/long/**/*.test.ts'],
          environment: 'node',
          testTimeout: 900_000,
          hookTimeout: 120_000,
        },
      },
      {
        plugins: [svelte()],
        define: { __APP_VERSION__: '"test"', __BUILD__: '1' },
        optimizeDeps: {
          include: [
            'comlink',
            'idb',
            'client-zip',
            'fast-check',
            'fflate',
            'fzstd',
            'hysnappy',
            'modern-tar',
            're2js',
            'ulid',
          ],
        },
        test: {
          name: 'browser',
          include: ['tests/**/*.browser.test.ts'],
          exclude: ['tests/e2e/**', 'tests/long/**'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          expect: { poll: { timeout: 30_000 } },
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            api: { host: '127.0.0.1' },
            provider: playwright({
              launchOptions: { ...(executablePath && { executablePath }), args: chromiumArgs },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
})
