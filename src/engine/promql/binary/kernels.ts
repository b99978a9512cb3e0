import { arithmetic, type ArithmeticOperator, type ComparisonOperator } from '../syntax/operators.ts'

// Operators on whole columns of floats. Absent values are computed, too: a loop without questions is faster, and nobody
// looks at what comes out. Loops are written out, because one that calls its operator takes several times as long.

export type Computing = (a: Float64Array, b: Float64Array, out: Float64Array) => void

/** Puts 1 where the comparison holds and 0 elsewhere. */
export type Comparing = (a: Float64Array, b: Float64Array, out: Uint8Array) => void

export const computing: Readonly<Record<ArithmeticOperator, Computing>> = {
  '+': (a, b, out) => {
    for (let s = 0; s < out.length; s++) out[s] = (a[s] as number) + (b[s] as number)
  },
  '-': (a, b, out) => {
    for (let s = 0; s < out.length; s++) out[s] = (a[s] as number) - (b[s] as number)
  },
  '*': (a, b, out) => {
    for (let s = 0; s < out.length; s++) out[s] = (a[s] as number) * (b[s] as number)
  },
  '/': (a, b, out) => {
    for (let s = 0; s < out.length; s++) out[s] = (a[s] as number) / (b[s] as number)
  },
  '%': (a, b, out) => {
    for (let s = 0; s < out.length; s++) out[s] = (a[s] as number) % (b[s] as number)
  },
  '^': (a, b, out) => {
    for (let s = 0; s < out.length; s++) out[s] = arithmetic['^'](a[s] as number, b[s] as number)
  },
  atan2: (a, b, out) => {
    for (let s = 0; s < out.length; s++) out[s] = Math.atan2(a[s] as number, b[s] as number)
  },
}

export const comparing: Readonly<Record<ComparisonOperator, Comparing>> = {
  '==': (a, b, out) => {
    for (let s = 0; s < out.length; s++) out[s] = (a[s] as number) === (b[s] as number) ? 1 : 0
  },
  '!=': (a, b, out) => {
    for (let s = 0; s < out.length; s++) out[s] = (a[s] as number) !== (b[s] as number) ? 1 : 0
  },
  '>': (a, b, out) => {
    for (let s = 0; s < out.length; s++) out[s] = (a[s] as number) > (b[s] as number) ? 1 : 0
  },
  '<': (a, b, out) => {
    for (let s = 0; s < out.length; s++) out[s] = (a[s] as number) < (b[s] as number) ? 1 : 0
  },
  '>=': (a, b, out) => {
    for (let s = 0; s < out.length; s++) out[s] = (a[s] as number) >= (b[s] as number) ? 1 : 0
  },
  '<=': (a, b, out) => {
    for (let s = 0; s < out.length; s++) out[s] = (a[s] as number) <= (b[s] as number) ? 1 : 0
  },
}
