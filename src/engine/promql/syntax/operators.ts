// Binary operators: how tightly they bind and what they do. Names as they are written.

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2'
export type ComparisonOperator = '==' | '!=' | '>' | '<' | '>=' | '<='
export type SetOperator = 'and' | 'or' | 'unless'
/** Cuts a native histogram off above or below a number. */
export type TrimOperator = '</' | '>/'
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator | TrimOperator

/** Higher binds tighter. */
export const precedence: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '>': 3,
  '<': 3,
  '>=': 3,
  '<=': 3,
  '</': 3,
  '>/': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 6,
}

/** Unary minus binds like a multiplication: `-1^2` is `-(1^2)`. */
export const unaryPrecedence = 5

export const arithmetic: Readonly<Record<ArithmeticOperator, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': power,
  atan2: (a, b) => Math.atan2(a, b),
}

const comparisons: ReadonlySet<BinaryOperator> = new Set(['==', '!=', '>', '<', '>=', '<='])

export function isComparison(op: BinaryOperator): op is ComparisonOperator {
  return comparisons.has(op)
}

export function isSetOperator(op: BinaryOperator): op is SetOperator {
  return op === 'and' || op === 'or' || op === 'unless'
}

export function isTrim(op: BinaryOperator): op is TrimOperator {
  return op === '</' || op === '>/'
}

/** Go's `math.Pow`: 1 to the power of anything is 1, -1 to an infinite power is 1; JavaScript has NaN there. */
function power(a: number, b: number): number {
  if (a === 1 || (a === -1 && (b === Infinity || b === -Infinity))) return 1
  return a ** b
}
