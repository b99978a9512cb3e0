import { expect } from 'vitest'
import { DiskFullError } from '../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../src/engine/disk/memory.ts'
import { parseMetricSelector } from '../../../src/engine/promql/syntax/metricselector.ts'
import type { Db, DbOptions } from '../../../src/engine/tsdb/db.ts'
import { FakeHost } from '../../fakehost.ts'
import { histogramOf, mixedEverything } from './mixed.ts'
import { sampleText, series } from './reading.ts'
import { openStore } from './store.ts'

// The store against the simplest store there is: a map from series to samples. A seed decides what happens; a script that
// finds a difference is made as short as it can be.

/** What can happen, and how often of all. */
const weights = {
  commit: 7,
  'three commits at once': 2,
  'a failing commit': 1,
  'a full disk': 1,
  sync: 1,
  'close and open': 1,
  'process crash': 1,
  'power cut': 1,
  'process crash within a commit': 1,
  upkeep: 3,
  'process crash within upkeep': 1,
  'out-of-order blocks': 1,
  deletion: 1,
  'process crash within a deletion': 1,
  'clean tombstones': 1,
  query: 1,
} as const
type What = keyof typeof weights

/** Each step has its own chance, so that others can be left out. */
interface Step {
  readonly what: What
  readonly seed: number
}

const names = Array.from({ length: 8 }, (_, i) => `s${i}`)

/** Runs one seed.
 *  @throws Error with its shortest script when the store is not what the map is */
export async function runSeed(seed: number): Promise<void> {
  const chance = new FakeHost({ seed })
  const bag = Object.entries(weights).flatMap(([what, n]) => Array<What>(n).fill(what as What))
  const script = Array.from({ length: 20 }, (): Step => {
    return {
      what: bag[Math.floor(chance.random() * bag.length)]!,
      seed: Math.floor(chance.random() * 2 ** 32),
    }
  })
  // Samples out of order need a log of their own, which a power cut may cut elsewhere: then the map does not know.
  const late = seed % 3 === 0
  const failure = await failureOf(script, late)
  if (failure === null) return
  const shortest = await shortened(script, late)
  const steps = shortest.map(({ what, seed }) => `${what} (${seed})`).join(', ')
  throw new Error(`seed ${seed}${late ? ', samples out of order' : ''}: ${steps}`, {
    cause: (await failureOf(shortest, late)) ?? failure,
  })
}

async function shortened(script: readonly Step[], late: boolean): Promise<readonly Step[]> {
  for (let i = script.length - 1; i >= 0; i--) {
    const shorter = script.toSpliced(i, 1)
    if ((await failureOf(shorter, late)) !== null) script = shorter
  }
  return script
}

async function failureOf(script: readonly Step[], late: boolean): Promise<unknown> {
  try {
    const world = await World.open(late)
    for (const step of script) await world.take(step)
    await world.check()
    return null
  } catch (error) {
    return error
  }
}

type Change =
  | { readonly kind: 'samples'; readonly samples: readonly Sample[] }
  | {
      readonly kind: 'deletion'
      readonly names: readonly string[]
      readonly minT: number
      readonly maxT: number
    }

interface Sample {
  readonly name: string
  readonly t: number
  readonly text: string
}

class World {
  private readonly options: DbOptions
  private readonly late: boolean
  private disk = new MemoryDisk()
  private db!: Db
  /** What was acknowledged, in the order of the log. */
  private changes: Change[] = []
  /** Changes that a power cut cannot take. */
  private safe = 0
  private now = 1_700_000_000_000
  private host = new FakeHost()
  private below: (n: number) => number = () => 0

  private constructor(late: boolean) {
    this.late = late
    this.options = { segmentBytes: 32 * 1024, chunkRangeMs: 120_000, outOfOrderWindowMs: late ? 300_000 : 0 }
  }

  static async open(late: boolean): Promise<World> {
    const world = new World(late)
    await world.reopen()
    return world
  }

  async take({ what, seed }: Step): Promise<void> {
    this.host = new FakeHost({ seed })
    this.below = n => Math.floor(this.host.random() * n)
    await this.acts[what]()
    // After the steps that do little the next one that does more will tell.
    if (what !== 'commit' && what !== 'three commits at once') await this.check()
  }

  async check(): Promise<void> {
    expect(await this.found()).toEqual(textOf(modelOf(this.changes, this.late)))
  }

