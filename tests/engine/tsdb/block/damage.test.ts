import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { CorruptionError } from '../../../../src/engine/bytes/corruption.ts'
import { crc32c } from '../../../../src/engine/bytes/crc32c.ts'
import { ByteReader } from '../../../../src/engine/bytes/reader.ts'
import { ByteWriter } from '../../../../src/engine/bytes/writer.ts'
import { NotFoundError } from '../../../../src/engine/disk/disk.ts'
import { matcher } from '../../../../src/engine/model/matcher.ts'
import type { Block } from '../../../../src/engine/tsdb/block/block.ts'
import { chunkSize } from '../../../../src/engine/tsdb/block/segments.ts'
import {
  seriesSize,
  type IndexReader,
  type SeriesEntry,
} from '../../../../src/engine/tsdb/block/indexreader.ts'
import { everything } from '../reading.ts'
import { allSeries, made, openFiles, partsOf, type BlockFiles, type Made } from './blockdisk.ts'

// What damage does: it is told with its place, and nothing else is lost by it.

let ulid: string
let files: BlockFiles
let answers: Record<string, string>
let index: IndexReader
let entries: SeriesEntry[]

const count = 12

beforeAll(async () => {
  const all = Array.from({ length: count }, (_, i): Made => {
    const samples = Array.from({ length: 10 }, (_, k) => [k * 1000 + i, Math.sin(i + k)] as const)
    return [`metric_${i % 3}`, { id: String(i), zone: ['Zürich', '東京', '😀'][i % 3]! }, samples]
  })
  const built = await made(all)
  ;({ ulid, files } = built)
  answers = await everything((await openFiles(ulid, files)).querier())
  ;({ index } = await partsOf(built.disk, ulid))
  entries = await allSeries(index)
  expect(Object.keys(answers)).toHaveLength(count)
})

/** Each series by its id: its samples, or the error that it gives. */
async function oneByOne(block: Block): Promise<Map<string, Record<string, string> | Error>> {
  const found = new Map<string, Record<string, string> | Error>()
  for (let i = 0; i < count; i++) {
    const answer = everything(block.querier(), [matcher('id', '=', String(i))])
    found.set(String(i), await answer.catch((error: unknown) => error as Error))
  }
  return found
}

function expectPlace(error: unknown, path = ulid): void {
  expect(error).toBeInstanceOf(CorruptionError)
  expect((error as Error).message).toContain(path)
  expect((error as Error).message).toMatch(/ at byte \d+$/)
}

/** Nothing that is answered is wrong; answers the ids of the series that cannot be read. */
async function expectRest(block: Block): Promise<string[]> {
  const lost: string[] = []
  for (const [id, found] of await oneByOne(block)) {
    if (found instanceof Error) {
      expectPlace(found)
      lost.push(id)
      continue
    }
    const [[key, samples] = ['', '']] = Object.entries(found)
    expect(key).toContain(`id="${id}"`)
    expect(samples).toBe(answers[key])
  }
  return lost
}

function changed(path: string, change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): BlockFiles {
  return new Map(files).set(path, change(new Uint8Array(files.get(path)!)))
}

function flipped(path: string, at: number, mask: number): BlockFiles {
  return changed(path, bytes => {
    bytes[at]! ^= mask
    return bytes
  })
}

const paths = ['meta.json', 'index', 'chunks/000001', 'tombstones'] as const
const place = fc.record({
  path: fc.constantFrom(...paths),
  where: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  mask: fc.integer({ min: 1, max: 255 }),
})

/** Without it nobody knows what the file is. */
function isSegmentHeader(path: string, at: number): boolean {
  return path === 'chunks/000001' && at < 5
}

/** Bytes that nothing reads: what fills up to alignment. */
function isPadding(path: string, at: number): boolean {
  if (path === 'chunks/000001') return at >= 5 && at < 8
  if (path !== 'index') return false
  const first = Math.min(...[...index.table.lists()].map(list => list.offset))
  if (at < index.toc.series || at >= first) return false
  const bytes = files.get('index')!
  return !entries.some(({ ref }) => {
    const start = index.offsetOf(ref)
    return at >= start && at < start + seriesSize(new ByteReader(bytes.subarray(start)))
  })
}

describe('one changed byte', () => {
  test('is told with its place, and takes no more than one series away', async () => {
    await fc.assert(
      fc.asyncProperty(place, async ({ path, where, mask }) => {
        const at = Math.floor(where * files.get(path)!.length)
        const opened = await openFiles(ulid, flipped(path, at, mask)).catch(
          (error: unknown) => error as Error,
        )
        if (opened instanceof Error) {
          expectPlace(opened, `${ulid}/${path}`)
          return
        }
        const lost = await expectRest(opened)
        if (!isSegmentHeader(path, at)) expect(lost.length).toBeLessThanOrEqual(1)
        const verdict = await opened.verify().then(
          () => null,
          (error: unknown) => error,
        )
        if (verdict !== null) {
          expectPlace(verdict)
          return
        }
        // Numbers in meta.json have no checksum.
        expect(path === 'meta.json' || isPadding(path, at)).toBe(true)
        expect(await everything(opened.querier())).toEqual(answers)
      }),
      { numRuns: 400 },
    )
  })

  test.each(paths.filter(path => path !== 'meta.json'))('anywhere in %s is found', async path => {
    const { length } = files.get(path)!
    for (let at = 0; at < length; at += path === 'index' ? 7 : 3) {
      if (isPadding(path, at)) continue
      const check = openFiles(ulid, flipped(path, at, 0x10)).then(block => block.verify())
      await expect(check, `byte ${at}`).rejects.toThrow(`${ulid}/${path}`)
    }
  })
})

