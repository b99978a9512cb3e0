import { expect, test } from 'vitest'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import { compareLabels, formatLabels } from '../../../../src/engine/model/labels.ts'
import type { Histogram } from '../../../../src/engine/model/histogram.ts'
import type { SeriesBatch, TimeRange } from '../../../../src/engine/model/store.ts'
import type { Run } from '../../../../src/engine/tsdb/outoforder/chunk.ts'
import type { OutOfOrderCompaction } from '../../../../src/engine/tsdb/outoforder/compaction.ts'
import { OutOfOrder } from '../../../../src/engine/tsdb/outoforder/outoforder.ts'
import { OutOfOrderReplay } from '../../../../src/engine/tsdb/outoforder/replay.ts'
import { FakeHost } from '../../../fakehost.ts'
import { always, sampleText, series } from '../store.ts'
import {
  columnsOf,
  decoded,
  histogram,
  histogramText,
  readAll,
  readBatches,
  readChunks,
  SeriesOnly,
  textsOf,
  wordsOf,
} from './lateseries.ts'

// Out-of-order samples against plain maps, with a log that a restart reads. BRAZIER_SEED=17 runs one
// seed alone.

const only = process.env.BRAZIER_SEED
const seeds = only ? [Number(only)] : Array.from({ length: 120 }, (_, i) => i + 1)
const chunkRangeMs = 1000

const all = ['a', 'b', 'c'].map((name, i) => ({ ref: i + 1, labels: series(name) }))

interface Sample {
  readonly ref: number
  readonly t: number
  readonly value: number | Histogram
}

/** Series → time → what is seen there. */
type Seen = Map<number, Map<number, string>>

test.each(seeds)('seed %i', async seed => {
  const run = new Script(seed)
  try {
    for (let i = 0; i < 60; i++) await run.step()
    await run.end()
  } catch (error) {
    throw new Error(`seed ${seed} after: ${run.steps.join(', ')}`, { cause: error })
  }
})

class Script {
  readonly steps: string[] = []
  private readonly host: FakeHost
  private readonly capacity: number
  /** Whether samples of one time may differ. Then it matters which came first. */
  private readonly conflicts: boolean
  private late: OutOfOrder
  private head: SeriesOnly
  private live: Seen = new Map()
  private frozen: Seen = new Map()
  private compaction: OutOfOrderCompaction | null = null
  /** The log, and how much of it was there when the compaction began. */
  private log: Sample[] = []
  private cut = 0
  private readonly selections: { batches: AsyncIterable<SeriesBatch>; expected: Record<string, string[]> }[] =
    []

  constructor(seed: number) {
    this.host = new FakeHost({ seed })
    this.capacity = 1 + this.below(8)
    this.conflicts = this.below(2) === 0
    this.late = new OutOfOrder({ chunkRangeMs, capacity: this.capacity })
    this.head = new SeriesOnly(this.late, all)
  }

  async step(): Promise<void> {
    const what = this.below(20)
    if (what < 10) this.do('insert', () => this.insert(1 + this.below(12)))
    else if (what === 11) this.do('select', () => this.select())
    else if (what < 15 && !this.compaction) this.do('begin', () => this.begin())
    else if (what === 15) this.do('done', () => this.done())
    else if (what === 16) this.do('abandon', () => this.abandon())
    else if (what === 17) this.do('restart', () => this.restart())
    if (this.below(3) === 0) await this.compare()
    if (this.compaction && this.below(3) === 0) await this.compareBlocks(this.compaction)
  }

  async end(): Promise<void> {
    await this.compare()
    for (const { batches, expected } of this.selections) expect(await readBatches(batches)).toEqual(expected)
  }

  private async compare(): Promise<void> {
    expect(await readAll(this.late.querier(this.head))).toEqual(this.expected())
  }

  private do(name: string, act: () => void): void {
    this.steps.push(name)
    act()
  }

  private below(n: number): number {
    return Math.floor(this.host.random() * n)
  }

  private insert(count: number): void {
    const ref = 1 + this.below(3)
    let t = this.anyTime()
    for (let i = 0; i < count; i++) {
      // A run in order, or anything.
      t = this.below(3) > 0 ? t + this.below(100) : this.anyTime()
      this.insertOne({ ref, t, value: this.valueAt(t) })
    }
  }

  /** Where they may differ, times meet often. */
  private anyTime(): number {
    return this.conflicts ? this.below(300) - 100 : this.below(6000) - 2000
  }

  private valueAt(t: number): number | Histogram {
    const kind = this.conflicts ? this.below(6) : Math.abs(t) % 6
    const value = this.conflicts ? this.below(1000) : Math.abs(t)
    if (kind === 0) return histogram(value)
    if (kind === 1) return histogram(value, { float: true })
    if (kind === 2) return histogram(value, { gauge: true })
    return kind === 3 ? NaN : value
  }

