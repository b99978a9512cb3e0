import type { ExpositionCursor } from '../exposition/cursor.ts'
import type { Labels } from '../model/labels.ts'
import type { AppendResult, Appender } from '../model/store.ts'
import type { SeriesCache } from './cache.ts'
import { sampleLabels } from './labels.ts'
import type { ScrapeMetrics } from './metrics.ts'
import type { Target } from './target.ts'

// Further ahead than that a clock is wrong (upstream's `maxAheadTime`).
const mostAheadMs = 10 * 60_000

/** What a scrape brought, as far as it was read. */
export class ScrapeCounts {
  /** Samples in the exposition: `scrape_samples_scraped`. */
  scraped = 0
  /** Samples that relabelling left: `scrape_samples_post_metric_relabeling`. */
  kept = 0
  /** Series that the last complete scrape did not have: `scrape_series_added`. */
  seriesAdded = 0
}

/** Appends the samples of an exposition of one target. What the store refuses is counted and no error. */
export class Ingestion {
  private readonly target: Target
  private readonly cache: SeriesCache
  private readonly metrics: ScrapeMetrics

  constructor(target: Target, cache: SeriesCache, metrics: ScrapeMetrics) {
    this.target = target
    this.cache = cache
    this.metrics = metrics
  }

  /** Samples get the time `t` unless they bring their own (upstream's `scrapeLoop.append`).
   *  @param counts is filled as far as the exposition can be read
   *  @throws SyntaxProblem where it cannot */
  run(cursor: ExpositionCursor, appender: Appender, t: number, counts: ScrapeCounts): void {
    for (let entry = cursor.next(); entry !== 'end'; entry = cursor.next()) {
      if (entry !== 'series') continue
      counts.scraped++
      this.sample(cursor, appender, t, counts)
      counts.kept++
    }
  }

  private sample(cursor: ExpositionCursor, appender: Appender, scrapeT: number, counts: ScrapeCounts): void {
    const { cache } = this
    const { bytes, keyFrom, keyTo } = cursor
    const own = cursor.hasTimestamp && this.target.honorTimestamps
    const t = own ? cursor.timestamp : scrapeT
    let entry = cache.find(bytes, keyFrom, keyTo)
    const isNew = entry < 0
    if (!isNew && cache.see(entry) && !own) {
      this.refuse('duplicate')
      return
    }
    let ref = isNew ? 0 : cache.ref(entry)
    if (ref === 0) {
      ref = appender.series(this.labels(cursor))
      if (!isNew) cache.setRef(entry, ref)
    }
    let result = t > scrapeT + mostAheadMs ? 'outOfBounds' : appender.append(ref, t, cursor.value)
    if (result === 'unknownSeries') {
      ref = appender.series(this.labels(cursor))
      cache.setRef(entry, ref)
      result = appender.append(ref, t, cursor.value)
    }
    if (result !== 'appended') {
      this.refuse(result)
      return
    }
    if (isNew) {
      entry = cache.add(bytes, keyFrom, keyTo, ref)
      cache.see(entry)
      counts.seriesAdded++
    }
    // Who gives timestamps says himself when a series ends.
    if (!own) cache.track(entry)
  }

  private labels(cursor: ExpositionCursor): Labels {
    return sampleLabels(cursor.labels(), this.target.labels, this.target.honorLabels)
  }

  private refuse(result: Exclude<AppendResult, 'appended'>): void {
    const { duplicates, outOfOrder, outOfBounds } = this.metrics
    if (result === 'duplicate') duplicates.inc()
    else if (result === 'outOfOrder') outOfOrder.inc()
    else if (result === 'outOfBounds') outOfBounds.inc()
  }
}
