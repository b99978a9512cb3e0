import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeXor, xorCount, XorChunk } from '../../../../src/engine/chunks/xor.ts'
import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { stagingSuffix } from '../../../../src/engine/disk/disk.ts'
import type { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { formatLabels, labelsFrom } from '../../../../src/engine/model/labels.ts'
import { matcher } from '../../../../src/engine/model/matcher.ts'
import { openBlock } from '../../../../src/engine/tsdb/block/block.ts'
import { saveTombstones } from '../../../../src/engine/tsdb/block/deletion.ts'
import { parseMeta } from '../../../../src/engine/tsdb/block/meta.ts'
import { Pace } from '../../../../src/engine/tsdb/block/pace.ts'
import { parseTombstones } from '../../../../src/engine/tsdb/block/tombstones.ts'
import { writeBlock } from '../../../../src/engine/tsdb/block/writer.ts'
import { createBlocks, firstSlotSeconds } from '../../../blocks.ts'
import { peer, startPrometheus } from '../../../peers.ts'
import { everything } from '../reading.ts'
import {
  copyOut,
  diskWith,
  expectSameBytes,
  onlyBlock,
  openFiles,
  partsOf,
  rawSeries,
  shelfOf,
  type BlockFiles,
} from './blockdisk.ts'

// Blocks against a real Prometheus, in both directions.

const promtool = peer('promtool')
const prometheus = peer('prometheus')
const ours = '01JTESTWR1TTENBYVS00000000'

describe.skipIf(promtool.missing)(`a block that ${promtool.name} made`, () => {
  let ulid: string
  let files: BlockFiles
  let disk: MemoryDisk

  beforeAll(async () => {
    ;({ ulid, files } = onlyBlock(await createBlocks()))
    disk = await diskWith(ulid, files)
    const meta = parseMeta(files.get('meta.json')!)
    const spec = { ulid: ours, minT: meta.minTime, maxT: meta.maxTime }
    await writeBlock(disk, spec, rawSeries(disk, ulid))
    await disk.publish([{ from: `${ours}${stagingSuffix}`, to: ours }])
  })

  test('passes the check, and its meta.json says what is in it', async () => {
    const block = await openBlock(shelfOf(disk), ulid)
    const told: number[] = []
    await block.verify(done => told.push(done))
    expect(told.at(-1)).toBe(block.bytes)
    expect(block.meta.stats).toEqual({ numSamples: 96_000, numSeries: 200, numChunks: 800 })
    expect(block.files.map(file => file.path)).toEqual(['meta.json', 'index', 'chunks/000001', 'tombstones'])
  })

  test('has chunks that are encoded to the same bytes again', async () => {
    let chunks = 0
    for await (const series of rawSeries(disk, ulid)) {
      for (const { bytes } of series.chunks) {
        const again = encodedAgain(bytes)
        expectSameBytes(again, withoutSpareByte(bytes, again.length))
        chunks++
      }
    }
    expect(chunks).toBe(800)
  })

  test('written again, has the same bytes in every section of the index and in every segment', async () => {
    for (const path of ['chunks/000001', 'tombstones']) {
      expectSameBytes(await disk.read(`${ours}/${path}`), await disk.read(`${ulid}/${path}`))
    }
    const [written, theirs] = [await sectionsOf(disk, ours), await sectionsOf(disk, ulid)]
    for (const section of ['symbols', 'series', 'postings'] as const) {
      expectSameBytes(written[section], theirs[section])
    }
    expect(written.table).toEqual(theirs.table)
    expect(written.table.length).toBe(45)
  })

  test.skipIf(prometheus.missing)(
    `and one written by us, give the samples that ${prometheus.name} finds`,
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'brazier-block-'))
      try {
        await copyOut(disk, ours, folder)
        const run = (...args: string[]) =>
          execFileSync(promtool.path(), ['tsdb', ...args], { encoding: 'utf8' })
        expect(run('list', folder)).toMatch(
          new RegExp(`${ours} +1699920001059 +1699927199178 .* 96000 +800 +200`),
        )
        expect(run('analyze', folder)).toMatch(/Series: +200/)

        const block = await openBlock(shelfOf(disk), ours)
        const running = await startPrometheus({ dataDir: folder })
        try {
          const theirs = await rawSamples(running.url, firstSlotSeconds + 7200)
          expect(Object.keys(theirs)).toHaveLength(200)
          expect(await everything(block.querier())).toEqual(theirs)
          const narrow = [
            matcher('job', '=~', 'api|db'),
            matcher('method', '!=', 'GET'),
            matcher('le', '=', ''),
          ]
          const some = await everything(block.querier(), narrow)
          expect(Object.keys(some)).toHaveLength(75)
          for (const [key, samples] of Object.entries(some)) expect(samples).toBe(theirs[key])
          expect(running.log()).not.toMatch(/corrupt|level=(warn|error)/i)
        } finally {
          await running.stop()
        }
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  )
})

/** What is deleted: selector, first and last second. */
const deletions = [
  ['{__name__="up",job="api"}', 0, 2_000_000_000],
  ['{job="web"}', 1_699_922_000, 1_699_923_000.5],
  ['{job="web"}', 1_699_922_500, 1_699_924_000],
  ['{job="web"}', 1_699_926_000, 1_699_926_000],
  ['{__name__="request_seconds_bucket",job="api"}', 1_699_922_000, 1_699_923_000],
] as const

