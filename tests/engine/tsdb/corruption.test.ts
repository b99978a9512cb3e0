import { beforeAll, describe, expect, test } from 'vitest'
import { isUlid } from '../../../src/engine/tsdb/block/ulid.ts'
import type { Db, DbNotice } from '../../../src/engine/tsdb/db.ts'
import { inChunks, inHeadChunks, inIndex, inSegment, padding, type Place } from './corruptionplaces.ts'
import {
  answersOf,
  appendMore,
  buildStore,
  deleted,
  diskWith,
  filesOf,
  hour,
  open,
  type Answers,
  type Files,
} from './corruptionstore.ts'
import type { OpenedStore } from './store.ts'

// A table of corruptions: what is damaged, how it is told and counted, and how many samples there must be afterwards. The
// store goes on: it takes samples, makes blocks, and has all of that when it is opened again.

/** Samples of the store, and of them those of each block. */
const all = 3419
const ofBlock = 115
/** In the log alone: those of segments 4, 6 and 7, and of `wide` those of its open chunk. Chunks on disk have the rest. */
const [of4, of6, of7, ofWide] = [20, 12, 12, 66]

interface Expected {
  /** Samples that are answered. */
  readonly left: number
  /** Samples that had been deleted, and are there again. */
  readonly back?: number
  /** What is said when the store is opened, beside the file's name. */
  readonly told?: string
  /** What is said to who asks for what is damaged. */
  readonly refused?: string
  /** Why nobody can say anything. */
  readonly silent?: string
  /** Whether it is told each time that the store is opened: what was repaired is not. */
  readonly lasting?: true
}

type Row = readonly [what: string, change: Change, expected: Expected]
/** Answers null when the file goes. */
type Change = (bytes: Uint8Array) => Uint8Array | null

/** Other bits at a place. */
function flip(place: Place, mask = 0x01): Change {
  return bytes => {
    const changed = bytes.slice()
    changed[place(bytes)]! ^= mask
    return changed
  }
}

const cut =
  (place: Place): Change =>
  bytes =>
    bytes.slice(0, place(bytes))

/** From a place to the end. */
const zeros =
  (place: Place): Change =>
  bytes =>
    bytes.slice().fill(0, place(bytes))

const gone: Change = () => null

function replaced(text: string, by: string): Change {
  return bytes => {
    const whole = new TextDecoder().decode(bytes)
    if (!whole.includes(text)) throw new Error(`want ${text} in ${whole}`)
    return new TextEncoder().encode(whole.replace(text, by))
  }
}

const asIfKilled = 'so does a writer leave it that is killed'
const asIfEnded = 'so does a segment end'
const unlisted = 'no other file names it'

/** The second commit of a segment, and of each commit the first record. */
const [ofLog, ofLateLog] = [inSegment(3), inSegment(2)]
const wrongSum = 'want checksum'

/** Every byte of a commit counts, and all that is behind it goes: what follows may build on it. */
function logRows(place: typeof ofLog, after: Expected, afterAll: Expected): Row[] {
  return [
    ['a fragment without a type', flip(place.type), { ...after, told: 'want zeros to the end of the page' }],
    ['a type of fragment', flip(place.type, 0x02), { ...after, told: 'fragment type 3 without a first one' }],
    ['a length', flip(place.length), { ...after, told: wrongSum }],
    ['a length beyond the page', flip(place.length, 0x80), { ...after, told: 'bytes, its page has' }],
    ['a checksum', flip(place.checksum), { ...after, told: wrongSum }],
    ['data', flip(place.data), { ...after, told: wrongSum }],
    ['data that are zeros', zeros(place.data), { ...after, told: wrongSum }],
    ['padding', flip(padding), { ...afterAll, told: 'want zeros to the end of the page' }],
  ]
}

/** Without its first series nobody knows whose samples those of `wide` are; and a deletion in segment 4 is forgotten. */
const after2 = { left: all - 3000 - of4 - of6 - of7, back: 5 }

const lostSecond = { left: all, back: 5, lasting: true } as const