  private insertOne(sample: Sample): void {
    this.log.push(sample)
    const series = this.head.at(sample.ref)
    const { t, value } = sample
    if (typeof value === 'number') this.head.insert(series, t, ...wordsOf(value))
    else this.head.insertHistogram(series, columnsOf(t, value), 0)
    note(this.live, sample)
  }

  private select(): void {
    const batches = this.late.querier(this.head).select([], always)
    this.selections.push({ batches, expected: this.expected() })
  }

  private begin(): void {
    this.compaction = this.late.begin(this.head)
    if (!this.compaction) return expect(this.live.size).toBe(0)
    this.frozen = this.live
    this.live = new Map()
    this.cut = this.log.length
  }

  private done(): void {
    if (!this.compaction) return
    this.compaction.done()
    this.compaction = null
    this.frozen = new Map()
    this.log.splice(0, this.cut)
  }

  private abandon(): void {
    if (!this.compaction) return
    this.compaction.abandon()
    this.compaction = null
    const live = this.live
    this.live = this.frozen
    for (const [ref, times] of live) for (const [t, text] of times) see(this.live, ref, t, text)
    this.frozen = new Map()
  }

  /** Everything is forgotten but the log. */
  private restart(): void {
    this.abandonModel()
    this.late = new OutOfOrder({ chunkRangeMs, capacity: this.capacity })
    this.head = new SeriesOnly(this.late, all)
    const metrics = new Registry()
    const replay = new OutOfOrderReplay(this.head, metrics)
    for (const { ref, t, value } of this.log) {
      if (typeof value === 'number') replay.sample(ref, t, ...wordsOf(value))
      else replay.histogram(ref, columnsOf(t, value), 0)
    }
    expect(metrics.text()).not.toMatch(/unknown_refs_total\{/)
    // Nothing is kept twice.
    const kept = this.runs().flatMap(run => textsOf(decoded(run)))
    expect(kept.length).toBeLessThanOrEqual(this.log.length)
  }

  private abandonModel(): void {
    if (this.compaction) this.abandon()
  }

  private runs(): Run[] {
    return all.flatMap(({ ref }) => this.late.runs(this.head.at(ref), -Infinity, Infinity))
  }

  private expected(): Record<string, string[]> {
    const seen: Seen = new Map()
    for (const layer of [this.frozen, this.live])
      for (const [ref, times] of layer) for (const [t, text] of times) see(seen, ref, t, text)
    return this.textsIn(seen, always)
  }

  private textsIn(seen: Seen, { minT, maxT }: TimeRange): Record<string, string[]> {
    const found: Record<string, string[]> = {}
    for (const { ref, labels } of all) {
      const times = [...(seen.get(ref) ?? [])]
        .filter(([t]) => t >= minT && t <= maxT)
        .sort(([a], [b]) => a - b)
      if (times.length > 0) found[formatLabels(labels)] = times.map(([, text]) => text)
    }
    return found
  }

  private async compareBlocks({ ranges, seriesChunks }: OutOfOrderCompaction): Promise<void> {
    const times = [...this.frozen.values()].flatMap(series => [...series.keys()])
    const starts = [...new Set(times.map(t => Math.floor(t / chunkRangeMs) * chunkRangeMs))]
    expect(ranges).toEqual(starts.sort((a, b) => a - b).map(minT => ({ minT, maxT: minT + chunkRangeMs })))
    for (const { minT, maxT } of ranges) {
      const found = await readChunks(seriesChunks.call(this.compaction, minT, maxT))
      const texts = Object.fromEntries(found.map(({ labels, texts }) => [formatLabels(labels), texts]))
      expect(texts).toEqual(this.textsIn(this.frozen, { minT, maxT: maxT - 1 }))
      for (const { chunks } of found) {
        let last = minT - 1
        for (const chunk of chunks) {
          expect(chunk.minT).toBeGreaterThan(last)
          last = chunk.maxT
        }
        expect(last).toBeLessThan(maxT)
      }
      const labels = found.map(one => one.labels)
      expect([...labels].sort(compareLabels)).toEqual(labels)
    }
  }
}

function note(seen: Seen, { ref, t, value }: Sample): void {
  const text = typeof value === 'number' ? sampleText(t, value, false) : histogramText(t, value)
  see(seen, ref, t, text)
}

/** Of samples at one time the first is seen. */
function see(seen: Seen, ref: number, t: number, text: string): void {
  const times = seen.get(ref) ?? new Map<number, string>()
  if (!times.has(t)) times.set(t, text)
  seen.set(ref, times)
}
