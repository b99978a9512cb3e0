import { formatLabels, valueOf, type Labels } from '../engine/model/labels.ts'
import type { Querier } from '../engine/model/store.ts'
import type { QueryEngine } from '../engine/promql/engine.ts'
import { parse } from '../engine/promql/syntax/parser.ts'
import { checkEval } from './check.ts'
import type { Eval } from './eval.ts'
import type { Load, StoredSample, StoredSeries } from './load.ts'
import type { Command } from './script.ts'
import type { Extra, Store } from './store.ts'
import { selectorsIn, type Way } from './ways.ts'

/** What a script is run with. */
export interface Bench {
  openStore(): Promise<Store>
  engineOver(querier: Querier): Pick<QueryEngine, 'instant' | 'range'>
  /** How the question of an instant eval is asked: `allWays`, or fewer of them. */
  readonly ways: (expr: string, time: number) => readonly Way[]
}

/** What became of a command that can fail. */
export interface Outcome {
  readonly line: number
  readonly isEval: boolean
  /** Why it failed; null when it passed. */
  readonly reason: string | null
}

/** Runs a script and answers one outcome for each eval, and one for whatever else went wrong, in their order. */
export async function runScript(commands: readonly Command[], bench: Bench): Promise<Outcome[]> {
  const run = new Run(bench, await bench.openStore())
  const outcomes: Outcome[] = []
  try {
    for (const command of commands) {
      const outcome = await run.step(command)
      if (outcome) outcomes.push(outcome)
    }
  } finally {
    await run.close()
  }
  return outcomes
}

/** A series of which the store does not keep everything that was loaded. */
interface Lack {
  readonly labels: Labels
  readonly what: Extra
}

class Run {
  private readonly bench: Bench
  private store: Store
  private lacks: Lack[] = []
  /** Why the samples are not what the script says, since the last `clear`. */
  private spoilt: string | null = null

  constructor(bench: Bench, store: Store) {
    this.bench = bench
    this.store = store
  }

  async step(command: Command): Promise<Outcome | null> {
    switch (command.kind) {
      case 'clear':
        await this.clear()
        return null
      case 'load':
        return this.load(command)
      case 'eval':
        return { line: command.line, isEval: true, reason: await this.eval(command) }
      case 'broken': {
        const { line, isEval, reason } = command
        // An eval loads nothing; anything else could have been meant to.
        if (!isEval) this.spoilt = `line ${line} could not be read`
        return { line, isEval, reason }
      }
    }
  }

  close(): Promise<void> {
    return this.store.close()
  }

  private async clear(): Promise<void> {
    await this.store.close()
    this.store = await this.bench.openStore()
    this.lacks = []
    this.spoilt = null
  }

  private async load({ line, series }: Load): Promise<Outcome | null> {
    this.lacks.push(...lacking(series, this.store))
    try {
      await this.store.load(series)
      return null
    } catch (error) {
      this.spoilt = `the samples of line ${line} could not be loaded`
      return { line, isEval: false, reason: messageOf(error) }
    }
  }

  private async eval(question: Eval): Promise<string | null> {
    try {
      const unfit = this.spoilt ?? this.lackFor(question.expr)
      if (unfit !== null) return unfit
      for (const { name, querier } of await this.store.views()) {
        const reason = await checkEval(question, this.bench.engineOver(querier), this.bench.ways)
        if (reason !== null) return name === '' ? reason : `${name}: ${reason}`
      }
      return null
    } catch (error) {
      return messageOf(error)
    }
  }

  /** An answer from less than what was loaded could be right by accident. */
  private lackFor(expr: string): string | null {
    const lists = selectorsIn(parse(expr)).map(selector =>
      selector.kind === 'matrixSelector' ? selector.selector.matchers : selector.matchers,
    )
    const selected = ({ labels }: Lack) =>
      lists.some(matchers => matchers.every(m => m.matches(valueOf(labels, m.name))))
    const lack = this.lacks.find(selected)
    return lack ? `the store keeps no ${lack.what}, and ${formatLabels(lack.labels)} has some` : null
  }
}

function lacking(series: readonly StoredSeries[], { lacks }: Store): Lack[] {
  return series.flatMap(({ labels, samples }) => {
    const what = lacks.find(extra => samples.some(has[extra]))
    return what === undefined ? [] : [{ labels, what }]
  })
}

const has: Readonly<Record<Extra, (sample: StoredSample) => boolean>> = {
  'start timestamps': ({ start }) => start !== 0,
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
