import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Disk } from '../../../../src/engine/disk/disk.ts'
import type { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { valueOf } from '../../../../src/engine/model/labels.ts'
import { openBlock } from '../../../../src/engine/tsdb/block/block.ts'
import { parseMeta, type BlockMeta } from '../../../../src/engine/tsdb/block/meta.ts'
import { formatTombstones, Tombstones } from '../../../../src/engine/tsdb/block/tombstones.ts'
import { isUlid } from '../../../../src/engine/tsdb/block/ulid.ts'
import { plan, ranges } from '../../../../src/engine/tsdb/compact/plan.ts'
import { createBlocks, firstSlotSeconds } from '../../../blocks.ts'
import { peer, startPrometheus } from '../../../peers.ts'
import { allSeries, copyOut, expectSameBytes, made, partsOf, shelfOf } from '../block/blockdisk.ts'
import { mixedEverything, mixedSeries, type Kind, type Point } from '../mixed.ts'
import { chunksOf, compactAll, copyBlocks, diskOf } from './compacting.ts'

// The same blocks, compacted here and by a real Prometheus.

const promtool = peer('promtool')
const prometheus = peer('prometheus')
const hourMs = 3_600_000
const start = firstSlotSeconds * 1000
const limits = ranges({ retentionMs: 100 * 365 * 24 * hourMs })

/** Starts Prometheus on a folder of blocks and waits until it has compacted all that can be. It looks only when its
 *  head has more than three hours, so it is given two samples that are four hours apart. */
async function letCompact(dataDir: string, flags: readonly string[]): Promise<string> {
  const times = [12, 16].map(hours => String(start + hours * hourMs))
  const target = createServer((_, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(times.map((t, i) => `late_${i} 1 ${t}\n`).join(''))
  })
  await new Promise<void>(resolve => target.listen(0, '127.0.0.1', resolve))
  const { port } = target.address() as AddressInfo
  const config = `
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs: [{ job_name: late, static_configs: [{ targets: ['127.0.0.1:${port}'] }] }]
`
  const running = await startPrometheus({ config, dataDir, flags })
  try {
    // While blocks come and go, looking at them may fail.
    await vi.waitFor(() => expect(settled(dataDir)).toBe(true), { timeout: 60_000, interval: 200 })
    return running.log()
  } finally {
    await running.stop()
    target.close()
  }
}

/** There is what it made of the two samples, and nothing more to plan. */
function settled(folder: string): boolean {
  const metas = metasIn(folder)
  return (
    metas.some(meta => meta.minTime === start + 16 * hourMs) && plan(metas, { ranges: limits }).length === 0
  )
}

function metasIn(folder: string): BlockMeta[] {
  return readdirSync(folder)
    .filter(isUlid)
    .map(ulid => parseMeta(readFileSync(join(folder, ulid, 'meta.json'))))
    .sort(byTime)
}

function byTime(a: BlockMeta, b: BlockMeta): number {
  return a.minTime - b.minTime
}

/** What both made of the same blocks. */
interface Outcome {
  readonly folder: string
  readonly log: string
  readonly theirs: { readonly disk: MemoryDisk; readonly metas: readonly BlockMeta[] }
  readonly ours: { readonly disk: MemoryDisk; readonly metas: readonly BlockMeta[] }
}

async function bothCompact(
  prepare: (folder: string) => Promise<void>,
  flags: readonly string[] = [],
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'brazier-compact-'))
  const [before, after] = [join(folder, 'before'), join(folder, 'after')]
  mkdirSync(before)
  await prepare(before)
  copyBlocks(before, after)
  const log = await letCompact(after, flags)
  // We begin with what it made of its head, too.
  for (const { ulid, minTime } of metasIn(after)) {
    if (minTime >= start + 12 * hourMs) cpSync(join(after, ulid), join(before, ulid), { recursive: true })
  }
  const disk = await diskOf(before)
  const metas = await compactAll(disk, limits)
  return {
    folder,
    log,
    theirs: { disk: await diskOf(after), metas: metasIn(after) },
    ours: { disk, metas: metas.sort(byTime) },
  }
}

/** All that a meta.json says, but for names that chance gave. */
function comparable({ minTime, maxTime, stats, compaction }: BlockMeta) {
  const { level, sources, parents = [] } = compaction
  const { numSamples, numSeries, numChunks } = stats
  const ranges = parents.map(parent => `${parent.minTime}-${parent.maxTime}`)
  return { minTime, maxTime, numSamples, numSeries, numChunks, level, sources, parents: ranges }
}

