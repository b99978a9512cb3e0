import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { QueryError } from '../../../src/engine/model/errors.ts'
import type { Querier } from '../../../src/engine/model/store.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import { QueryEngine } from '../../../src/engine/promql/engine.ts'
import { MemoryQuerier } from '../../../src/promqltest/memory.ts'
import { startPrometheus, type RunningPeer } from '../../peers.ts'
import { FakeHost } from '../../fakehost.ts'
import {
  differences,
  isEmpty,
  isRefusal,
  misordered,
  ours,
  theirs,
  type ApiAnswer,
  type Outcome,
} from './differentialanswers.ts'
import { evaluations, instants, series, writeDataDir } from './differentialdata.ts'
import { partsOf } from './differentialparts.ts'
import { excuseOf } from './excuses.ts'

// The same questions to a real Prometheus and to ours.

/** Expressions whose rows have an order that means something. */
const inOrder = /^(sort|sort_desc|topk|bottomk)\b[^()]*\((?:[^()]|\([^()]*\))*\)$/

/** A question that was asked over the range and at the instants. */
export interface Asked {
  readonly expr: string
  /** What is not the same, over the range and at each instant; none when all answers agree. */
  readonly differences: readonly string[]
  readonly empty: boolean
  readonly refused: boolean
}

/** Starts Prometheus on a block of all series. */
export async function startDifferential(): Promise<Differential> {
  const dataDir = mkdtempSync(join(tmpdir(), 'brazier-differential-'))
  const stop = async (running?: RunningPeer) => {
    await running?.stop()
    rmSync(dataDir, { recursive: true })
  }
  try {
    await writeDataDir(dataDir)
    const running = await startPrometheus({ dataDir, flags: ['--enable-feature=native-histograms'] })
    return new Differential(new MemoryQuerier(series), { ...running, stop: () => stop(running) })
  } catch (error) {
    await stop()
    throw error
  }
}

export class Differential {
  private readonly engine: QueryEngine
  private readonly peer: RunningPeer

  constructor(querier: Querier, peer: RunningPeer) {
    this.engine = new QueryEngine({ querier: () => querier, host: new FakeHost(), metrics: new Registry() })
    this.peer = peer
  }

  stop(): Promise<void> {
    return this.peer.stop()
  }

  /** Asks all of them, a few at a time. */
  async askAll(expressions: readonly string[]): Promise<Asked[]> {
    const asked: Asked[] = []
    const left = expressions.entries()
    const asker = async () => {
      for (const [i, expr] of left) asked[i] = await this.ask(expr)
    }
    await Promise.all(Array.from({ length: 4 }, asker))
    return asked
  }

  async ask(expr: string): Promise<Asked> {
    const [mine, peers] = await Promise.all([this.ourRange(expr), this.theirRange(expr)])
    const found = differences(mine, peers)
    for (const time of instants) {
      const [mine, peers] = await Promise.all([this.ourInstant(expr, time), this.theirInstant(expr, time)])
      found.push(...differences(mine, peers), ...(inOrder.test(expr) ? misordered(mine, peers) : []))
    }
    return { expr, differences: found, empty: isEmpty(peers), refused: isRefusal(peers) }
  }

  /** The shortest part of an expression by itself that is answered otherwise; the whole when no part is. */
  async shortest(expr: string): Promise<Asked> {
    for (const part of partsOf(expr)) {
      const asked = await this.ask(part)
      if (asked.differences.length > 0) return asked
    }
    return this.ask(expr)
  }

  /** What is not the same and has no excuse, a line each, with the shortest part that shows it. */
  async unexcused(asked: readonly Asked[]): Promise<string[]> {
    const wrong = asked.filter(one => one.differences.length > 0 && excuseOf(one) === null)
    const lines = wrong.map(async one => {
      const { expr, differences } = one.refused ? one : await this.shortest(one.expr)
      return `${expr}: ${differences[0]} (${differences.length} in all; a part of ${one.expr})`
    })
    return Promise.all(lines)
  }

  private async ourRange(expr: string): Promise<Outcome> {
    const { start, step, steps } = evaluations
    return outcomeOf(this.engine.range({ expr, start, end: start + (steps - 1) * step, step }))
  }

  private async ourInstant(expr: string, time: number): Promise<Outcome> {
    return outcomeOf(this.engine.instant({ expr, time }))
  }

  private async theirRange(expr: string): Promise<Outcome> {
    const { start, step, steps } = evaluations
    const end = start + (steps - 1) * step
    return this.fetch('query_range', {
      query: expr,
      start: seconds(start),
      end: seconds(end),
      step: seconds(step),
    })
  }

  private async theirInstant(expr: string, time: number): Promise<Outcome> {
    return this.fetch('query', { query: expr, time: seconds(time) })
  }

  private async fetch(endpoint: string, params: Record<string, string>): Promise<Outcome> {
    const query = params['query']!.replaceAll('double_exponential_smoothing', 'holt_winters')
    const body = new URLSearchParams({ ...params, query })
    const response = await fetch(`${this.peer.url}/api/v1/${endpoint}`, { method: 'POST', body })
    return theirs((await response.json()) as ApiAnswer)
  }
}

async function outcomeOf(answer: ReturnType<QueryEngine['range' | 'instant']>): Promise<Outcome> {
  try {
    return ours(await answer)
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    return { errorType: error.type, error: error.message }
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}
