import { expect, test } from 'vitest'
import { formatLabels, type Labels } from '../../../../src/engine/model/labels.ts'
import { matcher } from '../../../../src/engine/model/matcher.ts'
import type { HeadAppender } from '../../../../src/engine/tsdb/head/appender.ts'
import { HeadQuerier } from '../../../../src/engine/tsdb/querier.ts'
import { FakeHost } from '../../../fakehost.ts'
import { always, sampleText, series } from '../store.ts'
import { append, LoggedHead, type Value } from './harness.ts'
import { chunksText, histogram, histogramText, snapshotText } from './text.ts'

// The head against a map from series to samples: floats and histograms, deletions, chunks on disk. A seed decides what happens; BRAZIER_SEED=17 runs one of them alone.

const only = process.env.BRAZIER_SEED
const seeds = only ? [Number(only)] : Array.from({ length: 160 }, (_, i) => i + 1)
const chunkRangeMs = 600_000

test.each(seeds)('seed %i', async seed => {
  const run = new Run(seed)
  try {
    await run.steps(40)
  } catch (error) {
    throw new Error(`seed ${seed} after: ${run.log.join(', ')}`, { cause: error })
  }
})

interface Sample {
  readonly name: string
  readonly t: number
  readonly text: string
  deleted: boolean
}

class Run {
  readonly log: string[] = []
  private readonly host: FakeHost
  private store: LoggedHead
  /** What is stored, in time order; all of it, whatever the head has let go. */
  private readonly model = new Map<string, Sample[]>()
  /** Numbers that somebody remembers, however old they are. */
  private readonly refs = new Map<string, number>()
  /** Appenders that will be committed later. */
  private readonly open: { readonly appender: HeadAppender; readonly samples: readonly Sample[] }[] = []
  /** Selections made earlier, and what they must tell. */
  private readonly snapshots: { readonly read: () => string[]; readonly expected: string[] }[] = []
  private now = 1_700_000_000_000
  /** What the log is cut to: where the head begins, or one truncation behind. */
  private logT = -Infinity
  private readonly lags: boolean

  constructor(seed: number) {
    this.host = new FakeHost({ seed })
    this.lags = this.below(2) === 0
    this.store = new LoggedHead(chunkRangeMs, -Infinity, this.host)
  }

