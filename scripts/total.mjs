// Closes .ci/run: the sum of everything that ran, given as STEP=EXITCODE. A step with a tally in test-results/ is
// counted by its tests, any other is one test; a step that ended badly never counts as passed.
import { readFileSync } from 'node:fs'
import { print, sum } from './tally.mjs'

const reports = { test: 'test-results/short.json', 'test:long': 'test-results/long.json' }

function tallyOfStep(step, code) {
  const failure = { passed: 0, failed: [`${step} ended with code ${code}`], skipped: [] }
  if (!(step in reports)) return code === '0' ? { passed: 1, failed: [], skipped: [] } : failure
  let tally
  try {
    tally = JSON.parse(readFileSync(reports[step], 'utf8'))
  } catch (error) {
    return { ...failure, failed: [`${step} left no tally (code ${code}): ${error.message}`] }
  }
  const explained = tally.failed.length || tally.skipped.length
  return code === '0' || explained ? tally : sum([tally, failure])
}

const steps = process.argv.slice(2).map(arg => arg.split('='))
if (steps.length === 0) throw new Error('want STEP=EXITCODE …')
const total = sum(steps.map(([step, code]) => tallyOfStep(step, code)))
// In the closing line a skipped test is a failed one.
const failed = [...total.failed, ...total.skipped.map(title => `skipped: ${title}`)]
process.exitCode = print({ passed: total.passed, failed, skipped: [] }, { strict: true })
