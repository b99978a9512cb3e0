import type { Host } from '../engine/model/host.ts'
import type { Querier } from '../engine/model/store.ts'
import { Registry } from '../engine/metrics/registry.ts'
import { QueryEngine } from '../engine/promql/engine.ts'
import { MemoryStore } from './memory.ts'
import type { Bench } from './run.ts'
import { TsdbStore } from './tsdb.ts'
import { allWays } from './ways.ts'

/** What upstream's scripts are run with: every eval in all ways, on samples in memory or, with `tsdb`, on the store
 *  of the engine. */
export function standardBench({ host, tsdb }: { host: Host; tsdb: boolean }): Bench {
  return {
    openStore: async () => (tsdb ? TsdbStore.open(host) : new MemoryStore()),
    engineOver: querier => engineOver(querier, host),
    ways: allWays,
  }
}

/** A query engine with the settings that the scripts assume (upstream's `NewTestEngine`). */
export function engineOver(querier: Querier, host: Host): QueryEngine {
  const metrics = new Registry()
  const limits = { lookbackMs: 300_000, maxSamples: 10_000, timeoutMs: 100_000 }
  const language = { delayedNameRemoval: true, startTimestamps: true, subqueryStepMs: 60_000 }
  return new QueryEngine({ querier: () => querier, host, metrics, language, ...limits })
}
