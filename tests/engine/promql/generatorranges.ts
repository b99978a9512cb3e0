import type { Chance } from './chance.ts'
import type { Production } from './generator.ts'
import { wrapped, type Made } from './generatorleaves.ts'

// Functions of range vectors, and what stands behind selectors.

const numbers = ['numbers'] as const
const anything = ['numbers', 'classic', 'native', 'nativeGauge'] as const

const offsets = ['offset 3m', 'offset -2m', 'offset 1h', 'offset 90s', 'offset -1m30s']
// Never a whole second: see `firstSample`.
const fixed = ['@ 1700001000.001', '@ 1700002500.501', '@ start()', '@ end()']

function modifiers(chance: Chance): string {
  const offset = chance.pick(offsets)
  const at = chance.pick(fixed)
  return chance.pick([` ${offset}`, ` ${at}`, ` ${at} ${offset}`, ` ${offset} ${at}`])
}

/** A range of a selector, or else a subquery. Within a subquery another one must not begin at a step of its own. */
function rangeOf(on: Made, chance: Chance, modifier: string): string {
  if (on.selector && chance.is(0.8)) {
    return `${on.text}[${chance.pick(['1m', '2m', '5m', '7m30s', '10m', '29s', '1h'])}]${modifier}`
  }
  const range = chance.pick(['3m', '5m', '9m', '10m30s'])
  const text = on.power === Infinity && chance.is(0.5) ? on.text : `(${on.text})`
  return `${text}[${range}500ms:${chance.pick(['30s', '1m', '45s', '', '15s', '2m'])}]${modifier}`
}

interface Traits {
  readonly on?: Production['on']
  readonly fits?: Production['fits']
  readonly changes?: (on: Made) => Partial<Made>
}

const always = () => true
const isExact = (on: Made) => on.exact
const isCounter = (on: Made) => on.counter

/** `$` is the range vector; `#` a scalar. */
function overTime(template: string, traits: Traits = {}): Production {
  const { on = numbers, fits = always, changes = () => ({}) } = traits
  // With a scalar that may change from step to step, 2.42 and 3.14 don't look where `@` says, each in its own way.
  const moves = template.includes('#')
  const make: Production['make'] = (made, generator) => {
    const { chance } = generator
    const modifier = moves ? ` ${chance.pick(offsets)}` : modifiers(chance)
    const range = rangeOf(made, chance, chance.is(0.2) ? modifier : '')
    const text = template.replaceAll('#', () => generator.scalar()).replaceAll('$', () => range)
    return wrapped(made, text, { depth: made.depth + (range.includes(':') ? 2 : 1), ...changes(made) })
  }
  return { on, fits, make }
}

const rough = () => ({ exact: false })
const counts = () => ({ kind: 'numbers', exact: true }) as const

const factors = ['0.5, 0.3', '0.1, 0.9', '0.99, 0.01']

const selectorModifiers: Production = {
  on: anything,
  fits: on => on.selector,
  make: (on, { chance }) => ({ ...on, text: on.text + modifiers(chance), selector: false }),
}

const emptyRange: Production = {
  on: anything,
  fits: always,
  make: (on, { chance }) => {
    const text = `absent_over_time((${on.text} > 1e300)[${chance.pick(['3m', '5m'])}500ms:1m])`
    return wrapped(on, text, { kind: 'numbers', labels: [], exact: true, depth: on.depth + 2 })
  },
}

export const rangeFunctions: readonly Production[] = [
  selectorModifiers,
  selectorModifiers,
  selectorModifiers,
  emptyRange,
  ...['rate', 'increase'].map(name =>
    overTime(`${name}($)`, { on: ['numbers', 'classic', 'native'], fits: isCounter, changes: rough }),
  ),
  overTime('delta($)', { on: ['numbers', 'nativeGauge'], fits: isExact, changes: rough }),
  overTime('irate($)', { fits: isCounter, changes: rough }),
  overTime('idelta($)', { fits: isExact }),
  overTime('deriv($)', { fits: isExact, changes: rough }),
  overTime('predict_linear($, #)', { fits: isExact, changes: rough }),
  overTime('changes($)', { fits: isExact }),
  overTime('resets($)', { fits: isExact }),
  ...factors.map(pair =>
    overTime(`double_exponential_smoothing($, ${pair})`, { fits: isExact, changes: rough }),
  ),
  overTime('avg_over_time($)', { changes: rough }),
  ...['min', 'max', 'sum'].map(of =>
    overTime(`${of}_over_time($)`, { changes: ({ distinct }) => ({ distinct }) }),
  ),
  overTime('count_over_time($)', { on: anything, changes: counts }),
  overTime('present_over_time($)', { on: anything, changes: counts }),
  overTime('last_over_time($)', { changes: ({ counter, distinct }) => ({ counter, distinct }) }),
  ...['0.5', '0.9', '0', '#'].map(phi => overTime(`quantile_over_time(${phi}, $)`, { changes: rough })),
  overTime('stddev_over_time($)', { fits: isExact, changes: rough }),
  overTime('stdvar_over_time($)', { fits: isExact, changes: rough }),
]
