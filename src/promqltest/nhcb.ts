import { resetHint, schemas } from '../engine/model/histogram.ts'
import { FloatHistogram } from '../engine/model/histogram/float.ts'
import { compactInPlace } from '../engine/model/histogram/floatadd.ts'
import { labelsKey, metricName, valueOf, withLabel, type Labels } from '../engine/model/labels.ts'
import { ScriptError } from './scripterror.ts'
import type { StoredSample, StoredSeries } from './load.ts'

// Classic histograms become native ones with custom buckets (upstream's `util/convertnhcb` and `appendCustomHistogram`).

/** Makes a series of native histograms from each classic histogram among the series: a name without its ending, labels
 *  without `le`.
 *  @throws ScriptError when the buckets of one do not ascend to its count */
export function convertClassic(loaded: readonly StoredSeries[]): StoredSeries[] {
  const all = new Map<string, { labels: Labels; readonly byTime: Map<number, Classic> }>()
  for (const { labels, samples } of loaded) {
    const part = partOf(labels)
    if (part === null) continue
    const key = labelsKey(part.labels)
    let found = all.get(key)
    if (!found) all.set(key, (found = { labels: part.labels, byTime: new Map() }))
    for (const { t, v, histogram } of samples) {
      if (histogram) continue
      let classic = found.byTime.get(t)
      if (!classic) found.byTime.set(t, (classic = new Classic()))
      classic.set(part, v)
    }
  }
  return [...all.values()].map(({ labels, byTime }) => ({ labels, samples: samplesOf(byTime) }))
}

function samplesOf(byTime: ReadonlyMap<number, Classic>): StoredSample[] {
  const times = [...byTime.keys()].sort((a, b) => a - b)
  return times.map(t => {
    const histogram = (byTime.get(t) as Classic).converted()
    return { t, v: NaN, stale: false, histogram, start: 0 }
  })
}

interface Part {
  readonly what: 'bucket' | 'count' | 'sum'
  /** Of a bucket. */
  readonly le: number
  /** Of the histogram. */
  readonly labels: Labels
}

/** Which part of a histogram the series is; null when it is none. */
function partOf(labels: Labels): Part | null {
  const [, base = '', what] = /^(.*)_(bucket|count|sum)$/s.exec(valueOf(labels, metricName)) ?? []
  if (what === undefined) return null
  const le = valueOf(labels, 'le')
  const bound = /^[+-]?inf$/i.test(le) ? (le.startsWith('-') ? -Infinity : Infinity) : Number(le || NaN)
  if (what === 'bucket' && Number.isNaN(bound)) return null
  const whole = withLabel(withLabel(labels, metricName, base), 'le', '')
  return { what: what as Part['what'], le: bound, labels: whole }
}

/** One classic histogram at one time. */
class Classic {
  private readonly buckets = new Map<number, number>()
  private count: number | null = null
  private sum = 0

  set({ what, le }: Part, v: number): void {
    if (what === 'sum') this.sum = v
    else if (v < 0) throw new ScriptError(`want no negative count in a classic histogram, found ${v}`)
    else if (what === 'count') this.count = v
    else if (!this.buckets.has(le)) this.buckets.set(le, v)
  }

  /** @throws ScriptError */
  converted(): FloatHistogram {
    const buckets = [...this.buckets].sort(([a], [b]) => a - b)
    const count = this.count ?? buckets.at(-1)?.[1] ?? 0
    if (buckets.at(-1)?.[0] !== Infinity) buckets.push([Infinity, count])
    const last = buckets.at(-1)?.[1]
    if (last !== count) throw new ScriptError(`count mismatch: count=${count} != le=+Inf count=${last}`)
    const positive = Float64Array.from(buckets, ([, v], i) => v - (buckets[i - 1]?.[1] ?? 0))
    if (positive.some(v => v < 0)) throw new ScriptError('want cumulative counts of a classic histogram')
    const histogram = new FloatHistogram({
      ...{ schema: schemas.custom, zeroThreshold: 0, zeroCount: 0, count, sum: this.sum },
      positiveSpans: Int32Array.of(0, positive.length),
      negativeSpans: new Int32Array(0),
      positive,
      negative: new Float64Array(0),
      bounds: Float64Array.from(buckets.slice(0, -1), ([le]) => le),
      hint: resetHint.unknown,
    })
    compactInPlace(histogram)
    return histogram
  }
}
