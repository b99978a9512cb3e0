import type { ValueType } from './types.ts'

// The aggregation operators of PromQL (upstream's `promql/parser/lex.go`).

export interface AggregatorTraits {
  /** Of the parameter in front of the vector; null where there is none. */
  readonly param: ValueType | null
  /** Upstream asks for a flag. */
  readonly experimental: boolean
  /** One sentence. */
  readonly doc: string
}

function op(doc: string, param: ValueType | null = null, experimental = false): AggregatorTraits {
  return { param, experimental, doc }
}

export const aggregators = {
  sum: op('The sum of each group.'),
  avg: op('The average of each group.'),
  min: op('The smallest value of each group.'),
  max: op('The largest value of each group.'),
  count: op('How many series each group has.'),
  group: op('1 for each group.'),
  stddev: op('The standard deviation of each group.'),
  stdvar: op('The variance of each group.'),
  topk: op('The k series of each group with the largest values.', 'scalar'),
  bottomk: op('The k series of each group with the smallest values.', 'scalar'),
  quantile: op('The φ-quantile of each group.', 'scalar'),
  count_values: op('How many series of each group have the same value, told apart by a label.', 'string'),
  limitk: op('Any k series of each group.', 'scalar', true),
  limit_ratio: op('A fraction of the series of each group, always the same ones.', 'scalar', true),
} satisfies Record<string, AggregatorTraits>

export type Aggregator = keyof typeof aggregators
