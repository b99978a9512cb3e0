import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import {
  LanguageType,
  newCompleteStrategy,
  promQLLanguage,
  type PromQLExtension,
} from '@prometheus-io/codemirror-promql'
import type { LanguageTerm, Metadata } from '../../engine/api/service.ts'
import { isLegacyLabel, isLegacyName, metricName, quote } from '../../engine/model/labels.ts'
import { texts } from '../texts.ts'
import type { Knowledge } from './knowledge.ts'
import { metadataOf } from './metadata.ts'

type Strategy = ReturnType<PromQLExtension['getComplete']>
type Matchers = Parameters<RemoteClient['labelValues']>[2]
type RemoteClient = Extract<
  NonNullable<NonNullable<Parameters<typeof newCompleteStrategy>[0]>['remote']>,
  { labelValues: unknown }
>

/** Stands for all metric names while the library works out what may stand at the cursor: it would copy the list, and
 *  join each name with its metadata, whenever somebody begins a word. */
const allMetrics = '\u0000metrics'

/** What may stand at the cursor. Where what may stand is the library's business, and so are keywords, operators and units;
 *  metrics, labels, values, functions and aggregations are the engine's. */
export function completionStrategy(knowledge: Knowledge): Strategy {
  const library = newCompleteStrategy({ remote: remoteOf(knowledge) })
  const metrics = new MetricCompletions()
  return {
    async promQL(context) {
      const found = (await library.promQL(context)) ?? nowhere(context)
      if (found.options.length === 0) return durations(context, found)
      const terms = found.options.some(isTerm) ? await knowledge.terms() : []
      const before = found.options.filter(option => terms.length === 0 || !isTerm(option))
      const options = before.filter(({ label, detail }) => label !== allMetrics && detail !== 'snippet')
      const withMetrics = found.options.some(({ label }) => label === allMetrics)
      const names = withMetrics ? metrics.of(await knowledge.metricNames(), await knowledge.metadata()) : []
      return { ...found, options: [...options.flatMap(completed), ...terms.map(termCompletion), ...names] }
    },
  }
}

function nowhere({ pos }: CompletionContext): CompletionResult {
  return { from: pos, options: [] }
}

function isTerm({ detail }: Completion): boolean {
  return detail === 'function' || detail === 'aggregation'
}

/** The library's own completions, with what they lack. */
function completed(option: Completion): Completion[] {
  if (option.label === 'offset') return [option, ...rangeEnds]
  // Its constants are label names here. It would insert those that have to be quoted as they are.
  const bare = option.type !== 'constant' || isLegacyLabel(option.label)
  return [bare ? option : { ...option, apply: quote(option.label) }]
}

const rangeEnds: Completion[] = Object.entries(texts.query.completion.rangeEnds).map(([label, info]) => ({
  label,
  info,
  type: 'keyword',
}))

function termCompletion({ name, kind, signature, doc, experimental }: LanguageTerm): Completion {
  const { experimental: flag } = texts.query.completion
  return { label: name, detail: signature, info: experimental ? `${doc} ${flag}` : doc, type: kind }
}

/** Lengths that are used all the time, right behind the bracket. */
function durations({ state, pos }: CompletionContext, found: CompletionResult): CompletionResult | null {
  if (state.sliceDoc(pos - 1, pos) !== '[') return null
  const options = ['1m', '5m', '15m', '1h', '6h', '1d'].map((label, i) => ({ label, boost: -i }))
  return { ...found, from: pos, to: pos, options }
}

/** Completions of the metrics, made anew only when there are other metrics, or other things are said of them. */
class MetricCompletions {
  private names: readonly string[] = []
  private metadata: ReadonlyMap<string, readonly Metadata[]> = new Map()
  private made: readonly Completion[] = []

  of(names: readonly string[], metadata: ReadonlyMap<string, readonly Metadata[]>): readonly Completion[] {
    if (names === this.names && metadata === this.metadata) return this.made
    this.names = names
    this.metadata = metadata
    this.made = names.map(name => metricCompletion(name, metadataOf(name, metadata)))
    return this.made
  }
}

function metricCompletion(name: string, said: Metadata | null): Completion {
  return {
    label: name,
    type: 'constant',
    ...(!isLegacyName(name) && { apply: `{${quote(name)}}` }),
    ...(said && { detail: said.type, info: said.help }),
  }
}

function remoteOf(knowledge: Knowledge): RemoteClient {
  return {
    metricNames: async () => [allMetrics],
    labelNames: async metric => {
      const names = await knowledge.labelNames(selectorOf(metric, []))
      // The metric's name stands in front of the braces.
      return names.filter(name => name !== metricName)
    },
    labelValues: async (name, metric, matchers) => {
      const others = (matchers ?? []).filter(matcher => matcher.name !== name && matcher.value !== '')
      return [...(await knowledge.labelValues(name, selectorOf(metric, others)))]
    },
    metricMetadata: async () => ({}),
    series: async () => [],
    flags: async () => ({}),
  }
}

/** Selects the series that are written so far; null is all of them. */
function selectorOf(metric: string | undefined, matchers: NonNullable<Matchers>): string | null {
  const parts = metric ? [`${metricName}=${quote(metric)}`] : []
  for (const { name, type, value } of matchers) {
    // The value is what stands between the quotes, escapes included.
    const operator = operators[nodeName(type)] ?? '='
    parts.push(`${isLegacyLabel(name) ? name : quote(name)}${operator}"${value}"`)
  }
  return parts.length === 0 ? null : `{${parts.join(',')}}`
}

const operators: Readonly<Record<string, string>> = {
  EqlSingle: '=',
  Neq: '!=',
  EqlRegex: '=~',
  NeqRegex: '!~',
}

const { parser } = promQLLanguage(LanguageType.PromQL)

function nodeName(type: number): string {
  return parser.nodeSet.types[type]?.name ?? ''
}
