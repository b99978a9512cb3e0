import { readFileSync } from 'node:fs'
import type { EncodedChunk } from '../../../src/engine/chunks/encode.ts'

/** XOR2 chunks that Prometheus 3.14's own code wrote: with start timestamps, and without. */
export function xor2Chunks(): (EncodedChunk & {
  readonly name: string
  readonly times: readonly number[]
})[] {
  const lines = readFileSync(new URL('../chunks/xor2.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n')
  return lines.map(line => {
    const written = JSON.parse(line) as { name: string; hex: string; samples: [string, string, string][] }
    const times = written.samples.map(([, t]) => Number(t))
    const bytes = new Uint8Array(Buffer.from(written.hex, 'hex'))
    const [minT, maxT] = [times[0]!, times.at(-1)!]
    return { name: written.name, times, minT, maxT, encoding: 4, samples: times.length, bytes }
  })
}
