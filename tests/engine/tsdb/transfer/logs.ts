import { SampleColumns, staleBits } from '../../../../src/engine/chunks/columns.ts'
import type { Disk } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import { openHeadChunks, type HeadChunk } from '../../../../src/engine/tsdb/headchunks/headchunks.ts'
import { encodeSamples, encodeSeries } from '../../../../src/engine/tsdb/wal/records.ts'
import { openWal } from '../../../../src/engine/tsdb/wal/wal.ts'
import { FakeHost } from '../../../fakehost.ts'
import type { Files } from '../../archive/files.ts'
import { chunkOf } from '../block/blockdisk.ts'
import { series } from '../store.ts'

// What data directories have beside their blocks.

/** A log with these records, each in a segment of its own where there are several lists. */
export async function logFiles(
  folder: 'wal' | 'wbl',
  ...segments: readonly (readonly Uint8Array[])[]
): Promise<Files> {
  const disk = new MemoryDisk()
  const options = { disk, host: new FakeHost(), metrics: new Registry(), folder, segmentBytes: 1024 * 1024 }
  const wal = await openWal(options, { series: ignore, sample: ignore, skipped: ignore })
  for (const records of segments) {
    await wal.log(records)
    await wal.cut()
  }
  return filesIn(disk, folder)
}

/** Chunks of the head, of samples as "t, value"; in the order in which they were written. */
export async function chunkFiles(
  ...chunks: readonly (readonly [
    ref: number,
    order: 'in order' | 'out of order',
    ...samples: [number, number][],
  ])[]
): Promise<Files> {
  const disk = new MemoryDisk()
  const folder = 'chunks_head'
  const options = { disk, host: new FakeHost(), metrics: new Registry(), folder, fileBytes: 1024 * 1024 }
  const open = await openHeadChunks(options, ignore)
  await open.write(
    chunks.map(([ref, order, ...samples]): HeadChunk => {
      const { minT, maxT, encoding, samples: count, bytes } = chunkOf(samples)
      return { ref, minT, maxT, encoding, outOfOrder: order === 'out of order', samples: count, bytes }
    }),
  )
  return filesIn(disk, folder)
}

/** The series with the numbers 1, 2, … in a log. */
export function seriesRecord(...names: readonly string[]): Uint8Array {
  return encodeSeries(names.map((name, i) => ({ ref: i + 1, labels: series(name) })))
}

export function samplesRecord(
  ...all: readonly (readonly [ref: number, t: number, v: number | 'stale'])[]
): Uint8Array {
  const columns = new SampleColumns()
  for (const [, t, v] of all) {
    float[0] = v === 'stale' ? 0 : v
    if (v === 'stale') columns.add(t, staleBits.high, staleBits.low)
    else columns.add(t, words[1]!, words[0]!)
  }
  return encodeSamples(
    Float64Array.from(all, ([ref]) => ref),
    columns,
  )
}

const float = new Float64Array(1)
const words = new Int32Array(float.buffer)

function ignore(): void {
  // It is new.
}

async function filesIn(disk: Disk, folder: string): Promise<Files> {
  const files: Record<string, Uint8Array> = {}
  for (const name of await disk.list(folder))
    files[`${folder}/${name}`] = await disk.read(`${folder}/${name}`)
  return files
}

/** The files in a folder. */
export function under(folder: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`${folder}/${path}`, bytes]))
}
