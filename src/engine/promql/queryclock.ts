import type { QueryStats } from '../model/answers.ts'
import type { Host } from '../model/host.ts'
import type { Summary } from '../metrics/registry.ts'
import type { Evaluation } from './evaluation.ts'

/** What a query spends its time with (upstream's `prometheus_engine_query_duration_seconds{slice=…}`). */
type Slice = 'prepare_time' | 'queue_time' | 'inner_eval' | 'result_sort'

/** Measures one query, for its statistics and for the engine's. */
export class Clock {
  private readonly host: Host
  private readonly durations: Summary
  private readonly started: number
  private readonly seconds: Record<Slice, number> = {
    ...{ prepare_time: 0, queue_time: 0, inner_eval: 0, result_sort: 0 },
  }

  constructor(host: Host, durations: Summary) {
    this.host = host
    this.durations = durations
    this.started = host.monotonic()
  }

  during<T>(slice: Slice, work: () => T): T {
    const from = this.host.monotonic()
    try {
      return work()
    } finally {
      this.spent(slice, from)
    }
  }

  async whileWaiting<T>(slice: Slice, work: Promise<T>): Promise<T> {
    const from = this.host.monotonic()
    try {
      return await work
    } finally {
      this.spent(slice, from)
    }
  }

  statsOf({ grid, tally, peak, profile }: Evaluation): QueryStats {
    const { prepare_time, queue_time, inner_eval, result_sort } = this.seconds
    return {
      samples: tally.total,
      samplesPerStep: tally.perStep && { start: grid.start, step: grid.step, counts: tally.perStep },
      peakSamples: peak,
      seconds: (this.host.monotonic() - this.started) / 1000,
      timings: {
        prepare: prepare_time,
        queue: queue_time,
        evaluate: inner_eval - result_sort,
        sort: result_sort,
      },
      nodes: profile && profile.finish(),
    }
  }

  private spent(slice: Slice, from: number): void {
    const seconds = (this.host.monotonic() - from) / 1000
    this.seconds[slice] += seconds
    this.durations.with(slice).observe(seconds)
  }
}
