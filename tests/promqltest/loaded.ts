import { MemoryQuerier } from '../../src/promqltest/memory.ts'
import { readScript } from '../../src/promqltest/script.ts'

/** The samples of a block in the notation of the scripts: `load 1m`, then a series a line. */
export function loaded(block: string): MemoryQuerier {
  const [load, ...others] = readScript(block)
  if (load?.kind !== 'load' || others.length > 0) throw new Error(`want one load, found ${block}`)
  return new MemoryQuerier().with(load.series)
}
