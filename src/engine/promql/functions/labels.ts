import type { RE2JS } from 're2js'
import { QueryError } from '../../model/errors.ts'
import { metricName, valueOf, withLabel } from '../../model/labels.ts'
import { compilePattern } from '../../model/pattern.ts'
import type { Call } from '../syntax/ast.ts'
import { evaluate } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation } from './implementation.ts'
import { Joined } from '../naming.ts'
import type { Row, Sink } from '../row.ts'
import { argument, stringArgument } from './arguments.ts'
import { expand } from './labelsexpand.ts'

/** Functions that change labels. What has the same labels then is joined. */
export const labels = {
  label_replace: { kind: 'special', run: replace },
  label_join: { kind: 'special', run: join },
} satisfies Partial<Record<FunctionName, Implementation>>

/** Longer values are refused, in UTF-16 units: functions around functions make them grow without end. */
const maxLength = 2 ** 16

function tooLong({ name }: Call): QueryError {
  return new QueryError('execution', `label value in ${name}() is longer than ${maxLength} characters`)
}

async function replace(call: Call, query: Evaluation, sink: Sink): Promise<void> {
  const [target, template, source, regex] = [1, 2, 3, 4].map(i => stringArgument(call, i)) as Strings
  const pattern = compiled(regex)
  checkName(target, 'destination', call)
  await relabelled(call, query, sink, row => {
    const matcher = pattern.matcher(valueOf(row.labels, source))
    if (!matcher.find()) return
    const value = expand(template, matcher, maxLength)
    if (value === null) throw tooLong(call)
    setLabel(row, target, value)
  })
}

type Strings = [string, string, string, string]

function compiled(regex: string): RE2JS {
  try {
    return compilePattern(regex)
  } catch {
    throw new QueryError('execution', `invalid regular expression in label_replace(): ${regex}`)
  }
}

async function join(call: Call, query: Evaluation, sink: Sink): Promise<void> {
  const target = stringArgument(call, 1)
  const separator = stringArgument(call, 2)
  const sources = call.args.slice(3).map((_, i) => stringArgument(call, i + 3))
  for (const source of sources) checkName(source, 'source', call)
  checkName(target, 'destination', call)
  await relabelled(call, query, sink, row => {
    const values = sources.map(source => valueOf(row.labels, source))
    const length = values.reduce((sum, value) => sum + value.length + separator.length, 0)
    if (length > maxLength) throw tooLong(call)
    setLabel(row, target, values.join(separator))
  })
}

/** The rows of the first argument with other labels. */
async function relabelled(
  call: Call,
  query: Evaluation,
  sink: Sink,
  change: (row: Row) => void,
): Promise<void> {
  const joined = new Joined()
  await evaluate(argument(call, 0), query, row => {
    const relabelled = { ...row }
    change(relabelled)
    joined.add(relabelled)
  })
  await joined.emit(query, sink)
}

/** A metric that gets a name keeps it. */
function setLabel(row: Row, name: string, value: string): void {
  row.labels = withLabel(row.labels, name, value)
  if (name === metricName) row.dropName = false
}

/** Any text will do for a name, as long as it is one. */
function checkName(name: string, what: 'source' | 'destination', call: Call): void {
  if (name !== '' && !/\p{Cs}/u.test(name)) return
  throw new QueryError('execution', `invalid ${what} label name in ${call.name}(): ${name}`)
}
