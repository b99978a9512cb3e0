import { test } from 'vitest'
import { runSeed } from '../engine/tsdb/model.ts'

const each = 500
const starts = Array.from({ length: 4 }, (_, i) => 1000 + i * each)

test.each(starts)(`the store is what a map is, for ${each} seeds from %i on`, async start => {
  for (let seed = start; seed < start + each; seed++) await runSeed(seed)
})
