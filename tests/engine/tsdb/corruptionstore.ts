import { stagingSuffix, type Disk } from '../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../src/engine/disk/memory.ts'
import { matcher } from '../../../src/engine/model/matcher.ts'
import type { Querier, TimeRange } from '../../../src/engine/model/store.ts'
import { parseMetricSelector } from '../../../src/engine/promql/syntax/metricselector.ts'
import type { Db, DbOptions } from '../../../src/engine/tsdb/db.ts'
import { isUlid } from '../../../src/engine/tsdb/block/ulid.ts'
import { FakeHost } from '../../fakehost.ts'
import { histogramOf, mixedEverything, type Kind } from './mixed.ts'
import { series } from './reading.ts'
import { openStore, type OpenedStore } from './store.ts'

// A store that has a file of every kind, in which each sample's place is known.

const minute = 60_000
export const hour = 60 * minute
const options: DbOptions = { segmentBytes: 64 * 1024, outOfOrderWindowMs: 3 * hour }

/** Two floats and two kinds of histograms; `wide` is the one whose samples fill pages. */
const names: Readonly<Record<string, Kind>> = { a: 'float', b: 'float', h: 'int', g: 'frac', wide: 'float' }
const stepped = ['a', 'b', 'h', 'g']

/** The first two are those of the blocks. */
const windows: readonly TimeRange[] = [
  { minT: 0, maxT: 2 * hour - 1 },
  { minT: 2 * hour, maxT: 4 * hour - 1 },
  { minT: 4 * hour, maxT: Infinity },
]

/** The store's files by their paths. */
export type Files = ReadonlyMap<string, Uint8Array>

let openings = 0

/** Each opening has chances of its own. */
export function open(disk: Disk): Promise<OpenedStore> {
  return openStore(disk, options, new FakeHost({ seed: ++openings }))
}

/** Every session starts a segment of the log.
 *
 *  | segment | a, b, h, g: a sample every 4 minutes | wide | late | and then                                       |
 *  | 0       | 0:00 … 2:00, 30 each                 |      |      |                                                |
 *  | 1       | 2:00 … 4:00, 30 each                 |      |      |                                                |
 *  | 2       | 4:00 … 5:00, 15 each                 |      |      |                                                |
 *  | 3       | 5:00 … 5:40, 10 each                 |      |      | two blocks, a checkpoint of segments 0 and 1   |
 *  | 4       | 5:40 … 6:20, 10 each                 |      |      | deletions: 5 of a, 5 of h, 5 of b; chunks_head |
 *  | 5       |                                      | 3000 | 10   | chunks_head                                    |
 *  | 6       | 6:20 … 6:32, 3 each                  |      | 10   |                                                |
 *  | 7       | 6:32 … 6:44, 3 each                  |      | 10   |                                                | */
export async function buildStore(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const session = async (act: (db: Db) => Promise<void>) => {
    const { db } = await open(disk)
    await act(db)
    if (db.notices().length > 0) throw new Error(JSON.stringify(db.notices()))
    await db.close()
  }
  await session(db => steps(db, 0, 2 * hour))
  await session(db => steps(db, 2 * hour, 4 * hour))
  await session(db => steps(db, 4 * hour, 5 * hour))
  await session(async db => {
    await steps(db, 5 * hour, 5 * hour + 40 * minute)
    await db.upkeep.run()
    const [first] = db.blocks.infos()
    await db.blocks.pins.set([first!.ulid], true)
    await db.budget.set(2 ** 40)
  })
  await session(async db => {
    await steps(db, 5 * hour + 40 * minute, 6 * hour + 20 * minute)
    await removeSome(db)
    await db.upkeep.run()
  })
  await session(async db => {
    const appender = db.appender()
    const ref = appender.series(series('wide'))
    for (let i = 0; i < 3000; i++) appender.append(ref, 6 * hour + i * 500, Math.sin(i))
    await appender.commit()
    await late(db, 4 * hour + 1000)
    await db.upkeep.run()
  })
  for (const from of [6 * hour + 20 * minute, 6 * hour + 32 * minute]) {
    await session(async db => {
      await steps(db, from, from + 12 * minute)
      await late(db, from - 2 * hour + 2000)
    })
  }
  return disk
}