  private readonly acts: Readonly<Record<What, () => Promise<void>>> = {
    commit: () => this.commit(),
    'three commits at once': async () => {
      await Promise.all([this.commit(), this.commit(), this.commit()])
    },
    'a failing commit': async () => {
      this.disk.failNextAppend(this.below(2) ? new DiskFullError('wal') : new Error('the cable is loose'))
      await this.commit('inOrder').catch(() => undefined)
      this.disk.capacity = Infinity
      // A rollback may not have used the failure up.
      await this.disk.append('probe', 0, new Uint8Array(0), 'relaxed').catch(() => undefined)
      await this.disk.remove('probe')
    },
    'a full disk': async () => {
      this.disk.capacity = this.disk.used + this.below(300)
      await Promise.allSettled([this.commit('inOrder'), this.commit('inOrder')])
      this.disk.capacity = Infinity
    },
    sync: () => this.sync(),
    'close and open': async () => {
      await this.db.close()
      this.safe = this.changes.length
      await this.reopen()
    },
    'process crash': async () => {
      this.crash('process')
      await this.reopen()
      expect(this.db.notices()).toEqual([])
    },
    'power cut': async () => {
      this.crash(this.late ? 'process' : 'power')
      await this.reopen()
      // What follows compares what is left.
      if (!this.late) await this.forgetLost()
    },
    'process crash within a commit': async () => {
      const before = this.changes.slice()
      const running = this.commit('inOrder')
      this.crash('process')
      await running
      await this.reopen()
      // It was not acknowledged, so both are right; but it is there as a whole or not at all.
      if (same(await this.found(), textOf(modelOf(before, this.late)))) this.changes = before
    },
    upkeep: async () => {
      await Promise.all([this.db.upkeep.run(), this.below(2) ? this.commit() : null])
    },
    'process crash within upkeep': () => this.dieWithin(this.db.upkeep.run()),
    'out-of-order blocks': () => this.db.upkeep.exclusive(signal => this.db.upkeep.blocksOfLate(signal)),
    deletion: async () => {
      const deletion = this.someDeletion()
      await this.delete(deletion)
      this.changes.push(deletion)
      // A part of it is in blocks, for good; the map knows it only as a whole.
      await this.sync()
    },
    'process crash within a deletion': async () => {
      const deletion = this.someDeletion()
      const before = modelOf(this.changes, this.late)
      await this.dieWithin(this.delete(deletion).catch(() => undefined))
      this.changes.push(deletion)
      const [found, after] = [await this.found(), textOf(modelOf(this.changes, this.late))]
      if (!isBetween(found, after, textOf(before))) expect(found).toEqual(after)
      await this.delete(deletion)
      await this.sync()
    },
    'clean tombstones': () => this.db.admin.cleanTombstones(),
    query: async () => undefined,
  }

  private async commit(order: 'any' | 'inOrder' = 'any'): Promise<void> {
    const { below } = this
    const appender = this.db.appender()
    const samples: Sample[] = []
    for (let n = 1 + below(6); n > 0; n--) {
      const name = names[below(names.length)]!
      const ref = appender.series(series(name))
      // A kind stays for a while.
      const histograms = below(4) === 0
      for (let k = 1 + below(below(10) === 0 ? 200 : 3); k > 0; k--) {
        this.now += below(20_000)
        // Often on time, sometimes late, sometimes twice.
        const behind = below(5) === 0 && (!this.late || order === 'any')
        const t = this.now - (behind ? below(150_000) : 0)
        const text = histograms ? this.appendHistogram(appender, ref, t) : this.appendFloat(appender, ref, t)
        if (text !== null) samples.push({ name, t, text })
      }
    }
    if (below(8) === 0) {
      appender.rollback()
      return
    }
    await appender.commit()
    this.changes.push({ kind: 'samples', samples })
  }

  /** Answers the sample as text when it was taken. */
  private appendFloat(appender: ReturnType<Db['appender']>, ref: number, t: number): string | null {
    const v = [1, this.now % 1000, this.host.random(), NaN, -0, 0][this.below(6)]!
    const stale = this.below(12) === 0
    const result = stale ? appender.appendStale(ref, t) : appender.append(ref, t, v)
    return result === 'appended' ? sampleText(t, v, stale) : null
  }

  private appendHistogram(appender: ReturnType<Db['appender']>, ref: number, t: number): string | null {
    const kind = (['int', 'int', 'frac', 'gauge'] as const)[this.below(4)]!
    const n = this.below(12)
    const result = appender.appendHistogram(ref, t, histogramOf(kind, n))
    return result === 'appended' ? `${t}:${kind}${n}` : null
  }