const table: Readonly<Record<string, readonly Row[]>> = {
  // The first one behind the checkpoint.
  'wal/00000002': [
    ...logRows(ofLog, after2, after2),
    ['its end', cut(ofLog.data), { ...after2, told: 'segment ends within a fragment' }],
    ['zeros from a record on', zeros(ofLog.type), { left: all, silent: asIfEnded }],
    ['the file', gone, { left: all, told: 'segments before 3 are missing', lasting: true }],
  ],
  'wal/00000004': [
    ...logRows(ofLog, after2, { left: all - 3000 - of6 - of7 }),
    ['its end', cut(ofLog.data), { ...after2, told: 'segment ends within a fragment' }],
    ['zeros from a record on', zeros(ofLog.type), { left: all - of4, back: 5, silent: asIfEnded }],
    ['the file', gone, { left: all - of4, back: 5, told: 'segments before 5 are missing', lasting: true }],
  ],
  // A record that begins in one page and ends in the next.
  'wal/00000005': [
    ['the first part of a record', flip(() => 30_000), { left: all - ofWide - of6 - of7, told: wrongSum }],
    [
      'a type at a border',
      flip(() => 32_768, 0x02),
      { left: all - ofWide - of6 - of7, told: 'want fragment type 1–4' },
    ],
    ['data behind a border', flip(() => 33_000), { left: all - ofWide - of6 - of7, told: wrongSum }],
    ['its second page', cut(() => 32_768), { left: all - ofWide - of6 - of7, told: 'ends within a record' }],
    [
      'zeros behind a border',
      zeros(() => 32_768),
      { left: all - ofWide - of6 - of7, told: 'ends within a record' },
    ],
  ],
  'wal/00000007': [
    ...logRows(ofLog, { left: all - 8 }, { left: all }),
    ['its end', cut(ofLog.data), { left: all - 8, silent: asIfKilled }],
    ['zeros from a record on', zeros(ofLog.type), { left: all - 8, silent: asIfEnded }],
    ['the file', gone, { left: all - of7, silent: unlisted }],
  ],
  // What it has of samples is in the second block, too, unless that is lost. Of its series it has them all but `wide`.
  'wal/checkpoint.00000001/00000000': [
    ...logRows(ofLog, { left: all, lasting: true }, { left: all, lasting: true }),
    ['its end', cut(ofLog.data), { left: all, told: 'segment ends within a fragment', lasting: true }],
    ['zeros from a record on', zeros(ofLog.type), { left: all, silent: asIfEnded }],
    ['the series', flip(inSegment(0).data), { left: all - 189, told: wrongSum, lasting: true }],
    ['all its bytes', cut(() => 0), { left: all - 189, told: 'want a page of 32768 bytes', lasting: true }],
    ['the file', gone, { left: all - 189, told: 'want a checkpoint or segment 0', lasting: true }],
  ],
  'wbl/00000000': [
    ...logRows(ofLateLog, { left: all - 28 }, { left: all - 20 }),
    ['its end', cut(ofLateLog.data), { left: all - 28, told: 'segment ends within a fragment' }],
    ['zeros from a record on', zeros(ofLateLog.type), { left: all - 8, silent: asIfEnded }],
    ['the file', gone, { left: all - 10, silent: 'it goes once its samples are in blocks' }],
  ],
  'wbl/00000001': [
    ...logRows(ofLateLog, { left: all - 18 }, { left: all - 10 }),
    ['its end', cut(ofLateLog.data), { left: all - 18, told: 'segment ends within a fragment' }],
    ['zeros from a record on', zeros(ofLateLog.type), { left: all - 8, silent: asIfEnded }],
    ['the file', gone, { left: all - 10, told: 'segments before 2 are missing', lasting: true }],
  ],
  'wbl/00000002': [
    ...logRows(ofLateLog, { left: all - 8 }, { left: all }),
    ['its end', cut(ofLateLog.data), { left: all - 8, silent: asIfKilled }],
    ['zeros from a record on', zeros(ofLateLog.type), { left: all - 8, silent: asIfEnded }],
    ['the file', gone, { left: all - 10, silent: unlisted }],
  ],
  'chunks_head/000001': [
    ...headChunkRows(),
    ['its end', cut(inHeadChunks(1)['data']!), { left: all, told: 'file ends within a chunk' }],
    ['all its bytes', zeros(() => 0), { left: all, told: 'file without a header' }],
    ['the file', gone, { left: all, silent: 'it goes once its samples are in blocks' }],
  ],
  'chunks_head/000002': [
    ...headChunkRows(),
    ['its end', cut(inHeadChunks(1)['data']!), { left: all, told: 'file ends within a chunk' }],
    ['all its bytes', zeros(() => 0), { left: all, told: 'file without a header' }],
    ['the file', gone, { left: all, told: 'files before 3 are missing' }],
  ],
  'chunks_head/000003': [
    ...headChunkRows(),
    ['its end', cut(inHeadChunks(1)['data']!), { left: all, silent: asIfKilled }],
    ['all its bytes', zeros(() => 0), { left: all, silent: asIfKilled }],
    ['the file', gone, { left: all, silent: unlisted }],
  ],
  ...blockRows(),
  // Of the newest block the log has all samples, should it be lost: what was deleted of it, too.
  'second/meta.json': [['its end', cut(() => 100), { ...lostSecond, told: 'want JSON' }]],
  'second/index': [
    ['the table of contents', flip(inIndex.contents.data), { ...lostSecond, told: wrongSum }],
    ['the file', gone, { ...lostSecond, told: 'no file' }],
  ],
  'second/chunks/000001': [
    ['a chunk’s data', flip(inChunks(1)['data']!), { left: all - 30, refused: wrongSum }],
    ['the file', gone, { left: all - ofBlock, refused: 'no such file' }],
  ],
  'second/tombstones': [['a deletion', flip(() => 6), { ...lostSecond, told: wrongSum }]],
  'brazier/head.json': [
    ...ownRows('went by the blocks'),
    ['a time', replaced('"t":1', '"t":9'), { left: all, told: wrongSum, lasting: true }],
    ['a block', replaced('"block":"01H', '"block":"01J'), { left: all, told: wrongSum, lasting: true }],
    ['a name', replaced('"before"', '"befare"'), { left: all, told: wrongSum, lasting: true }],
    ['the file', gone, { left: all, silent: 'a folder of Prometheus has none' }],
  ],
  'brazier/pinned.json': [
    ...ownRows(''),
    ['a block', replaced('"01H', '"01J'), { left: all, told: wrongSum, lasting: true }],
    ['the file', gone, { left: all, silent: 'a store has none until a block is pinned' }],
  ],
  // Where it is taken for a smaller one, old blocks go.
  'brazier/budget.json': [
    ...ownRows(''),
    ['digits', replaced('1099511627776', '1099'), { left: all, told: wrongSum, lasting: true }],
    ['the file', gone, { left: all, silent: 'a store has none until the user sets it' }],
  ],
}

