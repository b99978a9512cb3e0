import type { Asked } from './differential.ts'

/** Why 3.14, and so ours, and 2.42 may not give the same answer. */
interface Excuse {
  readonly cause: string
  readonly excuses: (asked: Asked) => boolean
}

const excuses: readonly Excuse[] = [
  {
    cause: '3.x takes observations to lie exponentially within a bucket of a native histogram, 2.42 evenly',
    excuses: ({ expr, differences }) =>
      /histogram_(quantile|fraction)\(/.test(expr) &&
      /sizes_b|latency_s/.test(expr) &&
      differences.every(isNumber),
  },
  {
    cause: '3.x reads names of labels in quotes',
    excuses: ({ differences }) =>
      differences.every(text => /there$/.test(text) && /unexpected string/.test(text)),
  },
]

/** What an answer differs in is one number a line. */
function isNumber(difference: string): boolean {
  return /^\{.*\} at \d+: \S+ here, \S+ there$/.test(difference)
}

/** The first cause that holds; null when there is none. */
export function excuseOf(asked: Asked): string | null {
  return excuses.find(({ excuses }) => excuses(asked))?.cause ?? null
}