describe.skipIf(prometheus.missing || promtool.missing)(`compacted by ${prometheus.name}`, () => {
  let inARow: Outcome
  let overlapping: Outcome
  let histograms: Outcome

  beforeAll(async () => {
    const row = await createBlocks({ hours: 10, instances: 3 })
    const apart = await createBlocks({ hours: 6, instances: 3 })
    // Other samples of series that are there, and series that are not.
    const others = { startSeconds: firstSlotSeconds + 2 * 3600, instances: 4, seed: 2, stepSeconds: 25 }
    const across = await createBlocks(others)
    // Some of the chunks of the first block once more.
    const again = await createBlocks({ hours: 2, instances: 1 })
    // Prometheus waits for five seconds before it scrapes what it is told to.
    ;[inARow, overlapping, histograms] = await Promise.all([
      bothCompact(folder => {
        copyBlocks(row, folder)
        return Promise.resolve()
      }),
      bothCompact(folder => {
        for (const blocks of [apart, across, again]) copyBlocks(blocks, folder)
        return deleteSome(folder)
      }),
      bothCompact(writeHistograms, ['--enable-feature=native-histograms']),
    ])
  }, 120_000)

  afterAll(() => {
    for (const { folder } of [inARow, overlapping, histograms])
      rmSync(folder, { recursive: true, force: true })
  })

  test('blocks in a row become the same blocks here', () => {
    const { theirs, ours } = inARow
    expect(ours.metas.map(comparable)).toEqual(theirs.metas.map(comparable))
    // Three of five became one, and that with the other two another one.
    const levels = ours.metas.map(({ compaction }) => [compaction.level, compaction.sources.length])
    expect(levels).toEqual([
      [3, 5],
      [1, 1],
      [1, 1],
    ])
  })

  test('they have the same bytes in symbols, series, postings and chunks', async () => {
    const { theirs, ours } = inARow
    const [a, b] = [ours.metas[0]!.ulid, theirs.metas[0]!.ulid]
    const segment = (disk: Disk, ulid: string) => disk.read(`${ulid}/chunks/000001`)
    expectSameBytes(await segment(ours.disk, a), await segment(theirs.disk, b))
    const [written, wanted] = [await sectionsOf(ours.disk, a), await sectionsOf(theirs.disk, b)]
    expectSameBytes(written.symbols, wanted.symbols)
    expectSameBytes(written.series, wanted.series)
    expectSameBytes(written.postings, wanted.postings)
    expect(written.table).toEqual(wanted.table)
    expect(written.table.length).toBeGreaterThan(30)
  })

  test('blocks that overlap, and of which some was deleted, become the same blocks here', () => {
    const { theirs, ours } = overlapping
    expect(ours.metas.map(comparable)).toEqual(theirs.metas.map(comparable))
    expect(ours.metas).toHaveLength(3)
  })

  test('they have the same samples in the same chunks', async () => {
    const { theirs, ours } = overlapping
    for (const [i, { ulid }] of ours.metas.entries()) {
      const [found, wanted] = [
        await chunksOf(ours.disk, ulid),
        await chunksOf(theirs.disk, theirs.metas[i]!.ulid),
      ]
      expect(Object.keys(found)).toEqual(Object.keys(wanted))
      for (const [series, chunks] of Object.entries(found)) expect(chunks, series).toEqual(wanted[series])
    }
  })

  test('they are accepted when they come back, and nothing is missing', async () => {
    const { folder, ours } = overlapping
    const back = join(folder, 'back')
    for (const { ulid } of ours.metas) await copyOut(ours.disk, ulid, back)
    const list = execFileSync(promtool.path(), ['tsdb', 'list', back], { encoding: 'utf8' })
    for (const { ulid } of ours.metas) expect(list).toContain(ulid)
    const analyzed = execFileSync(promtool.path(), ['tsdb', 'analyze', back, ours.metas[0]!.ulid], {
      encoding: 'utf8',
    })
    expect(analyzed).toMatch(new RegExp(`Series: +${ours.metas[0]!.stats.numSeries}\\b`))
    const answers = await answersOf(back)
    expect(answers.log).not.toMatch(/corrupt|level=(warn|error)/i)
    expect(answers.matrix).toEqual((await answersOf(join(folder, 'after'))).matrix)
    expect(answers.matrix.length).toBe(ours.metas[0]!.stats.numSeries)
  })

  test('histograms that overlap, among each other and with floats, become the same blocks here', async () => {
    const { theirs, ours } = histograms
    const shape = ({ minTime, maxTime, stats, compaction }: BlockMeta) => {
      const { numSamples, numSeries } = stats
      return { minTime, maxTime, numSamples, numSeries, level: compaction.level }
    }
    expect(ours.metas.map(shape)).toEqual(theirs.metas.map(shape))
    const [ulid, other] = [ours.metas[0]!.ulid, theirs.metas[0]!.ulid]
    const read = async (disk: Disk, folder: string) =>
      mixedEverything((await openBlock(shelfOf(disk), folder)).querier())
    const found = await read(ours.disk, ulid)
    expect(Object.keys(found)).toEqual(['both', 'floats', 'fractions', 'integers'])
    expect(found).toEqual(await read(theirs.disk, other))
  })

  test('histograms that were merged here are found by it', async () => {
    const { folder, ours } = histograms
    const back = join(folder, 'back')
    for (const { ulid } of ours.metas) await copyOut(ours.disk, ulid, back)
    const answers = await steppedAnswers(back)
    expect(answers.log).not.toMatch(/corrupt|level=(warn|error)/i)
    expect(answers.matrix).toEqual((await steppedAnswers(join(folder, 'after'))).matrix)
    expect(answers.matrix.length).toBe(4)
  })
})

