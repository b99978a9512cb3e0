import type { Production } from './generator.ts'
import { operand, wrapped, type Made } from './generatorleaves.ts'

// Functions of instant vectors.

const numbers = ['numbers'] as const
/** 2.42 changes labels of floats only. */
const floats = ['numbers', 'classic'] as const
const vectors = [...floats, 'native', 'nativeGauge'] as const

/** `$` is the argument; `#` a scalar. */
function filled(template: string, changes: Partial<Made>, fits: Production['fits']): Production {
  return {
    on: numbers,
    fits,
    make: (on, generator) => {
      const text = template.replaceAll('#', () => generator.scalar()).replaceAll('$', () => on.text)
      const exact = on.exact && !template.includes('#')
      const depth = on.depth + (template.match(/[a-z_2]+\(|\) [-+*/]/g) ?? []).length
      return wrapped(on, text, { depth, exact, ...changes })
    },
  }
}

const always = () => true
const isExact = (on: Made) => on.exact
const rough = { exact: false }

const keeping = ['abs($)', 'clamp($, -10, 10.5)', 'clamp_min($, 3)', 'clamp_max($, 7.5)']
const steps = ['ceil($)', 'floor($)', 'round($)', 'round($, 0.25)', 'round($, 5)', 'sgn($)']
const smooth = ['sqrt($)', 'deg($)', 'rad($)', 'clamp($, -(#), 1e3)', 'clamp_min($, #)', 'clamp_max($, #)']
// A value that is a little off becomes far off.
const steep = [
  ...[
    'exp($)',
    'ln($)',
    'log2($)',
    'log10($)',
    'sin($)',
    'cos($)',
    'tan($)',
    'sinh($)',
    'cosh($)',
    'tanh($)',
  ],
  ...['asinh($)', 'atan($)', 'acosh(abs($) + 1)', 'round($, 0.3)'],
  ...['asin(clamp(($) / 64, -1, 1))', 'acos(clamp(($) / 64, -1, 1))', 'atanh(clamp(($) / 64, -1, 1))'],
]
const dates = [
  ...['minute', 'hour', 'day_of_week', 'day_of_month', 'day_of_year', 'days_in_month', 'month', 'year'],
].map(name => `${name}(($) * 40009)`)

const elementwise: Production[] = [
  ...keeping.map(template => filled(template, {}, always)),
  ...steps.map(template => filled(template, {}, isExact)),
  ...smooth.map(template => filled(template, rough, always)),
  ...steep.map(template => filled(template, rough, isExact)),
  ...dates.map(template => filled(template, {}, isExact)),
  filled('timestamp($)', rough, always),
  ordered('sort'),
  ordered('sort_desc'),
  filled('absent(($) > 1e300)', { labels: [], exact: true }, always),
]

function ordered(name: string): Production {
  return {
    on: numbers,
    fits: always,
    make: on => wrapped(on, `${name}(${on.text})`, { distinct: on.distinct }),
  }
}

const toScalar: Production = {
  on: numbers,
  fits: always,
  make: on => {
    const text = on.labels.length === 0 ? `scalar(${on.text})` : `scalar(max(${on.text}))`
    return wrapped(on, text, { kind: 'scalar', labels: [] })
  },
}

const fromScalar: Production = {
  on: ['scalar'],
  fits: always,
  make: on => wrapped(on, `vector(${on.text})`, { kind: 'numbers', exact: false }),
}

const minus: Production = {
  on: numbers,
  fits: always,
  make: on => wrapped(on, `-${operand(on, 6)}`, { power: 5.5 }),
}

const parentheses: Production = {
  on: vectors,
  fits: on => !on.text.startsWith('('),
  make: on => ({ ...on, text: `(${on.text})`, power: Infinity, selector: false }),
}

const newLabel: Production = {
  on: floats,
  fits: on => on.labels.includes('job') && !on.labels.includes('zone'),
  make: (on, { chance }) => {
    const how = chance.pick([
      '"$1-z", "job", "(.).*"',
      '"z$0", "job", "(?i:A.*|D.*)"',
      '"${first}", "job", "(?P<first>a|d).*"',
    ])
    return wrapped(on, `label_replace(${on.text}, "zone", ${how})`, { labels: [...on.labels, 'zone'].sort() })
  },
}

const changedLabel: Production = {
  on: floats,
  fits: on => on.labels.includes('job'),
  make: (on, { chance }) => {
    const how = chance.pick([
      '"$1$1", "job", "(.*)"',
      '"x", "nosuch", "no"',
      '"", "job", "nosuch"',
      '"$$1", "job", "api"',
    ])
    return wrapped(on, `label_replace(${on.text}, "job", ${how})`)
  },
}

const joinedLabel: Production = {
  on: floats,
  fits: on => on.labels.includes('job') && !on.labels.includes('path'),
  make: (on, { chance }) => {
    const parts = chance.pick(['"/", "job", "instance"', '"", "job"', '", ", "nosuch", "job", "job"'])
    return wrapped(on, `label_join(${on.text}, "path", ${parts})`, { labels: [...on.labels, 'path'].sort() })
  },
}

const classicQuantile: Production = {
  on: ['classic'],
  fits: on => on.labels.includes('le'),
  make: (on, { chance }) => {
    const labels = on.labels.filter(label => label !== 'le')
    const phi = chance.pick(['0.5', '0.9', '0.99', '0', '1', '-1', '2'])
    return wrapped(on, `histogram_quantile(${phi}, ${on.text})`, { kind: 'numbers', labels, exact: false })
  },
}

const natives = ['native', 'nativeGauge'] as const

/** At the very ends it does not matter how observations lie within their bucket: 3.x has another idea of it. */
const nativeQuantile: Production = {
  on: natives,
  fits: always,
  make: (on, { chance }) =>
    wrapped(on, `histogram_quantile(${chance.pick(['0', '1', '-1', '2'])}, ${on.text})`, {
      kind: 'numbers',
      exact: false,
    }),
}

/** Between bounds of buckets, for the same reason. */
const nativeFraction: Production = {
  on: natives,
  fits: always,
  make: (on, { chance }) => {
    const bounds = chance.pick(['0.5, 2', '-Inf, 1', '0.25, Inf', '1, 1', '2, 0.5', '-2, 4', '-Inf, Inf'])
    return wrapped(on, `histogram_fraction(${bounds}, ${on.text})`, { kind: 'numbers', exact: false })
  },
}

const nativeParts: Production[] = ['histogram_count', 'histogram_sum'].map(name => ({
  on: natives,
  fits: always,
  make: on => wrapped(on, `${name}(${on.text})`, { kind: 'numbers', exact: false }),
}))

export const functionProductions: readonly Production[] = [
  ...elementwise,
  ...[toScalar, fromScalar, minus, parentheses, newLabel, changedLabel, joinedLabel],
  ...[classicQuantile, nativeQuantile, nativeFraction, ...nativeParts],
]
