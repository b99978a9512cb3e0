import { expect, test } from 'vitest'
import { passThrough } from '../engine/archive/streaming.ts'

const MiB = 1024 * 1024

test.each(['zip', 'tar.gz'] as const)('a %s of 2 GiB passes with 64 MiB of memory', async format => {
  const passage = await passThrough(format, 4, 512 * MiB)
  expect(passage.intact).toBe(true)
  expect(passage.bytes).toBe(2048 * MiB)
  expect(Math.max(passage.writing, passage.reading)).toBeLessThan(64 * MiB)
  // With garbage, whose amount is up to the collector.
  expect(passage.resident).toBeLessThan(passage.bytes / 8)
})
