import type { Labels } from '../model/labels.ts'
import type { Appender, SeriesRef } from '../model/store.ts'
import type { ScrapeCounts } from './ingest.ts'
import { reportLabels } from './labels.ts'

const names = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
] as const

/** The series that a scrape itself makes, failed or not (upstream's `scrapeLoop.report`). */
export class Report {
  private readonly target: Labels
  /** Empty until the store has the series for good. */
  private refs: SeriesRef[] = []
  private settled = false

  constructor(target: Labels) {
    this.target = target
  }

  append(appender: Appender, t: number, up: boolean, seconds: number, counts: ScrapeCounts): void {
    const values = [up ? 1 : 0, seconds, counts.scraped, counts.kept, counts.seriesAdded]
    if (!this.settled) this.refs = names.map(name => this.find(name, appender))
    for (const [i, name] of names.entries()) {
      const value = values[i] as number
      if (appender.append(this.refs[i] as SeriesRef, t, value) !== 'unknownSeries') continue
      this.refs[i] = this.find(name, appender)
      appender.append(this.refs[i], t, value)
    }
  }

  /** What was appended last is in the store; until then it is asked for the series each time. */
  settle(): void {
    this.settled = true
  }

  appendStale(appender: Appender, t: number): void {
    if (this.settled) for (const ref of this.refs) appender.appendStale(ref, t)
  }
  private find(name: (typeof names)[number], appender: Appender): SeriesRef {
    return appender.series(reportLabels(name, this.target))
  }
}
