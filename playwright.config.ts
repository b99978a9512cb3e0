import { defineConfig } from '@playwright/test'
import { chromiumArgs, findChromium } from './scripts/chromium.mjs'
import { freePort } from './tests/programs.ts'

const executablePath = await findChromium()
if (!executablePath) throw new Error('no Chromium found; npm run chromium gets one')

// scripts/test.mjs asks for a report that it adds up.
const report = process.env['BRAZIER_REPORT']

// Read once by the runner and again by each of its workers, which must find the same ports.
const sidecarPort = (process.env['BRAZIER_SIDECAR_PORT'] ??= String(await freePort()))
const staticPort = (process.env['BRAZIER_STATIC_PORT'] ??= String(await freePort()))
const sidecar = `http://localhost:${sidecarPort}/`

/** `e2e`: the page as `npm start` serves it. `subpath`: the specs tagged @anywhere once more, from a plain static
 *  host under a path. `long`: what takes minutes (npm run test:long). */
export default defineConfig({
  globalSetup: './tests/e2e/setup.ts',
  outputDir: 'test-results/playwright',
  fullyParallel: true,
  forbidOnly: true,
  workers: 2,
  // What takes seconds takes a minute on a machine whose processors others use, too.
  timeout: 300_000,
  expect: { timeout: 90_000 },
  reporter: report ? [['list'], ['json', { outputFile: report }]] : 'list',
  use: { launchOptions: { executablePath, args: chromiumArgs } },
  projects: [
    { name: 'e2e', testDir: 'tests/e2e', use: { baseURL: sidecar } },
    {
      name: 'subpath',
      testDir: 'tests/e2e',
      grep: /@anywhere/,
      use: { baseURL: `http://localhost:${staticPort}/a/b/` },
    },
    {
      name: 'long',
      testDir: 'tests/long',
      testMatch: '**/*.spec.ts',
      timeout: 600_000,
      // They look at clocks: one browser at a time.
      workers: 1,
      use: { baseURL: sidecar },
    },
  ],
  webServer: {
    command: `node scripts/start.mjs --port ${sidecarPort}`,
    url: sidecar,
    reuseExistingServer: false,
    timeout: 300_000,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 5000 },
  },
})
