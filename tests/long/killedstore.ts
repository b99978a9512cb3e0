// A store in a browser that is killed. It runs in a worker of a page of the test, since there its chunk ranges can be short
// and it can be stopped within an operation of the disk. Whatever the query of its address says, it first tells what it
// finds in the store; then it does what it is ordered to, and tells of every sample that it was acknowledged.
import { openMounted } from '../../src/disks/mounted.ts'
import type { Disk, FileWriter, Move } from '../../src/engine/disk/disk.ts'
import { Registry } from '../../src/engine/metrics/registry.ts'
import { formatLabels, labelsFrom } from '../../src/engine/model/labels.ts'
import { openDb, type Db } from '../../src/engine/tsdb/db.ts'
import { browserHost } from '../../src/hosts/browserhost.ts'

export interface Order {
  /** Names the store. */
  readonly scope: string
  /** `compact`: samples come, blocks are made and merged, the log is shortened, all the time. `import`: samples come while an
   *  archive is taken in. */
  readonly work: 'nothing' | 'compact' | 'import'
  readonly stop: Stop | null
}

/** The point where it waits to be killed. */
export interface Stop {
  /** Of the operation and its path, such as `publish wal/checkpoint.00000003`. */
  readonly operation: string
  /** Which of those that match, from 1 on. */
  readonly n: number
  /** `in`: it is told, and goes on. */
  readonly moment: 'before' | 'in' | 'after'
}

/** What is in the store when it is opened. */
export interface Found {
  /** Series by their numbers in `samples`. */
  readonly series: readonly string[]
  /** Of blocks that were imported. */
  readonly imported: number
  readonly pinned: number
  readonly blocks: number
  readonly levels: readonly number[]
  /** Everything that is not as it should be: notices, blocks that do not verify, files that nobody names. */
  readonly wrong: readonly string[]
}

/** Of the archive that is imported: all other samples are later. */
export const importedUntil = 1_000_000
const seriesCount = 24
/** Late samples come out of order. */
const stepMs = 20
const lateMs = 700
const chunkRangeMs = 2000

if ('WorkerGlobalScope' in globalThis) {
  run(JSON.parse(decodeURIComponent(location.search.slice(1))) as Order).catch((error: unknown) => {
    void tell('failed', error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error))
  })
}

async function run({ scope, work, stop }: Order): Promise<void> {
  const disk = await openMounted({ scope })
  const stopping = new StoppingDisk(stop)
  const db = await openDb(stopping.around(disk), browserHost(), new Registry(), {
    ...{ chunkRangeMs, segmentBytes: 32 * 1024, retentionMs: null, outOfOrderWindowMs: 2 * lateMs },
  })
  await tellFound(db, scope, disk)
  if (work === 'nothing') return
  tellCommits(db, scope)
  stopping.armed = true
  const commits = commit(db)
  if (work === 'import') {
    await pause(300)
    const archive = await (await fetch('archive')).blob()
    await db.transfers.import({ kind: 'archive', name: 'archive.zip', bytes: archive })
  }
  while (work === 'compact') {
    await db.upkeep.run()
    if (db.upkeep.failure) throw db.upkeep.failure
    await pause(5)
  }
  await commits
}

/** A commit every few milliseconds, for ever. */
async function commit(db: Db): Promise<void> {
  const span = Math.max(
    importedUntil,
    db.stats().head.maxT ?? 0,
    ...db.blocks.infos().map(({ maxT }) => maxT),
  )
  for (let t = span + lateMs + stepMs; ; t += stepMs) {
    const appender = db.appender()
    for (let i = 0; i < seriesCount; i++) {
      const ref = appender.series(
        labelsFrom([
          ['__name__', 'killed'],
          ['i', String(i)],
        ]),
      )
      appender.append(ref, t, Math.random())
      if (i % 6 === 0 && t % 100 === 0) appender.append(ref, t - lateMs + 1, -Math.random())
    }
    await appender.commit()
    await pause(3)
  }
}

function tellCommits(db: Db, scope: string): void {
  const numbers = new Map<number, number>()
  db.onCommit(({ count, refs, t, v, labels }) => {
    const rows = new Float64Array(count * 3)
    for (let i = 0; i < count; i++) {
      const ref = refs[i] as number
      if (!numbers.has(ref)) numbers.set(ref, Number(labels(ref).at(-1)))
      rows.set([numbers.get(ref) as number, t[i] as number, v[i] as number], i * 3)
    }
    void tell(`told?${encodeURIComponent(scope)}`, rows)
  })
}

