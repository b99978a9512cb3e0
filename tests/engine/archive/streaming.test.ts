import { expect, test } from 'vitest'
import { passThrough } from './streaming.ts'

const MiB = 1024 * 1024

test.each(['zip', 'tar.gz'] as const)(
  'a %s of 256 MiB passes with a quarter of it in memory',
  async format => {
    const passage = await passThrough(format, 4, 64 * MiB)
    expect(passage.intact).toBe(true)
    expect(passage.bytes).toBe(256 * MiB)
    expect(Math.max(passage.writing, passage.reading)).toBeLessThan(passage.bytes / 4)
  },
)