describe.skipIf(prometheus.missing || promtool.missing)(`deleting, as ${prometheus.name} does`, () => {
  let folder: string
  let made: { ulid: string; files: BlockFiles }
  let theirs: { files: BlockFiles; left: Record<string, string> }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'brazier-block-'))
    made = onlyBlock(await createBlocks({ instances: 2 }))
    await copyOut(await diskWith(made.ulid, made.files), made.ulid, join(folder, 'theirs'))
    const flags = ['--web.enable-admin-api']
    const running = await startPrometheus({ dataDir: join(folder, 'theirs'), flags })
    try {
      for (const [match, start, end] of deletions) {
        const query = new URLSearchParams({ 'match[]': match, start: String(start), end: String(end) })
        const url = `${running.url}/api/v1/admin/tsdb/delete_series?${query.toString()}`
        expect((await fetch(url, { method: 'POST' })).status).toBe(204)
      }
      const left = await rawSamples(running.url, firstSlotSeconds + 7200)
      theirs = { files: new Map(), left }
    } finally {
      await running.stop()
    }
    theirs = { ...theirs, files: onlyBlock(join(folder, 'theirs')).files }
  }, 60_000)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('what it deleted does not show here', async () => {
    expect(theirs.files.get('tombstones')!.length).toBeGreaterThan(100)
    const block = await openFiles(made.ulid, theirs.files)
    expect(await everything(block.querier())).toEqual(theirs.left)
    expect(Object.keys(theirs.left)).toHaveLength(49)
    await block.verify()
  })

  test('the same deleted here leaves the same tombstones and meta.json, and it finds what is left', async () => {
    const { ulid, files } = made
    const disk = await diskWith(ulid, files)
    for (const [match, start, end] of deletions) {
      const matchers = [...match.matchAll(/(\w+)="(\w+)"/g)].map(([, name, value]) =>
        matcher(name!, '=', value!),
      )
      const block = await openBlock(shelfOf(disk), ulid)
      const range = { minT: start * 1000, maxT: end * 1000 }
      const stones = (await block.deletion(matchers, range, Pace.hurried))!
      expect(await saveTombstones(disk, block.meta, stones)).toBe(true)
    }
    const parsed = (bytes: Uint8Array) => [...parseTombstones('t', bytes).each()]
    const stones = parsed(await disk.read(`${ulid}/tombstones`))
    expect(stones).toEqual(parsed(theirs.files.get('tombstones')!))
    expect(parseMeta(await disk.read(`${ulid}/meta.json`))).toEqual(parseMeta(theirs.files.get('meta.json')!))
    expect(stones.length).toBeGreaterThan(30)

    const back = join(folder, 'ours')
    await copyOut(disk, ulid, back)
    const running = await startPrometheus({ dataDir: back })
    try {
      expect(await rawSamples(running.url, firstSlotSeconds + 7200)).toEqual(theirs.left)
      expect(running.log()).not.toMatch(/corrupt|level=(warn|error)/i)
    } finally {
      await running.stop()
    }
  })
})

function encodedAgain(bytes: Uint8Array): Uint8Array {
  const columns = new SampleColumns()
  decodeXor(bytes, xorCount(bytes), columns)
  const chunk = new XorChunk()
  for (let i = 0; i < columns.count; i++) {
    chunk.append(columns.t[i]!, columns.bits[2 * i + 1]!, columns.bits[2 * i]!)
  }
  return chunk.encoded()
}

/** Prometheus before 3.0 ends a chunk whose last bit ends a byte with one more byte (upstream's #14854). */
function withoutSpareByte(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.length === length + 1 && bytes.at(-1) === 0 ? bytes.subarray(0, length) : bytes
}

/** The sections of an index; offsets of postings count from the first list, since older writers put label indices in
 *  front of it. */
async function sectionsOf(disk: MemoryDisk, folder: string) {
  const { index } = await partsOf(disk, folder)
  const bytes = await disk.read(`${folder}/index`)
  const { toc } = index
  const lists = [...index.table.lists()]
  const first = Math.min(...lists.map(list => list.offset))
  const endOfPostings = Math.max(...lists.map(list => list.offset))
  const lastLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(endOfPostings) + 8
  return {
    symbols: bytes.slice(toc.symbols, toc.series),
    series: bytes.slice(toc.series, toc.labelIndices),
    postings: bytes.slice(first, endOfPostings + lastLength),
    table: lists.map(({ name, value, offset }) => `${name}=${value} ${offset - first}`),
  }
}

/** Every series with its samples, as `everything` writes them. */
async function rawSamples(url: string, time: number): Promise<Record<string, string>> {
  const query = new URLSearchParams({ query: '{__name__=~".+"}[3h]', time: String(time) })
  const response = await fetch(`${url}/api/v1/query?${query.toString()}`)
  const { data } = (await response.json()) as {
    data: { result: { metric: Record<string, string>; values: [number, string][] }[] }
  }
  const found = data.result.map(({ metric, values }) => {
    const samples = values.map(([t, v]) => `${Math.round(t * 1000)}:${numberText(v)}`)
    return [formatLabels(labelsFrom(Object.entries(metric))), samples.join(' ')]
  })
  return Object.fromEntries(found) as Record<string, string>
}

function numberText(text: string): string {
  if (text.endsWith('Inf')) return text.startsWith('-') ? '-Infinity' : 'Infinity'
  return text === 'NaN' || text === '-0' ? text : String(Number(text))
}
