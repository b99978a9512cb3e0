// Adds up what the test runners reported, so that the last line is `N passed, N failed`. A runner that left no
// report, ran nothing, or ended badly without naming a failure counts as a failure itself.
import { existsSync, readFileSync } from 'node:fs'

/** What one runner did: number of tests passed, titles of those that failed or were skipped.
 *  @typedef {{ passed: number, failed: string[], skipped: string[] }} Tally */

/** Reads the report of Vitest's json reporter.
 *  @returns {Tally} */
export function readVitest(report) {
  const tests = report.testResults.flatMap(file => file.assertionResults)
  const titles = status => tests.filter(t => status.includes(t.status)).map(t => t.fullName)
  // A file that cannot be loaded has failed without a single test.
  const broken = report.testResults
    .filter(file => file.status === 'failed' && file.assertionResults.every(t => t.status !== 'failed'))
    .map(file => `${file.name}: ${file.message || 'did not run'}`)
  return {
    passed: titles(['passed']).length,
    failed: [...titles(['failed']), ...broken],
    skipped: titles(['skipped', 'pending', 'todo', 'disabled']),
  }
}

/** Reads the report of Playwright's json reporter. A test that passed only when tried again is flaky: failed.
 *  @returns {Tally} */
export function readPlaywright(report) {
  const tests = report.suites.flatMap(suite => testsOf(suite, []))
  const titles = status => tests.filter(t => status.includes(t.status)).map(t => t.title)
  return {
    passed: titles(['expected']).length,
    failed: [...titles(['unexpected', 'flaky']), ...report.errors.map(error => error.message ?? 'error')],
    skipped: titles(['skipped']),
  }
}

function testsOf(suite, path) {
  const here = [...path, suite.title]
  const own = (suite.specs ?? []).flatMap(spec =>
    spec.tests.map(t => ({
      title: [...here, spec.title].join(' › ') + ` [${t.projectName}]`,
      status: t.status,
    })),
  )
  return [...own, ...(suite.suites ?? []).flatMap(inner => testsOf(inner, here))]
}

const readers = { vitest: readVitest, playwright: readPlaywright }

/** The tally of one runner from its report file and exit code.
 *  @param {{ runner: 'vitest' | 'playwright', report: string, code: number | null }} run
 *  @returns {Tally} */
export function tallyOf({ runner, report, code }) {
  const nothing = reason => ({ passed: 0, failed: [reason], skipped: [] })
  if (!existsSync(report)) return nothing(`${runner} left no ${report}; it ended with code ${code}`)
  let tally
  try {
    tally = readers[runner](JSON.parse(readFileSync(report, 'utf8')))
  } catch (error) {
    return nothing(`${report} cannot be read: ${error.message}`)
  }
  if (tally.passed + tally.failed.length + tally.skipped.length === 0) return nothing(`${runner} ran no test`)
  if (code !== 0 && tally.failed.length === 0)
    return { ...tally, failed: [`${runner} ended with code ${code} although no test failed`] }
  return tally
}

/** @param {Tally[]} tallies
 *  @returns {Tally} */
export function sum(tallies) {
  return {
    passed: tallies.reduce((n, t) => n + t.passed, 0),
    failed: tallies.flatMap(t => t.failed),
    skipped: tallies.flatMap(t => t.skipped),
  }
}

/** The closing line. @param {Tally} tally */
export function line({ passed, failed, skipped }) {
  const end = skipped.length ? `, ${skipped.length} skipped` : ''
  return `${passed} passed, ${failed.length} failed${end}`
}

/** Prints what failed and what was skipped by name, then the closing line; answers the exit code. With `strict` a
 *  skipped test is a failure.
 *  @param {Tally} tally */
export function print(tally, { strict }) {
  for (const title of tally.skipped) console.log(`skipped: ${title}`)
  for (const title of tally.failed) console.log(`failed: ${title}`)
  console.log(line(tally))
  return tally.failed.length || (strict && tally.skipped.length) ? 1 : 0
}
