import type { Generator, Production } from './generator.ts'
import { missing, operand, wrapped, type Made } from './generatorleaves.ts'

// Binary operators: with scalars, with vectors, and every way of matching them.

const powers = {
  ...{ or: 1, and: 2, unless: 2, '==': 3, '!=': 3, '<': 3, '<=': 3, '>': 3, '>=': 3 },
  ...{ '+': 4, '-': 4, '*': 5, '/': 5, '%': 5, atan2: 5, '^': 6 },
} as const

type Operator = keyof typeof powers

const arithmetic = ['+', '-', '*', '/', '%', 'atan2', '^'] as const
const comparisons = ['==', '!=', '<', '<=', '>', '>='] as const
const sets = ['and', 'or', 'unless'] as const

/** Both operators of the same tightness: the left one comes first, but for powers. */
function joined(left: Made | string, op: Operator, between: string, right: Made | string): string {
  const power = powers[op]
  const onLeft = typeof left === 'string' ? left : operand(left, op === '^' ? power + 0.1 : power)
  const onRight = typeof right === 'string' ? right : operand(right, op === '^' ? power : power + 0.1)
  // 2.42 leaves the metric its name.
  const nameless = op === 'atan2' ? ' * 1' : ''
  return `${onLeft} ${op}${between} ${onRight}${nameless}`
}

/** What becomes of the values: a difference of what is a little off may be far off, and so may what jumps. */
function exactness(op: Operator, bool: string, left: boolean, right: boolean): boolean {
  if (bool) return true
  if (op === '*' || op === '/' || op === 'atan2' || op === '^') return false
  return op === 'and' || op === 'unless' || powers[op] === 3 ? left : left && right
}

function needsExact(op: Operator): boolean {
  return op === '-' || op === '+' || op === '%' || op === '==' || op === '!=' || op === 'atan2'
}

const known = ['code', 'instance', 'job']

function withScalar(op: Operator): Production {
  const literals = ['2', '0.5', '10', '-3', '1.25', '100']
  return {
    on: ['numbers'],
    fits: on => on.exact || !needsExact(op),
    make: (on, generator) => {
      const { chance } = generator
      const literal = needsExact(op) || powers[op] === 3 || chance.is(0.7)
      const scalar = literal ? chance.pick(literals) : generator.scalar()
      const bool = powers[op] === 3 && chance.is(0.4) ? ' bool' : ''
      // A negative number in front of a power would be taken as the power's negative.
      const text = chance.is(0.5)
        ? joined(on, op, bool, scalar)
        : joined(scalar.startsWith('-') ? `(${scalar})` : scalar, op, bool, on)
      return wrapped(on, text, { power: powers[op], exact: exactness(op, bool, on.exact, literal) })
    },
  }
}

/** The other operand, as exact as the operator wants it. */
function other(op: Operator, labels: readonly string[], generator: Generator): Made {
  for (let tries = 0; tries < 100; tries++) {
    const made = generator.vector(generator.chance.below(3), labels)
    if (made.exact || !needsExact(op)) return made
  }
  throw new Error('want an exact operand, found none')
}

function bools(op: Operator, generator: Generator): string {
  return powers[op] === 3 && generator.chance.is(0.4) ? ' bool' : ''
}

function withVector(op: Operator): Production {
  return {
    on: ['numbers'],
    fits: on => missing(known, on.labels).length === 0 && (on.exact || !needsExact(op)),
    make: (on, generator) => {
      const { chance } = generator
      const right = other(op, on.labels, generator)
      const bool = bools(op, generator)
      const matching = chance.pick(['', '', ` on (${on.labels.join(', ')})`, ' ignoring (nosuch)'])
      const [a, b] = chance.is(0.5) ? [on, right] : [right, on]
      const exact = exactness(op, bool, a.exact, b.exact)
      return around(a, b, joined(a, op, bool + matching, b), { labels: on.labels, power: powers[op], exact })
    },
  }
}

function around(left: Made, right: Made, text: string, changes: Partial<Made>): Made {
  return { ...wrapped(left, text, changes), depth: 1 + Math.max(left.depth, right.depth) }
}

/** Series of a part of the labels belong to many each. */
function withFewer(op: Operator): Production {
  return {
    on: ['numbers'],
    fits: on => on.labels.includes('job') && on.labels.length > 1 && (on.exact || !needsExact(op)),
    make: (on, generator) => {
      const { chance } = generator
      const labels = on.labels.filter(label => label === 'job' || (known.includes(label) && chance.is(0.4)))
      const one = other(op, labels, generator)
      const bool = bools(op, generator)
      const on_ = chance.is(0.5) || missing(known, on.labels).length > 0
      const ignored = on.labels.filter(label => !labels.includes(label))
      const matching = on_ ? ` on (${labels.join(', ')})` : ` ignoring (${ignored.join(', ')})`
      const include = chance.is(0.3) && on_ && !on.labels.includes('zone')
      const few = include
        ? wrapped(one, `label_replace(${one.text}, "zone", "$1", "job", "(.).*")`, { counter: false })
        : one
      const left = chance.is(0.5)
      // Without its own, the parentheses of an operand would be taken for it.
      const opens = joined('', op, '', left ? few : on).includes(`${op} (`)
      const taken = include ? ' (zone)' : opens ? ' ()' : chance.pick(['', ' ()'])
      const text = left
        ? joined(on, op, `${bool}${matching} group_left${taken}`, few)
        : joined(few, op, `${bool}${matching} group_right${taken}`, on)
      const exact = exactness(op, bool, (left ? on : few).exact, (left ? few : on).exact)
      const all = include ? [...on.labels, 'zone'].sort() : on.labels
      return around(on, few, text, { labels: all, power: powers[op], exact })
    },
  }
}

/** Sets do not mind how many match. */
function withSet(op: (typeof sets)[number]): Production {
  return {
    on: ['numbers'],
    fits: on => missing(known, on.labels).length === 0,
    make: (on, generator) => {
      const { chance } = generator
      const labels = op === 'or' ? on.labels : on.labels.filter(() => chance.is(0.7))
      const right = generator.vector(chance.below(3), labels)
      const filtered = chance.is(0.6) ? wrapped(right, joined(right, '>', '', '0.5'), { power: 3 }) : right
      const matching =
        labels.length < on.labels.length ? ` on (${labels.join(', ')})` : chance.pick(['', ' ignoring ()'])
      const exact = op === 'or' ? on.exact && right.exact : on.exact
      return around(on, filtered, joined(on, op, matching, filtered), { power: powers[op], exact })
    },
  }
}

const nativeSum: Production = {
  on: ['native', 'nativeGauge'],
  fits: on => missing(['instance', 'job'], on.labels).length === 0 && on.labels.length === 2,
  make: (on, { chance }) =>
    wrapped(on, joined(on, '+', '', chance.is(0.5) ? on : on.text), { power: 4, exact: false }),
}

export const operators: readonly Production[] = [
  ...arithmetic.flatMap(op => [withScalar(op), withVector(op), withFewer(op)]),
  ...comparisons.flatMap(op => [withScalar(op), withVector(op), withFewer(op)]),
  ...sets.flatMap(op => [withSet(op), withSet(op)]),
  nativeSum,
]
