import { formatLabels, labelsKey, type Labels } from '../../../src/engine/model/labels.ts'
import type { Appender, AppendResult, SeriesRef } from '../../../src/engine/model/store.ts'

export interface Recorded {
  readonly t: number
  /** NaN beside a marker. */
  readonly v: number
  readonly stale: boolean
}

interface Series {
  readonly labels: Labels
  readonly samples: Recorded[]
}

/** A store in memory with Prometheus's rules for what it accepts, which counts what it is asked for. */
export class Recorder {
  /** What the next commits fail with. */
  failure: Error | null = null
  /** Resolves commits; a test may hold them up. */
  gate: Promise<void> = Promise.resolve()
  /** How often a series was looked for by its labels. */
  lookUps = 0
  commits = 0
  private readonly all = new Map<SeriesRef, Series>()
  private readonly refs = new Map<string, SeriesRef>()

  appender = (): Appender => {
    const pending: [SeriesRef, Recorded][] = []
    const add = (ref: SeriesRef, sample: Recorded): AppendResult => {
      const last = this.seriesOf(ref).samples.at(-1)
      if (last && sample.t < last.t) return 'outOfOrder'
      if (last && sample.t === last.t) return Object.is(sample.v, last.v) ? 'appended' : 'duplicate'
      pending.push([ref, sample])
      return 'appended'
    }
    return {
      series: labels => this.find(labels),
      append: (ref, t, v) => add(ref, { t, v, stale: false }),
      appendStale: (ref, t) => add(ref, { t, v: NaN, stale: true }),
      appendHistogram: () => 'invalid',
      appendExemplar: () => 'disabled',
      setMetadata: () => undefined,
      commit: async () => {
        await this.gate
        if (this.failure) throw this.failure
        this.commits++
        for (const [ref, sample] of pending.splice(0)) this.seriesOf(ref).samples.push(sample)
      },
      rollback: () => {
        pending.length = 0
      },
    }
  }

  /** The samples of a series, by its printed labels. */
  samples(series: string): Recorded[] {
    return [...this.all.values()].find(({ labels }) => formatLabels(labels) === series)?.samples ?? []
  }

  /** Those of a series as text: `t=v`, with `stale` for markers; times count from `since`, in seconds. */
  print(series: string, since: number): string {
    const parts = this.samples(series).map(
      ({ t, v, stale }) => `${(t - since) / 1000}=${stale ? 'stale' : v}`,
    )
    return parts.join(' ')
  }

  /** Printed labels of all series that have samples, sorted. */
  get names(): string[] {
    const stored = [...this.all.values()].filter(({ samples }) => samples.length > 0)
    return stored.map(({ labels }) => formatLabels(labels)).sort()
  }

  /** The last sample of every series that has one. */
  get newest(): { readonly labels: Labels; readonly v: number }[] {
    return [...this.all.values()].flatMap(({ labels, samples }) => {
      const last = samples.at(-1)
      return last ? [{ labels, v: last.v }] : []
    })
  }

  private find(labels: Labels): SeriesRef {
    this.lookUps++
    const key = labelsKey(labels)
    let ref = this.refs.get(key)
    if (ref === undefined) {
      ref = this.refs.size + 1
      this.refs.set(key, ref)
      this.all.set(ref, { labels, samples: [] })
    }
    return ref
  }

  private seriesOf(ref: SeriesRef): Series {
    const series = this.all.get(ref)
    if (!series) throw new Error(`no series ${ref}`)
    return series
  }
}