/** The log has all that they have. */
function headChunkRows(): Row[] {
  const places = Object.entries(inHeadChunks(1))
  return [
    ['the magic number', flip(() => 1), { left: all, told: 'want magic number 0130bc91' }],
    ['the version', flip(() => 4), { left: all, told: 'want version 1' }],
    ...places.map(([name, place]): Row => [`a chunk’s ${name}`, flip(place), { left: all, told: wrongSum }]),
    ['data that are zeros', zeros(inHeadChunks(1)['data']!), { left: all, told: wrongSum }],
  ]
}

function blockRows(): Record<string, Row[]> {
  const broken = (told: string): Expected => ({ left: all - ofBlock, told, lasting: true })
  const [a, b, g, h] = [25, 30, 30, 30]
  const section = (what: 'symbols' | 'table', text: string): Row[] => [
    [`the length of ${text}`, flip(inIndex[what].length, 0x40), broken('want ')],
    [text, flip(inIndex[what].data), broken(wrongSum)],
    [`the checksum of ${text}`, flip(inIndex[what].checksum), broken(wrongSum)],
  ]
  const refused = (lost: number, refused: string): Expected => ({ left: all - lost, refused })
  const record = (what: 'series' | 'all' | 'postings', text: string, lost: number): Row[] => [
    [`the length of ${text}`, flip(inIndex[what].length), refused(lost, 'want ')],
    [text, flip(inIndex[what].data), refused(lost, wrongSum)],
    [`the checksum of ${text}`, flip(inIndex[what].checksum), refused(lost, wrongSum)],
  ]
  const chunk = inChunks(1)
  const none = 'numbers of Prometheus’s JSON have no checksum'
  return {
    'first/meta.json': [
      ['its end', cut(() => 100), broken('want JSON')],
      ['bytes that are zeros', zeros(() => 100), broken('want JSON')],
      ['the ULID', replaced('"ulid": "01H', '"ulid": "01J'), broken('want the ulid of its folder')],
      ['a letter that no ULID has', replaced('"ulid": "01H', '"ulid": "01I'), broken('want a ULID')],
      ['the version', replaced('"version": 1', '"version": 2'), broken('want 1 for version')],
      ['times the wrong way round', replaced('"maxTime": ', '"maxTime": -'), broken('want at least minTime')],
      ['a time', replaced('"maxTime": ', '"maxTime": 1'), { left: all, silent: none }],
      ['a count', replaced('"numSeries": 4', '"numSeries": 5'), { left: all, silent: none }],
      ['the file', gone, broken('no file')],
    ],
    'first/index': [
      ['the magic number', flip(inIndex.magic), broken('want magic number baaad700')],
      ['the version', flip(inIndex.version, 0x10), broken('want version 1–3')],
      ...section('symbols', 'the symbols'),
      ...record('series', 'a series', a),
      ...record('all', 'the list of all series', 0),
      ...record('postings', 'the list of one series', a),
      ...section('table', 'the table of lists'),
      ['the table of contents', flip(inIndex.contents.data), broken(wrongSum)],
      ['the checksum of the table of contents', flip(inIndex.contents.checksum), broken(wrongSum)],
      ['its end', cut(inIndex.all.data), broken('want ')],
      ['bytes that are zeros', zeros(inIndex.all.data), broken(wrongSum)],
      ['the file', gone, broken('no file')],
    ],
    'first/chunks/000001': [
      ['the magic number', flip(() => 0), refused(a + b + g + h, 'want magic number 85bd40dd')],
      ['the version', flip(() => 4), refused(a + b + g + h, 'want version 1')],
      ['a chunk’s length', flip(chunk['length']!, 0x02), refused(b, wrongSum)],
      ['a chunk’s encoding', flip(chunk['encoding']!), refused(b, wrongSum)],
      ['a chunk’s data', flip(chunk['data']!), refused(b, wrongSum)],
      ['a chunk’s checksum', flip(chunk['checksum']!), refused(b, wrongSum)],
      ['its end', cut(chunk['data']!), refused(b + g + h, 'want a record')],
      ['bytes that are zeros', zeros(chunk['data']!), refused(b + g + h, wrongSum)],
      ['the file', gone, refused(a + b + g + h, 'no such file')],
    ],
    'first/tombstones': [
      ['the magic number', flip(() => 0), broken('want magic number 0130ba30')],
      ['the version', flip(() => 4, 0x10), broken('want version 1')],
      ['a deletion', flip(() => 6), broken(wrongSum)],
      ['the checksum', flip(bytes => bytes.length - 1), broken(wrongSum)],
      ['its end', cut(() => 7), broken('want 9 bytes')],
      ['bytes that are zeros', zeros(() => 5), broken(wrongSum)],
      ['the file', gone, { left: all, back: 5, silent: 'a block without deletions has none' }],
    ],
  }
}

