import { closeSync, mkdirSync, mkdtempSync, openAsBlob, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openNodeFs } from '../../src/disks/nodefs.ts'
import { chunkEncoding } from '../../src/engine/chunks/decode.ts'
import { stagingSuffix, type Disk } from '../../src/engine/disk/disk.ts'
import { metricName } from '../../src/engine/model/labels.ts'
import { openBlock } from '../../src/engine/tsdb/block/block.ts'
import { ChunkCache } from '../../src/engine/tsdb/block/cache.ts'
import { writeBlock, type SeriesChunks } from '../../src/engine/tsdb/block/writer.ts'
import { blocksOut } from '../../src/engine/tsdb/transfer/exporter.ts'
import { importSource } from '../../src/engine/tsdb/transfer/importer.ts'
import { openPins } from '../../src/engine/tsdb/transfer/pins.ts'
import { noise } from '../engine/archive/files.ts'
import { FakeHost } from '../fakehost.ts'
import { Memory } from '../memory.ts'

const MiB = 1024 * 1024
const total = 2048 * MiB
const chunkBytes = 64 * 1024
const chunksOfSeries = 512
const ulid = '01J0000000000000000000000A'

test('a block of 2 GiB is exported and imported with 64 MiB of memory', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'brazier-imports-'))
  try {
    const memory = new Memory(total)
    const archive = join(folder, 'block.zip')
    const source = await opened(join(folder, 'source'))
    await writeBlock(source, { ulid, minT: 0, maxT: 10_000 }, allSeries())
    await source.publish([{ from: `${ulid}${stagingSuffix}`, to: ulid }])
    memory.takePeak()

    const file = openSync(archive, 'w')
    const block = await openBlock({ disk: source, cache: new ChunkCache(0) }, ulid)
    const outgoing = blocksOut(source, [block], 'zip')
    for await (const piece of outgoing.bytes(new AbortController().signal, () => undefined)) {
      writeSync(file, piece)
      memory.look(piece.length)
    }
    closeSync(file)
    await source.close()
    const exporting = memory.takePeak()

    const target = await opened(join(folder, 'target'))
    const store = {
      shelf: { disk: target, cache: new ChunkCache(0) },
      host: new FakeHost(),
      pins: await openPins(target, []),
      chunkRangeMs: 7_200_000,
      existing: () => null,
    }
    let before = 0
    const progress = (_: string, done: number) => {
      memory.look(Math.max(0, done - before))
      before = done
    }
    const bytes = await openAsBlob(archive)
    const { published } = await importSource(store, { kind: 'archive', name: 'block.zip', bytes }, progress)
    const importing = memory.takePeak()
    expect(published).toEqual([ulid])
    expect((await openBlock(store.shelf, ulid)).bytes).toBe(block.bytes)
    expect(block.bytes).toBeGreaterThan(total)
    await target.close()
    expect(Math.max(exporting, importing)).toBeLessThan(64 * MiB)
    // With garbage, whose amount is up to the collector.
    expect(memory.peakResident).toBeLessThan(total / 8)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

function opened(folder: string): Promise<Disk> {
  mkdirSync(folder)
  return openNodeFs(folder)
}

/** Chunks far larger than real ones, of bytes that nobody decodes: as many bytes, and quickly made. */
async function* allSeries(): AsyncGenerator<SeriesChunks> {
  const bytes = noise(chunkBytes, 1)
  // They say that they have two samples.
  bytes.set([0, 2])
  for (let i = 0; i < total / chunkBytes / chunksOfSeries; i++) {
    const chunks = Array.from({ length: chunksOfSeries }, (_, k) => {
      return { minT: 2 * k, maxT: 2 * k + 1, encoding: chunkEncoding.xor, samples: 2, bytes }
    })
    yield { labels: [metricName, 'large', 'i', String(1000 + i)], chunks }
  }
}
