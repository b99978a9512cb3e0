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
 *  host under a path. `long`: what takes minutes (npm run test:long); every death many
 *  times over. */
export default defineConfig({
  globalSetup: './tests/e2e/setup.ts',
  outputDir: 'test-results/playwright',
  fullyParallel: true,
  forbidOnly: true,
  // They look at clocks: one browser at a time.
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 30_000 },
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
      testDir: 'tests',
      testMatch: ['long/**/*.spec.ts', 'e2e/survival.spec.ts'],
      timeout: 900_000,
      use: { baseURL: sidecar },
      metadata: { rounds: 4 },
    },
  ],
  webServer: {
    command: `node scripts/start.mjs --port ${sidecarPort}`,
    url: sidecar,
    reuseExistingServer: false,
    timeout: 120_000,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 5000 },
  },
})
