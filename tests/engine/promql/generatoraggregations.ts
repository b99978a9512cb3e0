import type { Chance } from './chance.ts'
import type { Production } from './generator.ts'
import { wrapped, type Made } from './generatorleaves.ts'

// Aggregations.

interface Groups {
  /** In front of the parentheses, or behind them; the other one is empty. */
  readonly before: string
  readonly after: string
  readonly labels: readonly string[]
}

/** @param kept labels that must stay */
function groupsOf(on: Made, chance: Chance, kept: readonly string[] = []): Groups {
  if (kept.length === 0 && chance.is(0.15)) return { before: '', after: '', labels: [] }
  const labels = on.labels.filter(label => kept.includes(label) || chance.is(0.5))
  const gone = on.labels.filter(label => !labels.includes(label))
  const clause = chance.is(0.6)
    ? `by (${[...labels, ...(chance.is(0.1) ? ['nosuch'] : [])].join(', ')})`
    : `without (${[...gone, ...(chance.is(0.1) ? ['nosuch'] : [])].join(', ')})`
  return chance.is(0.8)
    ? { before: ` ${clause} `, after: '', labels }
    : { before: '', after: ` ${clause}`, labels }
}

interface Traits {
  readonly on?: Production['on']
  readonly fits?: Production['fits']
  readonly changes?: Partial<Made>
  readonly param?: readonly string[]
  /** The series stay as they are. */
  readonly chooses?: boolean
  readonly adds?: readonly string[]
}

function aggregation(op: string, traits: Traits = {}): Production {
  const { on = ['numbers'], fits = () => true, changes, param, chooses, adds = [] } = traits
  return {
    on,
    fits,
    make: (made, generator) => {
      const { chance } = generator
      const groups = groupsOf(
        made,
        chance,
        made.kind === 'classic' && changes?.kind !== 'numbers' ? ['le'] : [],
      )
      const first = param ? `${chance.pick(param).replace('#', () => generator.scalar())}, ` : ''
      const text = `${op}${groups.before}(${first}${made.text})${groups.after}`
      const labels = chooses ? made.labels : [...groups.labels, ...adds].sort()
      const distinct = made.distinct && (chooses || keepsApart.includes(op))
      return wrapped(made, text, { labels, distinct, ...changes })
    },
  }
}

const isExact = (on: Made) => on.exact
const isDistinct = (on: Made) => on.exact && (on.distinct || on.selector)
const keepsApart = ['sum', 'min', 'max']
const rough = { exact: false }
const anything = ['numbers', 'classic', 'native', 'nativeGauge'] as const
const counts = { kind: 'numbers', exact: true } as const

export const aggregations: readonly Production[] = [
  aggregation('sum', { on: anything }),
  aggregation('sum'),
  aggregation('avg', { changes: rough }),
  aggregation('min'),
  aggregation('max'),
  aggregation('count', { on: anything, changes: counts }),
  aggregation('group', { on: anything, changes: counts }),
  aggregation('stddev', { fits: isExact, changes: rough }),
  aggregation('stdvar', { fits: isExact, changes: rough }),
  aggregation('quantile', { changes: rough, param: ['0.5', '0.9', '0', '1', '-1', '1.5', '#'] }),
  ...['topk', 'bottomk'].map(op =>
    aggregation(op, { fits: isDistinct, param: ['1', '2', '3', '0', '100', '2.9'], chooses: true }),
  ),
  aggregation('count_values', {
    fits: on => on.exact && !on.labels.includes('value'),
    changes: counts,
    param: ['"value"'],
    adds: ['value'],
  }),
]
