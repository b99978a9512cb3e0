import type { InstantAnswer, RangeAnswer } from '../engine/model/answers.ts'
import { QueryError } from '../engine/model/errors.ts'
import type { QueryEngine } from '../engine/promql/engine.ts'
import { parse } from '../engine/promql/syntax/parser.ts'
import { compareInstant, compareNotes, compareRange, compareStep } from './compare.ts'
import type { Eval } from './eval.ts'
import type { Expected, Times } from './expected.ts'
import { dependsOnContext, type Way } from './ways.ts'

type Engine = Pick<QueryEngine, 'instant' | 'range'>
type Reason = string | null

/** Asks an engine the question in all ways (upstream's `execEval`). Answers why it failed, null when all answers
 *  were right. */
export async function checkEval(
  { expr, at, expected }: Eval,
  engine: Engine,
  ways: (expr: string, time: number) => readonly Way[],
): Promise<Reason> {
  if (typeof at !== 'number') return checkRange(expr, at, expected, engine)
  for (const [i, way] of ways(expr, at).entries()) {
    const reason = await checkInstant(way, expected, engine)
    if (reason !== null) return i === 0 ? reason : `${reason} (${way.expr} at ${way.time} ms)`
  }
  return null
}

async function checkRange(expr: string, times: Times, expected: Expected, engine: Engine): Promise<Reason> {
  const unparsable = problemIn(expr)
  if (unparsable !== null) return unparsable
  const outcome = await outcomeOf(engine.range({ expr, ...times }))
  if (expected.fail || outcome instanceof QueryError) return checkFailure(expected, outcome)
  return compareNotes(expected, outcome) ?? compareRange(expected, times, outcome)
}

async function checkInstant(way: Way, expected: Expected, engine: Engine): Promise<Reason> {
  const unparsable = problemIn(way.expr)
  if (unparsable !== null) return unparsable
  const outcome = await outcomeOf(engine.instant(way))
  if (expected.fail || outcome instanceof QueryError) return checkFailure(expected, outcome)
  const reason = compareNotes(expected, outcome) ?? compareInstant(expected, outcome)
  if (reason !== null || expected.rangeVector || expected.string !== null || dependsOnContext(way.expr))
    return reason
  return checkMiddleStep(way, expected, engine, outcome.kind === 'scalar')
}

const minute = 60_000

/** A range query answers at each of its steps what an instant query answers there. */
async function checkMiddleStep(
  { expr, time }: Way,
  expected: Expected,
  engine: Engine,
  scalar: boolean,
): Promise<Reason> {
  const range = { expr, start: time - minute, end: time + minute, step: minute }
  const outcome = await outcomeOf(engine.range(range))
  if (outcome instanceof QueryError) return `over a range: ${outcome.message}`
  // A range query has an order of its own.
  const reason = expected.ordered ? null : compareStep(expected, { step: 1, scalar }, outcome)
  return reason === null ? null : `over a range: ${reason}`
}

function checkFailure({ fail }: Expected, outcome: QueryError | InstantAnswer | RangeAnswer): Reason {
  if (!(outcome instanceof QueryError)) return `want a failure, found an answer (${outcome.kind})`
  if (!fail) return outcome.message
  return fail.matches(outcome.message) ? null : `want failure ${fail.text}, found ${outcome.message}`
}

/** An error that is no QueryError is a mistake of the engine's and no outcome. */
async function outcomeOf<A>(answer: Promise<A>): Promise<A | QueryError> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof QueryError) return error
    throw error
  }
}

/** What does not parse is a mistake in the script, or not there yet: never a failure that a script expects. */
function problemIn(expr: string): Reason {
  try {
    parse(expr)
    return null
  } catch (error) {
    if (error instanceof QueryError) return error.message
    throw error
  }
}
