import { playwright } from '@vitest/browser-playwright'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'
import { chromiumArgs, findChromium } from './scripts/chromium.mjs'

const executablePath = await findChromium()

/** Tests that need a browser are named *.browser.test.ts; all others run in Node. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/**/*.browser.test.ts', 'tests/e2e/**', 'tests/long/**'],
          environment: 'node',
        },
      },
      {
        plugins: [svelte()],
        define: { __APP_VERSION__: '"test"', __BUILD__: '1' },
        optimizeDeps: { include: ['comlink', 'idb'] },
        test: {
          name: 'browser',
          include: ['tests/**/*.browser.test.ts'],
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