  private someDeletion(): Change & { kind: 'deletion' } {
    const { below, now } = this
    const minT = below(5) === 0 ? 0 : now - below(600_000)
    const maxT = below(5) === 0 ? now + 1_000_000 : minT + below(300_000)
    return { kind: 'deletion', names: names.filter(() => below(2) === 0).concat('none'), minT, maxT }
  }

  private delete({ names, minT, maxT }: Change & { kind: 'deletion' }): Promise<void> {
    return this.db.admin.deleteSeries([parseMetricSelector(`{__name__=~"${names.join('|')}"}`)], {
      minT,
      maxT,
    })
  }

  private async sync(): Promise<void> {
    await this.db.sync()
    this.safe = this.changes.length
  }

  private async dieWithin(work: Promise<void>): Promise<void> {
    for (let turns = this.below(150); turns > 0; turns--) await Promise.resolve()
    this.crash('process')
    await work
    await this.reopen()
  }

  private crash(how: 'process' | 'power'): void {
    this.disk = this.disk.crash(how, () => this.host.random())
  }

  private async reopen(): Promise<void> {
    this.db = (await openStore(this.disk, this.options, new FakeHost({ seed: this.below(2 ** 31) }))).db
  }

  /** After a power cut: all that was safe is there, and of the others any beginning; of the last one a part may be there,
   *  as a batch in which a series changes its kind is more than one record. */
  private async forgetLost(): Promise<void> {
    const found = await this.found()
    for (let count = this.safe; count < this.changes.length; count++) {
      const next = this.changes[count]!
      const least = textOf(modelOf(this.changes.slice(0, count), this.late))
      const most = textOf(modelOf(this.changes.slice(0, count + 1), this.late))
      if (same(found, most) || !isBetween(found, least, most)) continue
      this.changes.length = count
      if (next.kind === 'samples') this.changes.push({ ...next, samples: next.samples.filter(isIn(found)) })
      break
    }
    this.safe = this.changes.length
  }

  /** What the store answers. Of a stale marker it is of no importance which kind of histogram it ends, and of a series that
   *  has nothing left, whether it shows. */
  private async found(): Promise<Record<string, string>> {
    const querier = this.db.querier()
    const all = Object.entries(await mixedEverything(querier))
    querier.close?.()
    const texts = all.map(([name, text]) => [name, text.replace(/(int|frac)Stale/g, 'stale')] as const)
    return Object.fromEntries(texts.filter(([, text]) => text !== ''))
  }
}

/** Whether a state is between two others: nothing is gone of the one, and nothing there that the other has not. */
function isBetween(
  found: Record<string, string>,
  least: Record<string, string>,
  most: Record<string, string>,
): boolean {
  const within = (a = '', b = '') => {
    const all = new Set(b.split(' '))
    return a === '' || a.split(' ').every(part => all.has(part))
  }
  return names.every(name => within(least[name], found[name]) && within(found[name], most[name]))
}

function isIn(found: Record<string, string>): (sample: Sample) => boolean {
  const all = new Map(Object.entries(found).map(([name, text]) => [name, new Set(text.split(' '))]))
  return ({ name, text }) => all.get(name)?.has(text) === true
}

function same(a: Record<string, string>, b: Record<string, string>): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Series → its samples by time, and the time up to which they came in order. */
type Model = Map<string, { readonly samples: Map<number, string>; lastT: number }>

/** A sample counts if it is later than the last of its series; or, where samples may come out of order, if there is none of
 *  its time. */
function modelOf(changes: readonly Change[], late: boolean): Model {
  const model: Model = new Map(
    names.map(name => [name, { samples: new Map<number, string>(), lastT: -Infinity }]),
  )
  for (const change of changes) {
    if (change.kind === 'samples') {
      for (const { name, t, text } of change.samples) {
        const kept = model.get(name)!
        if (t > kept.lastT || (late && t < kept.lastT && !kept.samples.has(t))) kept.samples.set(t, text)
        kept.lastT = Math.max(kept.lastT, t)
      }
    } else {
      for (const name of change.names) {
        const samples = model.get(name)?.samples ?? new Map<number, string>()
        for (const t of samples.keys()) if (t >= change.minT && t <= change.maxT) samples.delete(t)
      }
    }
  }
  return model
}

function textOf(model: Model): Record<string, string> {
  const rows = [...model].map(([name, { samples }]) => {
    const sorted = [...samples].sort(([a], [b]) => a - b)
    return [name, sorted.map(([, text]) => text).join(' ')] as const
  })
  return Object.fromEntries(rows.filter(([, text]) => text !== ''))
}
