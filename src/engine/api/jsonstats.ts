import type { QueryStats, SamplesPerStep } from '../model/answers.ts'

/** The statistics of a query as the API has them
 *  (https://prometheus.io/docs/prometheus/latest/querying/api/#query-stats). */
export function statsJson({ samples, samplesPerStep, peakSamples, timings }: QueryStats): string {
  const evaluated = timings.prepare + timings.evaluate + timings.sort
  return JSON.stringify({
    timings: {
      evalTotalTime: evaluated,
      resultSortTime: timings.sort,
      queryPreparationTime: timings.prepare,
      innerEvalTime: timings.evaluate,
      execQueueTime: timings.queue,
      execTotalTime: timings.queue + evaluated,
    },
    samples: {
      ...(samplesPerStep && { totalQueryableSamplesPerStep: pointsOf(samplesPerStep) }),
      totalQueryableSamples: samples,
      peakSamples,
    },
  })
}

function pointsOf({ start, step, counts }: SamplesPerStep): [seconds: number, count: number][] {
  return Array.from(counts, (count, s) => [(start + s * step) / 1000, count])
}
