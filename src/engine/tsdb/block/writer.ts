import { stagingSuffix, type Disk } from '../../disk/disk.ts'
import { assert } from '../../model/errors.ts'
import type { Labels } from '../../model/labels.ts'
import { hasFloats } from '../../chunks/decode.ts'
import { xorCount } from '../../chunks/xor.ts'
import { IndexWriter } from './indexwriter.ts'
import { formatMeta, type BlockMeta } from './meta.ts'
import { writeFile } from './output.ts'
import { Pace } from './pace.ts'
import { SegmentWriter } from './segmentwriter.ts'
import { formatTombstones, Tombstones } from './tombstones.ts'

/** A series of a block that is being written. */
export interface SeriesChunks {
  readonly labels: Labels
  /** In the order of their times, apart from each other. */
  readonly chunks: readonly {
    /** Times of the first and the last sample. */
    readonly minT: number
    readonly maxT: number
    readonly encoding: number
    readonly samples: number
    readonly bytes: Uint8Array
  }[]
}

export interface BlockSpec {
  readonly ulid: string
  /** Milliseconds; every sample lies in [minT, maxT). */
  readonly minT: number
  readonly maxT: number
  /** Of a block that is made of others. One that is not has level 1, and itself as its source. */
  readonly compaction?: BlockMeta['compaction']
}

/** Writes a block with these series, which come in label order, into a staging folder that the caller publishes;
 *  what Prometheus writes for the same chunks, byte for byte. Nothing is left when it rejects. A series without
 *  chunks is left out.
 *  @param pace lets others run every few milliseconds; without it they wait for the disk alone
 *  @throws DiskFullError, or what ends the pace */
export async function writeBlock(
  disk: Disk,
  spec: BlockSpec,
  series: AsyncIterable<SeriesChunks>,
  pace: Pace = Pace.hurried,
): Promise<BlockMeta> {
  const folder = `${spec.ulid}${stagingSuffix}`
  const segments = new SegmentWriter(disk, `${folder}/chunks`)
  try {
    const index = new IndexWriter()
    const totals = { series: 0, chunks: 0, floats: 0, histograms: 0 }
    for await (const one of series) {
      pace.check()
      if (pace.due) await pace.pause()
      if (one.chunks.length === 0) continue
      checkChunks(one, spec)
      const refs = segments.add(one.chunks)
      addSeries(one, refs instanceof Promise ? await refs : refs, index, totals)
    }
    await segments.close()
    const meta = metaOf(spec, totals)
    await writeFile(disk, `${folder}/index`, out => index.write(out, pace))
    await writeFile(disk, `${folder}/tombstones`, out => out.put(formatTombstones(Tombstones.of([]))))
    await writeFile(disk, `${folder}/meta.json`, out => out.put(formatMeta(meta)))
    return meta
  } catch (error) {
    await segments.abort()
    await disk.removeFolder(folder)
    throw error
  }
}

interface Totals {
  series: number
  chunks: number
  floats: number
  histograms: number
}

function checkChunks({ chunks }: SeriesChunks, { minT, maxT }: BlockSpec): void {
  for (const chunk of chunks) {
    assert(
      chunk.minT >= minT && chunk.maxT < maxT,
      `chunk ${chunk.minT} … ${chunk.maxT} is outside its block`,
    )
    // Every encoding begins with it.
    assert(chunk.samples === xorCount(chunk.bytes), 'sample count')
  }
}

function addSeries(
  { labels, chunks }: SeriesChunks,
  refs: readonly number[],
  index: IndexWriter,
  totals: Totals,
): void {
  index.add(
    labels,
    chunks.map(({ minT, maxT }, i) => ({ minT, maxT, ref: refs[i] as number })),
  )
  totals.series++
  totals.chunks += chunks.length
  for (const { encoding, samples } of chunks) {
    if (hasFloats(encoding)) totals.floats += samples
    else totals.histograms += samples
  }
}

function metaOf({ ulid, minT, maxT, compaction }: BlockSpec, totals: Totals): BlockMeta {
  return {
    ulid,
    minTime: minT,
    maxTime: maxT,
    stats: {
      numSamples: totals.floats + totals.histograms,
      numFloatSamples: totals.floats,
      numHistogramSamples: totals.histograms,
      numSeries: totals.series,
      numChunks: totals.chunks,
    },
    compaction: compaction ?? { level: 1, sources: [ulid] },
    version: 1,
  }
}
