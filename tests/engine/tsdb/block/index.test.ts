import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { crc32c } from '../../../../src/engine/bytes/crc32c.ts'
import { ByteWriter } from '../../../../src/engine/bytes/writer.ts'
import { matcher } from '../../../../src/engine/model/matcher.ts'
import { always, everything } from '../reading.ts'
import { allSeries, made, openFiles, partsOf, type BlockFiles, type Made } from './blockdisk.ts'

const all: Made[] = ['b', 'a', 'ä', '😀', '\uffff'].map((x, i) => {
  return [
    `m${i % 2}`,
    { x },
    [
      [1000, i],
      [2000, i],
      [3000, i],
      [4000, i],
      [5000, i],
    ],
  ]
})

/** The same block with an index of another version. Version 1 names series and symbols by their offsets and does not
 *  align series; its postings offset table need not be sorted. */
async function converted(
  version: number,
  order: (table: Entry[]) => Entry[] = table => table,
): Promise<BlockFiles> {
  const { disk, ulid, files } = await made(all)
  const { index } = await partsOf(disk, ulid)
  if (version > 1) {
    return new Map(files).set(
      'index',
      files.get('index')!.map((byte, i) => (i === 4 ? version : byte)),
    )
  }
  const entries = await allSeries(index)
  const out = new ByteWriter()
  out.be32(0xbaaad700)
  out.u8(1)
  const symbols = new Map<string, number>()
  const texts = [...new Set(entries.flatMap(entry => entry.labels))].sort()
  const symbolsAt = out.length
  section(out, w => {
    w.be32(texts.length)
    for (const text of texts) {
      symbols.set(text, symbolsAt + 4 + w.length)
      w.string(text)
    }
  })
  const lists = new Map<string, Entry>()
  const add = (name: string, value: string, ref: number) => {
    const key = `${name}\0${value}`
    if (!lists.has(key)) lists.set(key, { name, value, refs: [] })
    lists.get(key)!.refs.push(ref)
  }
  const series = out.length
  for (const { labels, chunks } of entries) {
    const ref = out.length
    add('', '', ref)
    for (let i = 0; i < labels.length; i += 2) add(labels[i]!, labels[i + 1]!, ref)
    const body = new ByteWriter()
    body.uvarint(labels.length / 2)
    for (const text of labels) body.uvarint(symbols.get(text)!)
    body.uvarint(chunks.length)
    chunks.forEach((chunk, i) => {
      const last = chunks[i - 1]
      if (last) body.uvarint(chunk.minT - last.maxT)
      else body.varint(chunk.minT)
      body.uvarint(chunk.maxT - chunk.minT)
      if (last) body.varint(chunk.ref - last.ref)
      else body.uvarint(chunk.ref)
    })
    out.uvarint(body.length)
    out.raw(body.written())
    out.be32(crc32c(body.written()))
  }
  const postings = out.length
  const places = new Map<Entry, number>()
  for (const list of lists.values()) {
    places.set(list, out.length)
    section(out, w => {
      w.be32(list.refs.length)
      for (const ref of list.refs) w.be32(ref)
    })
  }
  const table = out.length
  section(out, w => {
    w.be32(lists.size)
    for (const list of order([...lists.values()])) {
      w.uvarint(2)
      w.string(list.name)
      w.string(list.value)
      w.uvarint(places.get(list)!)
    }
  })
  const toc = new ByteWriter()
  // Label indices are not there.
  for (const start of [symbolsAt, series, 0, 0, postings, table]) toc.be64(start)
  out.raw(toc.written())
  out.be32(crc32c(toc.written()))
  return new Map(files).set('index', out.copy())
}

interface Entry {
  readonly name: string
  readonly value: string
  readonly refs: number[]
}

function section(out: ByteWriter, fill: (w: ByteWriter) => void): void {
  const body = new ByteWriter()
  fill(body)
  out.be32(body.length)
  out.raw(body.written())
  out.be32(crc32c(body.written()))
}

describe.each([
  ['version 1', () => converted(1)],
  ['version 1 with its table the wrong way round', () => converted(1, table => table.reverse())],
  [
    'version 1 with its names mixed',
    () => converted(1, table => table.sort((a, b) => (a.value < b.value ? -1 : 1))),
  ],
  ['version 2', () => converted(2)],
  ['version 3', () => converted(3)],
])('an index of %s', (_, make) => {
  test('passes the check and gives the same answers', async () => {
    const { ulid, files } = await made(all)
    const expected = (await openFiles(ulid, files)).querier()
    const block = await openFiles(ulid, await make())
    await block.verify()
    const found = block.querier()
    const asked = [
      [],
      [matcher('x', '=', '😀')],
      [matcher('__name__', '=', 'm0'), matcher('x', '=~', 'a|ä|b.*')],
      [matcher('x', '!=', 'a')],
    ]
    for (const matchers of asked) {
      expect(await everything(found, matchers)).toEqual(await everything(expected, matchers))
    }
    expect(await found.labelNames([], always)).toEqual(['__name__', 'x'])
    expect(await found.labelValues('x', [], always)).toEqual(['a', 'b', 'ä', '\uffff', '😀'])
  })
})

test.each([0, 4, 255])('version %d is refused', async version => {
  await expect(openFiles('01JTESTWR1TTENBYVS00000000', await converted(version || 256))).rejects.toThrow(
    `index: want version 1–3, have ${version} at byte 4`,
  )
})

test('a table that is not in order is refused from version 2 on', async () => {
  const { ulid } = await made(all)
  const wrong = new Map(await converted(1, table => table.reverse()))
  wrong.set(
    'index',
    wrong.get('index')!.map((byte, i) => (i === 4 ? 2 : byte)),
  )
  await expect(openFiles(ulid, wrong)).rejects.toThrow('index: want names in order, have "__name__"')
})

// Upstream's own block of version 1, where its data lies beside the project.
const upstream = new URL('../../../../../shared/upstream/tsdb/index_format_v1/', import.meta.url)
for (const folder of [upstream].filter(url => existsSync(url))) {
  test("upstream's block with an index of version 1 is read", async () => {
    const paths = ['meta.json', 'index', 'chunks/000001', 'tombstones']
    const files = new Map(paths.map(path => [path, readFileSync(new URL(path, folder))]))
    const block = await openFiles('01DXXFZDYD1MQW6079WK0K6EDQ', files)
    await block.verify()
    const found = await everything(block.querier())
    expect(Object.keys(found)).toHaveLength(102)
    expect(await everything(block.querier(), [matcher('bar', '=', '7')])).toEqual({ '{bar="7"}': '0:0' })
    expect(await block.querier().labelNames([], always)).toEqual(['bar', 'foo'])
    expect(await block.querier().labelValues('bar', [], always)).toHaveLength(100)
  })
}
