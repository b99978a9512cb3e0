import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { line, readPlaywright, readVitest, sum, tallyOf } from '../../scripts/tally.mjs'

const vitest = (...statuses: string[]) => ({
  testResults: [
    {
      name: 'a.test.ts',
      status: 'passed',
      assertionResults: statuses.map((status, i) => ({ status, fullName: `test ${i}` })),
    },
  ],
})
const playwright = (...statuses: string[]) => ({
  errors: [],
  suites: [
    {
      title: 'a.spec.ts',
      suites: [
        {
          title: 'inner',
          specs: statuses.map((status, i) => ({
            title: `test ${i}`,
            tests: [{ status, projectName: 'e2e' }],
          })),
        },
      ],
    },
  ],
})

describe('reports', () => {
  test('Vitest’s tests are counted, and named when they did not pass', () => {
    expect(readVitest(vitest('passed', 'failed', 'skipped', 'todo', 'passed'))).toEqual({
      passed: 2,
      failed: ['test 1'],
      skipped: ['test 2', 'test 3'],
    })
  })

  test('a file that could not be loaded has failed', () => {
    const report = {
      testResults: [{ name: 'b.test.ts', status: 'failed', message: 'no such module', assertionResults: [] }],
    }
    expect(readVitest(report)).toEqual({ passed: 0, failed: ['b.test.ts: no such module'], skipped: [] })
  })

  test('Playwright’s tests are counted through nested suites; a flaky one has failed', () => {
    expect(readPlaywright(playwright('expected', 'unexpected', 'flaky', 'skipped'))).toEqual({
      passed: 1,
      failed: ['a.spec.ts › inner › test 1 [e2e]', 'a.spec.ts › inner › test 2 [e2e]'],
      skipped: ['a.spec.ts › inner › test 3 [e2e]'],
    })
  })

  test('an error outside of all tests is a failure', () => {
    const report = { errors: [{ message: 'web server did not start' }], suites: [] }
    expect(readPlaywright(report).failed).toEqual(['web server did not start'])
  })
})

describe('a runner cannot pass by accident', () => {
  const folder = mkdtempSync(join(tmpdir(), 'brazier-tally-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const reported = (content: string, code: number) => {
    const report = join(folder, `${Math.random()}.json`)
    writeFileSync(report, content)
    return tallyOf({ runner: 'vitest', report, code })
  }

  test.each([
    ['ended badly though no test failed', JSON.stringify(vitest('passed')), 1, 1, 'although no test failed'],
    ['ran nothing', JSON.stringify(vitest()), 0, 0, 'ran no test'],
    ['was cut off while it wrote', '{"testResults": [', 0, 0, 'cannot be read'],
    ['wrote something else', '{}', 0, 0, 'cannot be read'],
  ])('when it %s', (_name, content, code, passed, reason) => {
    const tally = reported(content, code)
    expect(tally.passed).toBe(passed)
    expect(tally.failed).toEqual([expect.stringContaining(reason)])
  })

  test('when it left no report', () => {
    const { failed } = tallyOf({ runner: 'playwright', report: join(folder, 'none.json'), code: 0 })
    expect(failed).toEqual([expect.stringContaining('left no')])
  })

  test('a failed test is not counted twice for the exit code', () => {
    expect(reported(JSON.stringify(vitest('passed', 'failed')), 1)).toEqual({
      passed: 1,
      failed: ['test 1'],
      skipped: [],
    })
  })
})

test.each([
  [{ passed: 3, failed: [], skipped: [] }, '3 passed, 0 failed'],
  [{ passed: 3, failed: ['a'], skipped: ['b', 'c'] }, '3 passed, 1 failed, 2 skipped'],
])('%j closes with %s', (tally, text) => {
  expect(line(tally)).toBe(text)
})

test('sums keep every name', () => {
  const one = { passed: 1, failed: ['a'], skipped: ['b'] }
  const two = { passed: 2, failed: ['c'], skipped: [] }
  expect(sum([one, two])).toEqual({ passed: 3, failed: ['a', 'c'], skipped: ['b'] })
})
