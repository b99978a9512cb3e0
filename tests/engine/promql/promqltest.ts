import { expect } from 'vitest'
import type { InstantAnswer, RangeAnswer } from '../../../src/engine/model/answers.ts'
import { parseDuration } from '../../../src/engine/model/duration.ts'
import { formatLabels, labelsKey, type Labels } from '../../../src/engine/model/labels.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import { QueryEngine } from '../../../src/engine/promql/engine.ts'
import { FakeHost } from '../../fakehost.ts'
import { MemoryQuerier, parseSeries, type Value } from './memoryquerier.ts'

// The language of upstream's promqltest (promql/promqltest/README.md), as much of it as our scripts need: `load`,
// `clear`, `eval instant`, `eval range`; and under an eval the expected series or scalar, `expect fail`,
// `expect info`, `expect ordered`, `expect string`. A blank line ends a block.

export interface EvalCase {
  readonly name: string
  readonly run: () => Promise<void>
}

/** The evals of a script, each with the samples that were loaded before it. */
export function readScript(file: string, script: string): EvalCase[] {
  let store = new MemoryQuerier()
  const cases: EvalCase[] = []
  for (const { line, block } of blocksOf(script)) {
    const [head = '', ...rest] = block
    if (/^load\b/.test(head)) store = store.load(block.join('\n'))
    else if (head === 'clear') store = new MemoryQuerier()
    else if (/^eval\b/.test(head)) {
      const loaded = store
      cases.push({ name: `${file}:${line} ${head}`, run: () => check(loaded, head, rest) })
    } else throw new Error(`${file}:${line}: no command: ${head}`)
  }
  return cases
}

function blocksOf(script: string): { line: number; block: string[] }[] {
  const blocks: { line: number; block: string[] }[] = []
  let open = false
  script.split('\n').forEach((raw, i) => {
    const text = raw.trim()
    if (text === '' || text.startsWith('#')) open = false
    else if (/^(load|clear|eval)\b/.test(text)) {
      blocks.push({ line: i + 1, block: [text] })
      open = text !== 'clear'
    } else if (open) blocks.at(-1)?.block.push(text)
    else throw new Error(`line ${i + 1} stands alone: ${text}`)
  })
  return blocks
}

/** A query engine over a store in memory. */
export function engineOver(querier: MemoryQuerier): QueryEngine {
  return new QueryEngine({ querier: () => querier, host: new FakeHost(), metrics: new Registry() })
}

async function check(store: MemoryQuerier, head: string, expectations: string[]): Promise<void> {
  const failure = expectations.find(line => line.startsWith('expect fail'))
  const outcome = evaluate(store, head)
  if (failure !== undefined) {
    const error = await outcome.then(
      answer => ({ message: `no failure, but ${JSON.stringify(answer.kind)}` }),
      (error: unknown) => error as Error,
    )
    const [, kind, wanted] = /^expect fail(?:\s+(msg|regex):\s*(.*))?$/.exec(failure) ?? []
    if (kind === 'msg') expect(error.message).toBe(wanted)
    else expect(error.message).toMatch(new RegExp(kind === 'regex' ? wanted! : '^(?!no failure)'))
    return
  }
  const answer = await outcome
  checkNotes(answer, expectations)
  const text = expectations.find(line => line.startsWith('expect string '))
  if (text) {
    expect(answer).toMatchObject({ kind: 'string', value: JSON.parse(text.slice('expect string '.length)) })
    return
  }
  const ordered = expectations.includes('expect ordered')
  checkSeries(
    answer,
    expectations.filter(line => !line.startsWith('expect ')),
    ordered,
  )
}

function evaluate(store: MemoryQuerier, head: string): Promise<InstantAnswer | RangeAnswer> {
  const engine = engineOver(store)
  const range = /^eval range from (\S+) to (\S+) step (\S+) (.*)$/.exec(head)
  if (range) {
    const [, start, end, step, expr] = range
    return engine.range({ expr: expr!, start: ms(start), end: ms(end), step: ms(step) })
  }
  const instant = /^eval instant at (\S+) (.*)$/.exec(head)
  if (!instant) throw new Error(`no eval: ${head}`)
  return engine.instant({ expr: instant[2]!, time: ms(instant[1]) })
}

function ms(text = ''): number {
  const negative = text.startsWith('-')
  const value = parseDuration(negative ? text.slice(1) : text)
  if (value === null) throw new Error(`no time: ${text}`)
  return negative ? -value : value
}

function checkNotes(answer: InstantAnswer | RangeAnswer, expectations: string[]): void {
  for (const [kind, notes] of [
    ['info', answer.infos],
    ['warn', answer.warnings],
  ] as const) {
    const bare = notes.map(note => note.replace(/ \(\d+:\d+\)$/, ''))
    for (const line of expectations) {
      if (line.startsWith(`expect ${kind} msg:`))
        expect(bare).toContain(line.slice(line.indexOf(':') + 1).trim())
      else if (line === `expect ${kind}`) expect(notes).not.toEqual([])
      else if (line === `expect no_${kind}`) expect(notes).toEqual([])
    }
  }
}

interface Points {
  readonly labels: Labels
  readonly values: readonly (number | null)[]
}

function checkSeries(answer: InstantAnswer | RangeAnswer, lines: readonly string[], ordered: boolean): void {
  const steps = answer.kind === 'matrix' ? answer.steps : 1
  const actual = pointsOf(answer)
  if (lines.length === 1 && /^[+-]?(\d|\.\d|inf|nan)/i.test(lines[0]!) && answer.kind === 'scalar') {
    expect(close(actual[0]!.values[0]!, parseSeries(`x ${lines[0]}`).values[0]!.v), show(actual)).toBe(true)
    return
  }
  const wanted = lines.map(line => {
    const { labels, values } = parseSeries(/^[+-]?\d/.test(line) ? `{} ${line}` : line)
    return { labels, values: Array.from({ length: steps }, (_, i) => plain(values[i])) }
  })
  const keys = (all: readonly Points[]) => all.map(({ labels }) => labelsKey(labels))
  if (ordered) expect(keys(actual), show(actual)).toEqual(keys(wanted))
  expect(keys(actual).sort(), show(actual)).toEqual(keys(wanted).sort())
  for (const { labels, values } of wanted) {
    const found = actual.find(other => labelsKey(other.labels) === labelsKey(labels))!
    const same = values.every((value, i) => close(found.values[i]!, value))
    expect(same, `want ${show([{ labels, values }])}\nhave ${show([found])}`).toBe(true)
  }
}

function plain(value: Value | undefined): number | null {
  return value?.v ?? null
}

export function pointsOf(answer: InstantAnswer | RangeAnswer): Points[] {
  switch (answer.kind) {
    case 'scalar':
      return [{ labels: [], values: [answer.value] }]
    case 'vector':
      return answer.labels.map((labels, i) => ({ labels, values: [answer.values[i]!] }))
    case 'matrix':
      return answer.labels.map((labels, i) => ({
        labels,
        values: Array.from({ length: answer.steps }, (_, s) => {
          const at = i * answer.steps + s
          return answer.present[at] === 1 ? answer.values[at]! : null
        }),
      }))
    default:
      throw new Error(`a ${answer.kind} has no points`)
  }
}

/** As near as upstream's scripts ask for. */
function close(a: number | null, b: number | null): boolean {
  if (a === null || b === null) return a === b
  if (Object.is(a, b) || a === b) return true
  return Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b))
}

function show(all: readonly Points[]): string {
  return all
    .map(({ labels, values }) => `${formatLabels(labels) || '{}'} ${values.map(v => v ?? '_').join(' ')}`)
    .join('\n')
}