async function tellFound(db: Db, scope: string, disk: Disk): Promise<void> {
  const series: string[] = []
  const rows: number[] = []
  let imported = 0
  const querier = db.querier()
  for await (const batch of querier.select([], { minT: -Infinity, maxT: Infinity })) {
    for (let i = 0; i < batch.count; i++) {
      const { count, t, v } = batch.columns(i)
      const name = formatLabels(batch.labels(i))
      if (!name.startsWith('killed')) imported += count
      else {
        const number = Number(/\d+/.exec(name)?.[0])
        for (let k = 0; k < count; k++) rows.push(number, t[k] as number, v[k] as number)
        series.push(name)
      }
    }
  }
  querier.close?.()
  const infos = db.blocks.infos()
  await tell('samples', Float64Array.from(rows))
  const found: Found = {
    ...{ series, imported, blocks: infos.length, levels: infos.map(({ level }) => level) },
    pinned: infos.filter(({ pinned }) => pinned).length,
    wrong: [
      ...db.notices().map(({ kind, detail }) => `${kind}: ${detail}`),
      ...(await damagesOf(db)),
      ...(await strays(scope, disk)),
    ],
  }
  await tell('found', JSON.stringify(found))
}

async function damagesOf(db: Db): Promise<string[]> {
  const { blocks, release } = db.blocks.holdAll()
  const damages: string[] = []
  for (const block of blocks) await block.verify().catch((error: unknown) => damages.push(String(error)))
  release()
  return damages
}

/** What lies in the file system and is no file of the store. */
async function strays(scope: string, disk: Disk): Promise<string[]> {
  const root = await navigator.storage.getDirectory()
  const folder = await root.getDirectoryHandle(encodeURIComponent(scope), { create: true })
  let places = 0
  for await (const name of folder.keys()) places += name ? 1 : 0
  const finished = (await pathsIn(disk)).filter(path => /^[0-9A-Z]{26}\/|\/checkpoint\./.test(path))
  return places === finished.length ? [] : [`${places} files for ${finished.join(', ')}`]
}

async function pathsIn(disk: Disk, folder = ''): Promise<string[]> {
  const paths: string[] = []
  for (const name of await disk.list(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`
    const inside = await pathsIn(disk, path)
    paths.push(...(inside.length > 0 ? inside : [path]))
  }
  return paths
}

/** Hands on every operation, but for one, at which it stops. */
class StoppingDisk {
  armed = false
  private readonly stop: Stop | null
  private matching = 0

  constructor(stop: Stop | null) {
    this.stop = stop
  }

  around<T extends Disk | FileWriter>(target: T, written = ''): T {
    return new Proxy(target, {
      get: (_, key) => {
        const member: unknown = Reflect.get(target, key)
        if (typeof member !== 'function') return member
        return async (...args: unknown[]) => {
          const path = written === '' ? pathOf(args[0]) : written
          const act = () => member.apply(target, args) as Promise<unknown>
          const result = await this.pass(`${String(key)} ${path}`, act)
          return key === 'create' ? this.around(result as FileWriter, path) : result
        }
      },
    })
  }

  private async pass(operation: string, act: () => Promise<unknown>): Promise<unknown> {
    const { stop } = this
    const matches = this.armed && stop !== null && new RegExp(stop.operation).test(operation)
    if (!matches || ++this.matching !== stop.n) return act()
    if (stop.moment === 'before') await reached()
    if (stop.moment === 'in') void reached()
    const result = await act()
    if (stop.moment === 'after') await reached()
    // What was begun is not to be gone on with.
    if (stop.moment === 'in') await new Promise(() => undefined)
    return result
  }
}

function pathOf(argument: unknown): string {
  return Array.isArray(argument) ? (argument as Move[]).map(({ to }) => to).join(' ') : String(argument)
}

async function reached(): Promise<void> {
  await tell('reached', '')
  await new Promise(() => undefined)
}

async function tell(what: string, body: Float64Array<ArrayBuffer> | string): Promise<void> {
  await fetch(what, { method: 'POST', body })
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
