import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { stagingSuffix, type Disk } from '../../../../src/engine/disk/disk.ts'
import { staleBits } from '../../../../src/engine/chunks/columns.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { openBlock, type Block } from '../../../../src/engine/tsdb/block/block.ts'
import { ChunkCache } from '../../../../src/engine/tsdb/block/cache.ts'
import { IndexReader, openIndex, type SeriesEntry } from '../../../../src/engine/tsdb/block/indexreader.ts'
import { BlockFile, type BlockShelf } from '../../../../src/engine/tsdb/block/file.ts'
import { isUlid } from '../../../../src/engine/tsdb/block/ulid.ts'
import { Segments } from '../../../../src/engine/tsdb/block/segments.ts'
import { xorCount, XorChunk } from '../../../../src/engine/chunks/xor.ts'
import { compareLabels } from '../../../../src/engine/model/labels.ts'
import { writeBlock, type BlockSpec, type SeriesChunks } from '../../../../src/engine/tsdb/block/writer.ts'
import { series } from '../reading.ts'

/** Path in the block's folder → bytes. */
export type BlockFiles = ReadonlyMap<string, Uint8Array>

/** The only block in a folder of the file system, by its name. */
export function onlyBlock(folder: string): { ulid: string; files: BlockFiles } {
  const [ulid = '', ...others] = readdirSync(folder).filter(isUlid)
  if (others.length > 0) throw new Error(`want one block in ${folder}, have ${others.length + 1}`)
  const paths = readdirSync(join(folder, ulid), { recursive: true }).map(String)
  const files = paths.filter(path => statSync(join(folder, ulid, path)).isFile())
  return { ulid, files: new Map(files.map(path => [path, readFileSync(join(folder, ulid, path))])) }
}

/** A memory disk with one published block. */
export async function diskWith(ulid: string, files: BlockFiles): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const staging = `${ulid}${stagingSuffix}`
  for (const [path, bytes] of files) {
    const file = await disk.create(`${staging}/${path}`)
    await file.write(bytes)
    await file.close()
  }
  await disk.publish([{ from: staging, to: ulid }])
  return disk
}

export function shelfOf(disk: Disk, cacheBytes = 16 * 1024 * 1024): BlockShelf {
  return { disk, cache: new ChunkCache(cacheBytes) }
}

export async function openFiles(ulid: string, files: BlockFiles): Promise<Block> {
  return openBlock(shelfOf(await diskWith(ulid, files)), ulid)
}

/** Copies a block out to the file system. */
export async function copyOut(disk: Disk, ulid: string, folder: string): Promise<void> {
  const block = await openBlock(shelfOf(disk), ulid)
  for (const { path } of block.files) {
    const target = join(folder, ulid, path)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, await disk.read(`${ulid}/${path}`))
  }
}

/** A series of the tests: `[name, { label: value }, [[t, v], …]]`; `perChunk` samples make a chunk. */
export type Made = readonly [
  name: string,
  pairs: Record<string, string>,
  samples: readonly (readonly [number, number | 'stale'])[],
]

export async function* madeSeries(all: readonly Made[], perChunk = 4): AsyncGenerator<SeriesChunks> {
  const built = all.map(([name, pairs, samples]) => ({ labels: series(name, pairs), samples }))
  for (const { labels, samples } of built.sort((a, b) => compareLabels(a.labels, b.labels))) {
    const chunks: SeriesChunks['chunks'][number][] = []
    for (let i = 0; i < samples.length; i += perChunk) chunks.push(chunkOf(samples.slice(i, i + perChunk)))
    yield { labels, chunks }
  }
}

export function chunkOf(
  samples: readonly (readonly [number, number | 'stale'])[],
): SeriesChunks['chunks'][number] {
  const chunk = new XorChunk()
  for (const [t, v] of samples) {
    float[0] = v === 'stale' ? 0 : v
    if (v === 'stale') chunk.append(t, staleBits.high, staleBits.low)
    else chunk.append(t, words[1]!, words[0]!)
  }
  const [minT, maxT] = [samples[0]![0], samples.at(-1)![0]]
  return { minT, maxT, encoding: 1, samples: samples.length, bytes: chunk.encoded() }
}

const float = new Float64Array(1)
const words = new Int32Array(float.buffer)

export const madeUlid = '01JTESTWR1TTENBYVS00000000'

/** A published block of these series on a disk of its own. */
export async function made(
  all: readonly Made[] | AsyncIterable<SeriesChunks>,
  spec: Partial<BlockSpec> = {},
  disk: MemoryDisk = new MemoryDisk(),
): Promise<{ disk: MemoryDisk; ulid: string; files: Map<string, Uint8Array> }> {
  const ulid = spec.ulid ?? madeUlid
  const source = Symbol.asyncIterator in all ? all : madeSeries(all)
  await writeBlock(disk, { minT: 0, maxT: 1e6, ...spec, ulid }, source)
  await disk.publish([{ from: `${ulid}${stagingSuffix}`, to: ulid }])
  const { files } = await openBlock(shelfOf(disk), ulid)
  const read = files.map(async ({ path }) => [path, await disk.read(`${ulid}/${path}`)] as const)
  return { disk, ulid, files: new Map(await Promise.all(read)) }
}

/** Fails with the place of the first difference: Vitest takes seconds to compare large arrays. */
export function expectSameBytes(found: Uint8Array, wanted: Uint8Array): void {
  const n = Math.max(found.length, wanted.length)
  let i = 0
  while (i < n && found[i] === wanted[i]) i++
  expect(i, `first difference of ${found.length} and ${wanted.length} bytes`).toBe(n)
}

/** A block's parts as its own readers give them. */
export async function partsOf(
  disk: Disk,
  folder: string,
): Promise<{ index: IndexReader; segments: Segments }> {
  const shelf = shelfOf(disk)
  const open = async (path: string) => new BlockFile(shelf, path, await disk.size(path))
  const index = await openIndex(await open(`${folder}/index`))
  const names = await disk.list(`${folder}/chunks`)
  const files = await Promise.all(names.map(name => open(`${folder}/chunks/${name}`)))
  const segments = new Segments(`${folder}/chunks`, new Map(files.map((file, i) => [i, file])))
  return { index, segments }
}

export async function allSeries(index: IndexReader): Promise<SeriesEntry[]> {
  return index.series(await index.all())
}

/** The whole block again, as `writeBlock` takes it. */
export async function* rawSeries(disk: Disk, folder: string): AsyncGenerator<SeriesChunks> {
  const { index, segments } = await partsOf(disk, folder)
  for (const { labels, chunks } of await allSeries(index)) {
    const raw: SeriesChunks['chunks'][number][] = []
    await segments.read(
      chunks.map(chunk => chunk.ref),
      (i, { encoding, data }) => {
        const bytes = data.slice()
        raw.push({ ...chunks[i]!, encoding, samples: xorCount(bytes), bytes })
        return true
      },
    )
    yield { labels, chunks: raw }
  }
}