/** Three blocks of the same two hours, whose series take turns: each has samples between those of the others. Counts go on
 *  ascending, and buckets stay the same, because 2.42 does not look whether what it merges fits into one chunk. */
async function writeHistograms(folder: string): Promise<void> {
  const slots = Array.from({ length: 400 }, (_, i) => i)
  const row = (block: number, kind: (slot: number) => Kind): Point[] =>
    slots.map(slot => [start + slot * 15_000 + block * 4000, kind(slot), 10 + slot * 3 + block])
  for (const block of [0, 1, 2]) {
    const all = {
      integers: row(block, () => 'int'),
      fractions: row(block, () => 'frac'),
      floats: row(block, slot => (slot % 100 === 99 ? 'stale' : 'float')),
      both: row(block, slot => (Math.floor(slot / 50) % 2 === 0 ? 'int' : 'float')),
    }
    const spec = {
      ulid: `01HH1ST0GRAM${String(block).padStart(14, '0')}`,
      minT: start,
      maxT: start + 2 * hourMs,
    }
    const { disk, ulid } = await made(mixedSeries(all, 120), spec)
    await copyOut(disk, ulid, folder)
  }
}

/** What a Prometheus finds of the first two hours, 41 seconds apart. */
async function steppedAnswers(dataDir: string): Promise<{ matrix: unknown[]; log: string }> {
  const flags = ['--enable-feature=native-histograms']
  const running = await startPrometheus({ dataDir, flags })
  try {
    const query = new URLSearchParams({
      ...{ query: '{__name__=~"integers|fractions|floats|both"}', step: '41' },
      ...{ start: String(firstSlotSeconds), end: String(firstSlotSeconds + 7200) },
    })
    const response = await fetch(`${running.url}/api/v1/query_range?${query.toString()}`)
    const { data } = (await response.json()) as { data: { result: unknown[] } }
    return { matrix: data.result, log: running.log() }
  } finally {
    await running.stop()
  }
}

/** Writes tombstones into every block: of one series all, of some the middle, of some an interval without samples. */
async function deleteSome(folder: string): Promise<void> {
  const disk = await diskOf(folder)
  for (const { ulid, minTime, maxTime } of metasIn(folder)) {
    const { index } = await partsOf(disk, ulid)
    const third = Math.floor((maxTime - minTime) / 3)
    const stones = new Map<number, { minT: number; maxT: number }[]>()
    for (const { ref, labels } of await allSeries(index)) {
      const name = valueOf(labels, '__name__')
      if (name === 'up') stones.set(ref, [{ minT: minTime + third, maxT: minTime + 2 * third }])
      if (name === 'queue_length') stones.set(ref, [{ minT: -1e15, maxT: 1e15 }])
      if (name === 'load')
        stones.set(ref, [
          { minT: minTime + third, maxT: minTime + third },
          { minT: minTime, maxT: minTime + 60_000 },
        ])
    }
    expect(stones.size).toBeGreaterThan(3)
    writeFileSync(join(folder, ulid, 'tombstones'), formatTombstones(Tombstones.of(stones)))
  }
}

/** Every sample of the first six hours, as Prometheus finds them. */
async function answersOf(dataDir: string): Promise<{ matrix: unknown[]; log: string }> {
  const running = await startPrometheus({ dataDir })
  try {
    const query = new URLSearchParams({
      query: '{__name__=~".+"}[7h]',
      time: String(firstSlotSeconds + 7 * 3600),
    })
    const response = await fetch(`${running.url}/api/v1/query?${query.toString()}`)
    const { data } = (await response.json()) as { data: { result: unknown[] } }
    return { matrix: data.result, log: running.log() }
  } finally {
    await running.stop()
  }
}

/** The sections of an index; offsets of postings count from the first list, since older writers put label indices in
 *  front of it. */
async function sectionsOf(disk: Disk, folder: string) {
  const { index } = await partsOf(disk, folder)
  const bytes = await disk.read(`${folder}/index`)
  const lists = [...index.table.lists()]
  const first = Math.min(...lists.map(list => list.offset))
  const last = Math.max(...lists.map(list => list.offset))
  const lastLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(last) + 8
  return {
    symbols: bytes.slice(index.toc.symbols, index.toc.series),
    series: bytes.slice(index.toc.series, index.toc.labelIndices),
    postings: bytes.slice(first, last + lastLength),
    table: lists.map(({ name, value, offset }) => `${name}=${value} ${offset - first}`),
  }
}
