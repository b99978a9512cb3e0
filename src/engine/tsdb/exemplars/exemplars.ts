import type { Registry } from '../../metrics/registry.ts'
import type { Exemplar, SeriesExemplars } from '../../model/exemplar.ts'
import { compareLabels, labelsKey, valueOf, type Labels } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import type { ExemplarResult, TimeRange } from '../../model/store.ts'
import { exemplarMetrics } from './metrics.ts'
import { ExemplarRing, type ExemplarList } from './ring.ts'

/** Code points that the labels of an exemplar may have together, names and values. */
const maxLabelLength = 128

/** A series with its list in the ring. */
interface ExemplarSeries extends ExemplarList {
  readonly key: string
  readonly labels: Labels
}

/** The newest exemplars of all series (upstream `CircularExemplarStorage`): when there is no more room, the one goes that
 *  came first. Series are told apart by their labels, so it is all one whether the head has let one go and taken it up
 *  again meanwhile. */
export class ExemplarStore {
  private readonly ring: ExemplarRing<ExemplarSeries>
  private readonly bySeries = new Map<string, ExemplarSeries>()
  private readonly metrics: ReturnType<typeof exemplarMetrics>
  private windowMs = 0

  /** @param capacity how many are kept; 0 keeps none. Memory is taken as they come */
  constructor(capacity: number, metrics: Registry) {
    this.ring = new ExemplarRing(capacity)
    this.metrics = exemplarMetrics(metrics, this)
  }

  get capacity(): number {
    return this.ring.capacity
  }

  get count(): number {
    return this.ring.count
  }

  /** Series that have exemplars here. */
  get seriesCount(): number {
    return this.bySeries.size
  }

  /** Time of the one that goes next, in milliseconds; null when there is none. */
  get oldestT(): number | null {
    return this.ring.count > 0 ? this.ring.timeAt(this.ring.oldest) : null
  }

  /** How much older than the newest of its series an exemplar may be and still be taken, in milliseconds (upstream's
   *  out-of-order window); 0 takes none that is older. */
  setWindow(windowMs: number): void {
    this.windowMs = Math.max(0, windowMs)
  }

  /** What `add` would answer. Nothing is counted. */
  check(labels: Labels, exemplar: Exemplar): ExemplarResult {
    return this.fit(this.bySeries.get(labelsKey(labels)), exemplar)
  }

  /** Adds an exemplar of the series with these labels. */
  add(labels: Labels, exemplar: Exemplar): ExemplarResult {
    const key = labelsKey(labels)
    const result = this.fit(this.bySeries.get(key), exemplar)
    if (result === 'outOfOrder') this.metrics.outOfOrder.inc()
    if (result !== 'appended') return result
    this.makeRoom()
    // Looked up again: the series may just have lost its last one.
    this.ring.add(this.findOrCreate(key, labels), exemplar)
    this.metrics.appended.inc()
    return result
  }

  /** The series for which every matcher of one of the sets holds and which have exemplars in the range, in the order of
   *  their labels. */
  select(sets: readonly (readonly Matcher[])[], { minT, maxT }: TimeRange): SeriesExemplars[] {
    const { ring } = this
    const found: SeriesExemplars[] = []
    for (const series of this.bySeries.values()) {
      const { labels, first, last } = series
      if (ring.timeAt(first) > maxT || ring.timeAt(last) < minT || !matchesSome(labels, sets)) continue
      const exemplars = [...ring.list(series, minT, maxT)]
      if (exemplars.length > 0) found.push({ labels, exemplars })
    }
    return found.sort((a, b) => compareLabels(a.labels, b.labels))
  }

  /** Changes how many are kept; of more than that the newest stay. Answers how many have been kept. */
  resize(capacity: number): number {
    while (this.ring.count > Math.max(0, capacity)) this.dropOldest()
    this.ring.resize(capacity, this.bySeries.values())
    return this.ring.count
  }

  private fit(series: ExemplarSeries | undefined, exemplar: Exemplar): ExemplarResult {
    const { ring } = this
    if (ring.capacity === 0) return 'disabled'
    if (isTooLong(exemplar.labels)) return 'tooLong'
    if (!series) return 'appended'
    const newest = ring.at(series.last)
    if (isSame(newest, exemplar)) return 'duplicate'
    if (isBefore(exemplar, newest, this.windowMs)) return 'outOfOrder'
    // Among older ones only times are looked at: native histograms bring many exemplars each time.
    const late = exemplar.t < newest.t && exemplar.t >= ring.timeAt(series.first)
    return late && ring.timeAt(ring.placeBefore(series, exemplar.t)) === exemplar.t ? 'duplicate' : 'appended'
  }

  private makeRoom(): void {
    if (this.ring.count === this.ring.capacity) this.dropOldest()
  }

  private dropOldest(): void {
    const series = this.ring.dropOldest()
    if (series.first < 0) this.bySeries.delete(series.key)
  }

  private findOrCreate(key: string, labels: Labels): ExemplarSeries {
    let series = this.bySeries.get(key)
    if (!series) this.bySeries.set(key, (series = { key, labels, first: -1, last: -1 }))
    return series
  }
}

function matchesSome(labels: Labels, sets: readonly (readonly Matcher[])[]): boolean {
  return sets.some(set => set.every(({ name, matches }) => matches(valueOf(labels, name))))
}

function isTooLong(labels: Labels): boolean {
  let units = 0
  for (const text of labels) units += text.length
  if (units <= maxLabelLength) return false
  // A code point has at most two units: nobody counts a long text.
  return units > 2 * maxLabelLength || Array.from(labels.join('')).length > maxLabelLength
}

function isSame(a: Exemplar, b: Exemplar): boolean {
  if ((a.timed || b.timed) && a.t !== b.t) return false
  return a.v === b.v && compareLabels(a.labels, b.labels) === 0
}

/** Whether an exemplar comes too late. Several at one time, as of the buckets of a histogram, come in the order of values,
 *  then labels: so repeated ones are found without a search. Upstream has the labels in the order of their hashes; ours is the
 *  one in which its scraper sorts exemplars, too. */
function isBefore(exemplar: Exemplar, newest: Exemplar, windowMs: number): boolean {
  if (exemplar.t !== newest.t) return exemplar.t < newest.t && exemplar.t <= newest.t - windowMs
  if (exemplar.v !== newest.v) return exemplar.v < newest.v
  return compareLabels(exemplar.labels, newest.labels) < 0
}
