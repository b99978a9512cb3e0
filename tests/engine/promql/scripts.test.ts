import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { standardBench } from '../../../src/promqltest/bench.ts'
import { runFiles } from '../../../src/promqltest/report.ts'
import { FakeHost } from '../../fakehost.ts'

const folder = new URL('.', import.meta.url)
const scripts = readdirSync(folder).filter(name => name.endsWith('.test'))

describe.each([
  { store: 'samples in memory', tsdb: false },
  { store: 'head and block', tsdb: true },
])('with $store', ({ tsdb }) => {
  test.each(scripts)('every eval of %s passes', async path => {
    const text = readFileSync(new URL(path, folder), 'utf8')
    const printed: string[] = []
    const bench = standardBench({ host: new FakeHost(), tsdb })
    const { passed } = await runFiles([{ path, text }], bench, line => printed.push(line))
    expect(printed).toEqual([`${passed} passed, 0 failed`])
    expect(passed).toBeGreaterThan(10)
  })
})
