import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { standardBench } from '../../src/promqltest/bench.ts'
import { scriptHost } from '../../src/promqltest/host.ts'
import { runFiles, type ScriptFile } from '../../src/promqltest/report.ts'
import type { Bench } from '../../src/promqltest/run.ts'
import { readScript } from '../../src/promqltest/script.ts'

// Prometheus's own scripts, where they are present. How many pass is told, and may only grow.

const folder = fileURLToPath(new URL('../../../shared/upstream/promqltest/', import.meta.url))
const present = existsSync(folder)
const names = present ? readdirSync(folder).filter(name => name.endsWith('.test')) : []
const files: ScriptFile[] = names.map(path => ({ path, text: readFileSync(folder + path, 'utf8') }))

/** 2,213 lines that begin with `eval`, and an indented one. */
const evals = 2214

describe.skipIf(!present)("upstream's scripts", () => {
  test('every line is in our language', () => {
    const broken = files.flatMap(({ path, text }) =>
      readScript(text).flatMap(command =>
        command.kind === 'broken' ? [`${path}:${command.line}: ${command.reason}`] : [],
      ),
    )
    expect(broken).toEqual([])
  })

  test.each([
    { store: 'samples in memory', tsdb: false, floor: evals },
    // The store keeps no native histograms yet, and no start timestamps.
    { store: 'head and block', tsdb: true, floor: 1272 },
  ])('run to the end with $store, every eval counted once', async ({ tsdb, floor }) => {
    const bench = standardBench({ host: scriptHost, tsdb })
    await check('in all ways', bench, floor)
  })
})

async function check(ways: string, bench: Bench, floor: number): Promise<void> {
  const printed: string[] = []
  const { passed, failed } = await runFiles(files, bench, line => printed.push(line))
  console.log(`${ways}: ${printed.at(-1)}`)
  expect(passed + failed).toBe(evals)
  // A line for each failure and one for the total: nothing but evals went wrong.
  expect(printed).toHaveLength(failed + 1)
  expect(passed).toBeGreaterThanOrEqual(floor)
}