function ownRows(told: string): Row[] {
  return [
    ['its end', cut(() => 8), { left: all, told: `want JSON`, lasting: true }],
    ['bytes that are zeros', zeros(() => 8), { left: all, told, lasting: true }],
    ['other JSON', () => new TextEncoder().encode('[]'), { left: all, told: 'have []', lasting: true }],
  ]
}

let whole: Files
let before: ReadonlySet<string>

beforeAll(async () => {
  whole = await filesOf(await buildStore())
  const { samples, refusals } = await answersOf((await open(await diskWith(whole))).db)
  expect([samples.size, refusals]).toEqual([all, []])
  before = samples
})

/** The path of a file of the table, in which blocks go by their order. */
function pathOf(file: string): string {
  const startOf = (ulid: string) =>
    (JSON.parse(new TextDecoder().decode(whole.get(`${ulid}/meta.json`))) as { minTime: number }).minTime
  const ulids = [...new Set([...whole.keys()].map(path => path.split('/')[0]!))].filter(isUlid)
  const [first = '', second = ''] = ulids.sort((a, b) => startOf(a) - startOf(b))
  return file.replace(/^first/, first).replace(/^second/, second)
}

function damaged(path: string, change: Change): Files {
  const files = new Map(whole)
  const bytes = whole.get(path)
  if (!bytes) throw new Error(`want ${path} among ${[...whole.keys()].join(', ')}`)
  const changed = change(bytes)
  if (changed) files.set(path, changed)
  else files.delete(path)
  return files
}

