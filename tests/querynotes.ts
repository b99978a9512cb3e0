import type { QueryNotes, QueryStats } from '../src/engine/model/answers.ts'

/** Statistics of a query that cost nothing. */
export const noStats: QueryStats = {
  samples: 0,
  samplesPerStep: null,
  peakSamples: 0,
  seconds: 0,
  timings: { prepare: 0, queue: 0, evaluate: 0, sort: 0 },
  nodes: null,
}

/** What a made-up answer says beside its data. */
export const noNotes: QueryNotes = { warnings: [], infos: [], stats: noStats }
