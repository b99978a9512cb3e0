import { test } from 'vitest'
import { runSeed } from '../engine/tsdb/model.ts'

/** Tests of the store against a map, 500 seeds each. */
export function testSeeds(from: number, to: number): void {
  const each = 500
  const starts = Array.from({ length: (to - from) / each }, (_, i) => from + i * each)
  test.each(starts)(`the store is what a map is, for ${each} seeds from %i on`, async start => {
    for (let seed = start; seed < start + each; seed++) await runSeed(seed)
  })
}