const kinds: readonly (readonly [RegExp, DbNotice['kind']])[] = [
  [/^(wal|wbl|chunks_head|brazier\/head)/, 'wal-repaired'],
  [/^brazier\/pinned/, 'pins-damaged'],
  [/^brazier\/budget/, 'budget-damaged'],
  [/./, 'block-broken'],
]

function expectTold(db: Db, path: string, told: string): void {
  const kind = kinds.find(([pattern]) => pattern.test(path))?.[1]
  expect(db.notices()).toEqual([{ kind, detail: expect.stringContaining(told) as string }])
  // Of what is missing its folder is named.
  expect(db.notices()[0]?.detail).toContain(
    told.includes('missing') || told.includes('or segment 0') ? path.split('/')[0] : path,
  )
}

function expectCounted({ db, metric }: OpenedStore, path: string, { told, refused }: Expected): void {
  const repaired = /^(wal|wbl|chunks_head|brazier\/head)/.test(path) && told !== undefined
  expect(db.stats().wal.corruptions).toBe(repaired ? 1 : 0)
  expect(metric('prometheus_tsdb_wal_corruptions_total')).toBe(repaired && /^w[ab]l/.test(path) ? 1 : 0)
  if (repaired && path.startsWith('chunks_head'))
    expect(metric('prometheus_tsdb_mmap_chunk_corruptions_total')).toBe(1)
  expect(metric('brazier_tsdb_notices')).toBe(told === undefined ? 0 : 1)
  expect(metric('brazier_tsdb_blocks_broken')).toBe(told !== undefined && isUlid(path.split('/')[0]!) ? 1 : 0)
  expect(metric('brazier_tsdb_block_corruptions_total') > 0).toBe(refused !== undefined)
}

function expectContained(
  { samples, refusals }: Answers,
  path: string,
  { left, back = 0, refused }: Expected,
): void {
  const found = [...samples]
  expect(found.filter(sample => before.has(sample)).length).toBe(left)
  const others = found.filter(sample => !before.has(sample))
  expect(others.filter(sample => !deleted.has(sample))).toEqual([])
  expect(others.length).toBe(back)
  expect(refusals.length > 0).toBe(refused !== undefined)
  for (const refusal of refusals)
    expect(refusal).toMatch(new RegExp(`^${path.replace(/000001$/, '')}.*${refused ?? ''}`))
}

/** The blocks that verification finds damaged. */
async function damagedBlocks(db: Db): Promise<string[]> {
  const { blocks, release } = db.blocks.holdAll()
  const verdicts = blocks.map(block =>
    block.verify().then(
      () => [],
      (error: unknown) => [(error as Error).message],
    ),
  )
  release()
  return (await Promise.all(verdicts)).flat()
}

describe.each(Object.entries(table))('damage of %s', (file, rows) => {
  test.each(rows)('%s', async (_, change, expected) => {
    const path = pathOf(file)
    const disk = await diskWith(damaged(path, change))
    const first = await open(disk)
    if (expected.told === undefined) expect(first.db.notices()).toEqual([])
    else expectTold(first.db, path, expected.told)
    const answers = await answersOf(first.db)
    expectContained(answers, path, expected)
    expectCounted(first, path, expected)
    const wrong = await damagedBlocks(first.db)
    if (expected.refused !== undefined) expect(wrong).toEqual([expect.stringContaining(path.split('/')[0]!)])
    const more = new Set([...answers.samples, ...(await appendMore(first.db, 6.8 * hour))])
    await first.db.close()

    const second = await open(disk)
    expect(second.db.notices().length).toBe(expected.lasting ? 1 : 0)
    expect((await answersOf(second.db)).samples).toEqual(more)
    // So much later that a part of the head becomes a block, and the log is shortened.
    for (const sample of await appendMore(second.db, 8 * hour)) more.add(sample)
    await second.db.upkeep.run()
    expect(second.db.upkeep.failure).toBeNull()
    await second.db.close()

    const third = await open(disk)
    expect((await answersOf(third.db)).samples).toEqual(more)
    expect((await damagedBlocks(third.db)).length).toBe(wrong.length)
    expect(third.db.blocks.infos().length).toBeGreaterThan(second.db.blocks.broken().length)
  })
})
