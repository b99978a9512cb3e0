/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle) - 1] ?? NaN)) / 2
}

/** The median, and in parentheses the lowest and the highest. */
export function spread(values: readonly number[], show: (value: number) => string): string {
  return `${show(median(values))} (${show(Math.min(...values))} – ${show(Math.max(...values))})`
}

/** Which figure stands for many: the middle one, or, where a rough run on a busy machine is to be fair, the best. */
export type Pick = (values: readonly number[], better: 'more' | 'less') => number

export const middle: Pick = values => median(values)
export const best: Pick = (values, better) => (better === 'more' ? Math.max(...values) : Math.min(...values))