async function steps(db: Db, from: number, to: number): Promise<void> {
  for (let t = from; t < to; t += 4 * minute) await append(db, stepped, t)
}

/** Five each of a float and of a histogram. */
async function late(db: Db, from: number): Promise<void> {
  for (let i = 0; i < 5; i++) await append(db, ['a', 'h'], from + i * minute)
}

async function append(db: Db, which: readonly string[], t: number): Promise<void> {
  const appender = db.appender()
  for (const name of which) {
    const ref = appender.series(series(name))
    const kind = names[name] ?? 'float'
    if (kind === 'float') appender.append(ref, t, t / 1000)
    else appender.appendHistogram(ref, t, histogramOf(kind, observations(t)))
  }
  await appender.commit()
}

/** A counter, so that a chunk ends for no other reason than its time. */
function observations(t: number): number {
  return Math.floor(t / minute)
}

/** What was deleted of one series: five samples. */
const deletions = [
  ['a', 10 * minute],
  ['h', 2 * hour + 10 * minute],
  ['b', 4 * hour + 10 * minute],
] as const

export const deleted: ReadonlySet<string> = new Set(
  deletions.flatMap(([name, minT]) => [2, 6, 10, 14, 18].map(after => textOf(name, minT + after * minute))),
)

async function removeSome(db: Db): Promise<void> {
  for (const [name, minT] of deletions)
    await db.admin.deleteSeries([parseMetricSelector(name)], { minT, maxT: minT + 19 * minute })
}

function textOf(name: string, t: number): string {
  const kind = names[name] ?? 'float'
  return `${name} ${t}:${kind === 'float' ? t / 1000 : kind + String(observations(t))}`
}

/** Appends a sample of each series that goes on, and of one that is new; answers them. */
export async function appendMore(db: Db, t: number): Promise<string[]> {
  const all = [...stepped, 'fresh']
  await append(db, all, t)
  return all.map(name => textOf(name, t))
}

/** What a store answers when it is asked for each series in each window by itself. */
export interface Answers {
  readonly samples: ReadonlySet<string>
  /** Why the others could not be answered, each reason once; also when it is asked for all series together. */
  readonly refusals: readonly string[]
}

export async function answersOf(db: Db): Promise<Answers> {
  const samples = new Set<string>()
  const refusals = new Set<string>()
  const ask = async (what: (querier: Querier) => Promise<void>) => {
    const querier = db.querier()
    try {
      await what(querier)
    } catch (error) {
      refusals.add((error as Error).message)
    } finally {
      querier.close?.()
    }
  }
  for (const range of windows) {
    for (const name of [...Object.keys(names), 'fresh']) {
      const matchers = [matcher('__name__', '=', name)]
      await ask(async querier => {
        const found = await mixedEverything(querier, range, 'none', matchers)
        for (const text of found[name]?.split(' ') ?? []) if (text !== '') samples.add(`${name} ${text}`)
      })
    }
    await ask(async querier => {
      for await (const batch of querier.select([], range))
        for (let i = 0; i < batch.count; i++) batch.columns(i)
    })
  }
  return { samples, refusals: [...refusals] }
}

export async function filesOf(disk: Disk, folder = ''): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  for (const name of await disk.list(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`
    const inside = await disk.list(path)
    if (inside.length > 0) for (const [file, bytes] of await filesOf(disk, path)) files.set(file, bytes)
    else files.set(path, await disk.read(path))
  }
  return files
}

/** A disk with these files: those of blocks and checkpoints are finished ones. */
export async function diskWith(files: Files): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const folders = new Set<string>()
  for (const [path, bytes] of files) {
    const folder = finishedFolderOf(path)
    if (folder === null) {
      if (path.startsWith('brazier/')) await disk.write(path, bytes)
      else await disk.append(path, 0, bytes, 'strict')
      continue
    }
    folders.add(folder)
    const file = await disk.create(`${folder}${stagingSuffix}${path.slice(folder.length)}`)
    await file.write(bytes)
    await file.close()
  }
  for (const folder of folders) await disk.publish([{ from: folder + stagingSuffix, to: folder }])
  return disk
}

function finishedFolderOf(path: string): string | null {
  const [first = '', second = ''] = path.split('/')
  if (isUlid(first)) return first
  return second.startsWith('checkpoint.') ? `${first}/${second}` : null
}
