import { CorruptionError } from '../bytes/corruption.ts'
import type { Labels } from '../model/labels.ts'
import type { Matcher } from '../model/matcher.ts'
import type { Querier, SeriesBatch, TimeRange } from '../model/store.ts'

/** A querier that tells when it meets damage. Whoever asks is rejected with it all the same. */
export class WatchedQuerier implements Querier {
  private readonly querier: Querier
  private readonly met: (damage: CorruptionError) => void

  constructor(querier: Querier, met: (damage: CorruptionError) => void) {
    this.querier = querier
    this.met = met
  }

  async *select(matchers: readonly Matcher[], range: TimeRange): AsyncGenerator<SeriesBatch> {
    try {
      yield* this.querier.select(matchers, range)
    } catch (error) {
      throw this.seen(error)
    }
  }

  labelSets(matchers: readonly Matcher[], range: TimeRange): Promise<Labels[]> {
    return this.watch(this.querier.labelSets(matchers, range))
  }

  labelNames(matchers: readonly Matcher[], range: TimeRange): Promise<string[]> {
    return this.watch(this.querier.labelNames(matchers, range))
  }

  labelValues(name: string, matchers: readonly Matcher[], range: TimeRange): Promise<string[]> {
    return this.watch(this.querier.labelValues(name, matchers, range))
  }

  close(): void {
    this.querier.close?.()
  }

  private async watch<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      throw this.seen(error)
    }
  }

  private seen(error: unknown): unknown {
    if (error instanceof CorruptionError) this.met(error)
    return error
  }
}