describe('a file that ends early', () => {
  test('is told with the place where it ends, and gives what lies in front of it', async () => {
    await fc.assert(
      fc.asyncProperty(place, async ({ path, where }) => {
        const size = Math.floor(where * files.get(path)!.length)
        const torn = changed(path, bytes => bytes.slice(0, size))
        const opened = await openFiles(ulid, torn).catch((error: unknown) => error as Error)
        if (opened instanceof Error) {
          expectPlace(opened, `${ulid}/${path}`)
          return
        }
        expect(path).toBe('chunks/000001')
        const whole = size < 8 ? [] : entries.filter(entry => endOf(entry) <= size)
        const lost = await expectRest(opened)
        expect(lost).toHaveLength(count - whole.length)
        await expect(opened.verify()).rejects.toThrow(CorruptionError)
      }),
      { numRuns: 200 },
    )
  })

  test.each(['meta.json', 'index'])('or is not there at all: %s', async path => {
    const without = new Map(files)
    without.delete(path)
    await expect(openFiles(ulid, without)).rejects.toThrow(NotFoundError)
  })

  test('or is not there at all: a segment', async () => {
    const without = new Map(files)
    without.delete('chunks/000001')
    const block = await openFiles(ulid, without)
    await expect(everything(block.querier())).rejects.toThrow(
      `${ulid}/chunks/000001: want a chunk segment, have no such file`,
    )
    await expect(block.verify()).rejects.toThrow(
      `${ulid}/index: want a chunk in segments (none), have segment 1`,
    )
  })
})

function endOf({ chunks }: SeriesEntry): number {
  const last = chunks.at(-1)!.ref
  return last + chunkSize(new ByteReader(files.get('chunks/000001')!.subarray(last)))
}

describe('bytes of somebody who can compute checksums', () => {
  /** A stretch that a checksum follows: [from, to). */
  type Sealed = readonly [path: string, from: number, to: number]

  function sealed(): Sealed[] {
    const bytes = files.get('index')!
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const section = (at: number): Sealed => ['index', at + 4, at + 4 + view.getUint32(at)]
    const { toc } = index
    const all: Sealed[] = [section(toc.symbols), section(toc.postingsTable)]
    all.push(['index', bytes.length - 52, bytes.length - 4])
    for (const { offset } of index.table.lists()) all.push(section(offset))
    for (const { ref, chunks } of entries) {
      const r = new ByteReader(bytes.subarray(index.offsetOf(ref)))
      const length = r.uvarint()
      const start = index.offsetOf(ref) + r.pos
      all.push(['index', start, start + length])
      for (const chunk of chunks) {
        const c = new ByteReader(files.get('chunks/000001')!.subarray(chunk.ref))
        const size = c.uvarint()
        all.push(['chunks/000001', chunk.ref + c.pos, chunk.ref + c.pos + 1 + size])
      }
    }
    all.push(['tombstones', 5, 5])
    return all
  }

  test('make no other error than one with a place, and nothing that lasts', async () => {
    const stretches = sealed()
    await fc.assert(
      fc.asyncProperty(
        fc.nat(stretches.length - 1),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        async (which, changes) => {
          const [path, from, to] = stretches[which]!
          const bad = changed(path, bytes => {
            for (const [at, value] of changes) if (to > from) bytes[from + (at % (to - from))] = value
            new DataView(bytes.buffer).setUint32(to, crc32c(bytes.subarray(from, to)))
            return bytes
          })
          try {
            const block = await openFiles(ulid, bad)
            await oneByOne(block)
            await block.verify()
            await everything(block.querier())
          } catch (error) {
            expectPlace(error)
          }
        },
      ),
      { numRuns: 600 },
    )
  })

  test.each([
    ['symbols', () => index.toc.symbols, 'want 4294967295 symbols in'],
    ['postings table', () => index.toc.postingsTable, 'want 4294967295 entries in'],
  ])('cannot claim more %s than there are bytes', async (_, start, message) => {
    const bad = changed('index', bytes => {
      const view = new DataView(bytes.buffer)
      const [from, length] = [start() + 4, view.getUint32(start())]
      view.setUint32(from, 0xffffffff)
      view.setUint32(from + length, crc32c(bytes.subarray(from, from + length)))
      return bytes
    })
    await expect(openFiles(ulid, bad)).rejects.toThrow(message)
  })

  test('cannot have the same list of postings counted again and again', async () => {
    const bad = changed('index', bytes => withTable(bytes, 5000))
    const block = await openFiles(ulid, bad)
    const all = everything(block.querier(), [matcher('bomb', '=~', '.+')])
    await expect(all).rejects.toThrow('want lists apart from each other, have the same series again')
  })

  /** The index with a table in which `count` values of one label have the list of all series. */
  function withTable(bytes: Uint8Array, values: number): Uint8Array {
    const table = new ByteWriter()
    table.be32(values)
    const list = [...index.table.lists()][0]!.offset
    for (let i = 0; i < values; i++) {
      table.uvarint(2)
      table.string('bomb')
      table.string(String(i).padStart(6, '0'))
      table.uvarint(list)
    }
    const out = new ByteWriter()
    out.raw(bytes.subarray(0, index.toc.postingsTable))
    out.be32(table.length)
    out.raw(table.written())
    out.be32(crc32c(table.written()))
    out.raw(bytes.subarray(bytes.length - 52))
    return out.copy()
  }
})
