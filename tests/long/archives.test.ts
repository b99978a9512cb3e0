import { expect, test } from 'vitest'
import { passThrough } from '../engine/archive/streaming.ts'

const MiB = 1024 * 1024

// A zip of this size comes with tests/long/imports.test.ts.
test('a tar.gz of 2 GiB passes with 64 MiB of memory', async () => {
  const passage = await passThrough('tar.gz', 4, 512 * MiB)
  expect(passage.intact).toBe(true)
  expect(passage.bytes).toBe(2048 * MiB)
  expect(Math.max(passage.writing, passage.reading)).toBeLessThan(64 * MiB)
  // With garbage, whose amount is up to the collector.
  expect(passage.resident).toBeLessThan(passage.bytes / 8)
})
