// npm test and, with --long, npm run test:long: builds, runs both runners, and closes with the sum of the two.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuild } from './ensure-build.mjs'
import { print, sum, tallyOf } from './tally.mjs'

const root = join(import.meta.dirname, '..')
const results = 'test-results'
process.chdir(root)

const long = process.argv.includes('--long')
const kind = long ? 'long' : 'short'
/** Which of the runners' projects; the long ones stay out of `npm test`. */
const projects = long
  ? { vitest: ['long'], playwright: ['long'] }
  : { vitest: ['node', 'browser'], playwright: ['e2e', 'subpath'] }

function run(runner, command) {
  const report = `${results}/${kind}-${runner}.json`
  rmSync(report, { force: true })
  const cli = { vitest: 'vitest/vitest.mjs', playwright: '@playwright/test/cli.js' }[runner]
  const only = projects[runner].flatMap(name => ['--project', name])
  const { status, signal } = spawnSync(process.execPath, [join('node_modules', cli), command, ...only], {
    stdio: 'inherit',
    // A runner that hangs is ended, leaves no report, and so counts as failed.
    timeout: 35 * 60_000,
    env: { ...process.env, BRAZIER_REPORT: report },
  })
  return tallyOf({ runner, report, code: status ?? signal })
}

function runAll() {
  if (ensureBuild() !== 0) return [{ passed: 0, failed: ['npm run build'], skipped: [] }]
  return [run('vitest', 'run'), run('playwright', 'test')]
}

mkdirSync(results, { recursive: true })
const total = `${results}/${kind}.json`
rmSync(total, { force: true })
const tally = sum(runAll())
writeFileSync(total, JSON.stringify(tally))
process.exitCode = print(tally, { strict: Boolean(process.env.CI) })