  async steps(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const what = this.below(14)
      if (what < 4) await this.step('commit', () => this.commit(this.fill()))
      else if (what === 4) await this.step('leave an appender open', () => this.open.push(this.fill()))
      else if (what === 5) await this.step('end one that was left', () => this.endOpen())
      else if (what === 6) await this.step('make a block', () => this.makeBlock())
      else if (what === 7)
        await this.step('truncate anywhere', () => this.truncate(this.now - this.below(900_000)))
      else if (what === 8) await this.step('take a snapshot', () => this.takeSnapshot())
      else if (what === 9) await this.step('checkpoint', () => this.checkpoint())
      else if (what === 10) await this.step('restart', () => this.restart())
      else if (what === 11) await this.step('delete', () => this.delete())
      else if (what === 12) await this.step('save chunks', () => this.save())
      else await this.step('pause', () => (this.now += this.below(1_500_000)))
      await this.compare(this.store)
    }
    for (const { read, expected } of this.snapshots) expect(read()).toEqual(expected)
  }

  private async step(name: string, act: () => unknown): Promise<void> {
    this.log.push(name)
    await act()
  }

  private below(n: number): number {
    return Math.floor(this.host.random() * n)
  }

  private fill(): { appender: HeadAppender; samples: Sample[] } {
    const appender = this.store.appender()
    const samples: Sample[] = []
    for (let n = 1 + this.below(5); n > 0; n--) {
      const name = `s${this.below(9)}`
      for (let k = 1 + this.below(this.below(8) === 0 ? 150 : 4); k > 0; k--) {
        this.now += this.below(15_000)
        const t = this.now - (this.below(5) === 0 ? this.below(600_000) : 0)
        const v = this.value(name)
        if (this.append(appender, name, t, v)) samples.push(sampleOf(name, t, v))
      }
    }
    return { appender, samples }
  }

  /** Some series have floats, some histograms, and some change now and then. */
  private value(name: string): Value {
    if (this.below(15) === 0) return 'stale'
    const n = Number(name.slice(1))
    if (n % 3 === 0 || (n % 3 === 1 && this.below(3) === 0))
      return this.below(2) === 0 ? 1 : this.host.random()
    const counts = Object.fromEntries(
      Array.from({ length: 1 + this.below(4) }, (_, k) => [k + 1, this.below(100)]),
    )
    const schema = this.below(5) === 0 ? -53 : 0
    return histogram(counts, { float: n % 2 === 0, hint: n === 8 ? 3 : 0, schema })
  }

  /** Appends as a scrape does, by the number that it remembers. */
  private append(appender: HeadAppender, name: string, t: number, v: Value): boolean {
    const known = this.refs.get(name)
    let result = known === undefined ? 'unknownSeries' : append(appender, known, t, v)
    if (result === 'unknownSeries') {
      const ref = appender.series(labelsOf(name))
      this.refs.set(name, ref)
      result = append(appender, ref, t, v)
      expect(result).not.toBe('unknownSeries')
    }
    expect(result === 'outOfBounds').toBe(t < appender.minValidT)
    return result === 'appended'
  }

  private async commit({ appender, samples }: Run['open'][number]): Promise<void> {
    if (this.below(8) === 0) {
      appender.rollback()
      return
    }
    await appender.commit()
    const { minValidT } = this.store.head
    for (const sample of samples) {
      const kept = this.model.get(sample.name) ?? []
      this.model.set(sample.name, kept)
      if (sample.t >= minValidT && sample.t > (kept.at(-1)?.t ?? -Infinity)) kept.push(sample)
    }
  }

  private delete(): void {
    const name = `s${this.below(9)}`
    const minT = this.now - this.below(3_000_000)
    const maxT = minT + this.below(1_000_000)
    this.store.delete([matcher('__name__', '=', name)], { minT, maxT })
    for (const sample of this.model.get(name) ?? []) {
      if (sample.t >= minT && sample.t <= maxT && sample.t >= this.store.head.minValidT) sample.deleted = true
    }
  }

  /** Files go as a whole, the oldest first. */
  private save(): void {
    this.store.save()
    expect(this.store.head.unsavedChunks()).toEqual([])
    const { disk, head } = this.store
    while (disk.length > 0 && disk[0]!.maxT < Math.min(head.minT, head.minValidT)) disk.shift()
  }

  private async endOpen(): Promise<void> {
    const [one] = this.open.splice(this.below(this.open.length), 1)
    if (one) await this.commit(one)
  }

  private async makeBlock(): Promise<void> {
    const { head } = this.store
    while (head.compactable()) {
      while (this.open.length > 0) await this.endOpen()
      const { minT, maxT } = head.nextBlockRange()
      await head.appenders.settled(maxT)
      const chunks = head.seriesChunks(minT, maxT)
      // Whether it is read before or after: what it tells is of the moment in which it was asked for.
      const expected = this.expected(minT, maxT)
      await this.truncate(maxT)
      const found: [string, string][] = []
      for await (const { labels, chunks: parts } of chunks) {
        for (const part of parts) expect(part.minT >= minT && part.maxT < maxT).toBe(true)
        found.push([formatLabels(labels), anyMarker(chunksText(parts))])
      }
      expect(found).toEqual(expected)
    }
  }

  private async truncate(minT: number): Promise<void> {
    const { head } = this.store
    const before = head.minT
    if (this.below(2) === 0) head.truncate(minT)
    else await head.truncateInSteps(minT)
    if (before < minT) this.logT = this.lags ? before : head.minValidT
  }

  private takeSnapshot(): void {
    const snapshots = this.store.head.snapshot([], always)
    const read = () => snapshots.map(snapshot => `${formatLabels(snapshot.labels)} ${snapshotText(snapshot)}`)
    this.snapshots.push({ read, expected: read() })
  }

  /** Two thirds of the log, as upstream does it. */
  private checkpoint(): void {
    this.store.checkpoint(this.logT, Math.floor((this.store.records.length * 2) / 3))
  }

  /** With the chunks that are on disk, or those that a power cut has left there. */
  private async restart(): Promise<void> {
    const { disk, head } = this.store
    const left = this.below(3) === 0 ? disk.slice(0, this.below(disk.length)) : disk
    const { again, unknown } = this.store.restart(head.minValidT, left)
    expect(unknown).toBe(0)
    await this.compare(again)
    await this.restartBehind()
    if (this.below(2) === 0) return
    this.store = again
    this.refs.clear()
    this.open.length = 0
  }

  /** The newest block is lost: the log has its samples, and those that the head refused because of it. */
  private async restartBehind(): Promise<void> {
    const { again, unknown } = this.store.restart(this.logT, this.store.disk)
    expect(unknown).toBe(0)
    const all = await again.everything()
    for (const [name, text] of this.expected(this.logT, Infinity)) {
      expect(anyMarker(all[name] ?? '').split(' ')).toEqual(expect.arrayContaining(text.split(' ')))
    }
  }

  private expected(minT: number, maxT: number): [string, string][] {
    return [...this.model]
      .map(([name, samples]): [string, string] => [
        formatLabels(labelsOf(name)),
        samples
          .filter(({ t, deleted }) => t >= minT && t < maxT && !deleted)
          .map(({ text }) => text)
          .join(' '),
      ])
      .filter(([, text]) => text !== '')
      .sort(([a], [b]) => (a < b ? -1 : 1))
  }

  private async compare(store: LoggedHead): Promise<void> {
    const { head } = store
    const { minValidT } = head
    const all = await store.everything()
    const found = Object.entries(all).map(([name, text]) => [name, since(anyMarker(text), minValidT)])
    expect(found.filter(([, text]) => text !== '')).toEqual(this.expected(minValidT, Infinity))
    // Not even those that a chunk has from before.
    for (const [name, samples] of this.model) {
      const texts = (all[formatLabels(labelsOf(name))] ?? '').split(' ')
      for (const { text, deleted } of samples) if (deleted) expect(texts).not.toContain(text)
    }
    // What was deleted is still there for the times of the head, and for who asks for names.
    const kept = [...this.model]
      .map(([name, samples]) => ({ name, times: samples.map(({ t }) => t).filter(t => t >= minValidT) }))
      .filter(({ times }) => times.length > 0)
    expect(head.seriesCount).toBe(kept.length)
    const times = kept.flatMap(each => each.times)
    // A chunk that reaches over the last truncation stays.
    if (minValidT === -Infinity) expect(head.minT).toBe(Math.min(...times))
    expect(head.maxT).toBe(Math.max(...times))
    const names = await new HeadQuerier(head).labelValues('__name__', [], always)
    expect(names).toEqual(kept.map(({ name }) => name).sort())
  }
}

function sampleOf(name: string, t: number, v: Value): Sample {
  if (v === 'stale') return { name, t, text: `${t}:stale`, deleted: false }
  return {
    name,
    t,
    text: typeof v === 'number' ? sampleText(t, v, false) : histogramText(t, v),
    deleted: false,
  }
}

/** Whether a marker ends floats or histograms depends on what of the series is still known. */
function anyMarker(text: string): string {
  return text.replaceAll(/stale-f?h/g, 'stale')
}

function labelsOf(name: string): Labels {
  const n = Number(name.slice(1))
  return series(name, { parity: String(n % 2), third: `t${n % 3}` })
}

function since(text: string, minT: number): string {
  return text
    .split(' ')
    .filter(sample => Number(sample.split(':')[0]) >= minT)
    .join(' ')
}
