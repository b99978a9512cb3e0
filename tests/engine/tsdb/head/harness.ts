import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import type { Labels } from '../../../../src/engine/model/labels.ts'
import { HeadAppender } from '../../../../src/engine/tsdb/head/appender.ts'
import { Head } from '../../../../src/engine/tsdb/head/head.ts'
import { encodeSamples, encodeSeries } from '../../../../src/engine/tsdb/wal/records.ts'
import { visitRecord } from '../../../../src/engine/tsdb/wal/visit.ts'
import { HeadQuerier } from '../../../../src/engine/tsdb/querier.ts'
import { FakeHost } from '../../../fakehost.ts'
import { everything, series } from '../store.ts'

/** A head with a log in memory. */
export class LoggedHead {
  readonly head: Head
  readonly records: Uint8Array[] = []
  /** What the next commits wait for. */
  gate: Promise<void> = Promise.resolve()
  private readonly metrics = new Registry()

  constructor(chunkRangeMs: number, minValidT?: number, host = new FakeHost()) {
    this.head = new Head(host, this.metrics, chunkRangeMs, minValidT)
  }

  appender = (): HeadAppender =>
    new HeadAppender(this.head, {
      log: async records => {
        await this.gate
        this.records.push(...records)
      },
      applied: () => undefined,
    })

  /** Commits samples of one series. */
  async put(name: string | Labels, ...samples: readonly (readonly [number, number])[]): Promise<void> {
    const appender = this.appender()
    const ref = appender.series(typeof name === 'string' ? series(name) : name)
    for (const [t, v] of samples) appender.append(ref, t, v)
    await appender.commit()
  }

  everything(): Promise<Record<string, string>> {
    return everything(new HeadQuerier(this.head))
  }

  metric(name: string): number {
    const line = this.metrics
      .text()
      .split('\n')
      .find(text => text.startsWith(`${name} `) || text.startsWith(`${name}{`))
    if (line === undefined) throw new Error(`no metric ${name}`)
    return Number(line.split(' ').at(-1))
  }

  /** What a checkpoint leaves of the oldest records: series that the head keeps, samples from `minT` on. */
  checkpoint(minT: number, records: number): void {
    const series: { ref: number; labels: Labels }[] = []
    const refs: number[] = []
    const samples = new SampleColumns()
    for (const record of this.records.splice(0, records)) {
      visitRecord(record, {
        series: (ref, labels) => {
          if (this.head.keepsInLog(ref, minT)) series.push({ ref, labels })
        },
        sample: (ref, t, high, low) => {
          if (t < minT) return
          refs.push(ref)
          samples.add(t, high, low)
        },
        skipped: () => undefined,
      })
    }
    if (refs.length > 0) this.records.unshift(encodeSamples(Float64Array.from(refs), samples))
    if (series.length > 0) this.records.unshift(encodeSeries(series))
  }

  /** The head that a restart makes of the log. Answers it with the refs that had no series. */
  restart(minValidT = this.head.minValidT): { again: LoggedHead; unknown: number[] } {
    const again = new LoggedHead(this.head.chunkRangeMs, minValidT)
    const unknown: number[] = []
    for (const record of this.records) {
      again.records.push(record)
      visitRecord(record, {
        series: (ref, labels) => {
          again.head.restoreSeries(ref, labels)
        },
        sample: (ref, t, high, low) => {
          if (!again.head.restoreSample(ref, t, high, low)) unknown.push(ref)
        },
        skipped: () => undefined,
      })
    }
    again.head.restored()
    return { again, unknown }
  }
}
