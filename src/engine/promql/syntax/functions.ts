import type { ValueType } from './types.ts'

// The functions of PromQL (upstream's `promql/parser/functions.go`): the parser checks by this table, the evaluator finds
// the implementation by the name (`implementations.ts`), the editor and the documentation show the rest.

export interface PromFunction {
  readonly args: readonly ValueType[]
  /** How many of the last arguments may be missing, or come again: 0 none; n > 0: the last one may be left out and may
   *  come up to n times; -1: it may be left out, or come as often as one likes. */
  readonly variadic: number
  readonly returns: ValueType
  /** Upstream asks for a flag. */
  readonly experimental: boolean
  /** One sentence. */
  readonly doc: string
}

interface Traits {
  readonly variadic?: number
  readonly returns?: ValueType
  readonly experimental?: boolean
}

function fn(args: readonly ValueType[], doc: string, traits: Traits = {}): PromFunction {
  return { args, variadic: 0, returns: 'vector', experimental: false, doc, ...traits }
}

const vector = ['vector'] as const
const matrix = ['matrix'] as const
const experimental = { experimental: true }
const datePart = { variadic: 1 }

export const functions = {
  // Sample by sample.
  abs: fn(vector, 'The absolute value of each sample.'),
  ceil: fn(vector, 'Each sample rounded up to an integer.'),
  floor: fn(vector, 'Each sample rounded down to an integer.'),
  round: fn(
    ['vector', 'scalar'],
    'Each sample rounded to the nearest multiple of the second argument, by default 1; halves up.',
    {
      variadic: 1,
    },
  ),
  clamp: fn(['vector', 'scalar', 'scalar'], 'Each sample kept between a lower and an upper bound.'),
  clamp_min: fn(['vector', 'scalar'], 'Each sample, at least the lower bound.'),
  clamp_max: fn(['vector', 'scalar'], 'Each sample, at most the upper bound.'),
  exp: fn(vector, 'e to the power of each sample.'),
  ln: fn(vector, 'The natural logarithm of each sample.'),
  log2: fn(vector, 'The binary logarithm of each sample.'),
  log10: fn(vector, 'The decimal logarithm of each sample.'),
  sqrt: fn(vector, 'The square root of each sample.'),
  sgn: fn(vector, 'The sign of each sample: 1, -1 or 0.'),
  sin: fn(vector, 'The sine of each sample, an angle in radians.'),
  cos: fn(vector, 'The cosine of each sample, an angle in radians.'),
  tan: fn(vector, 'The tangent of each sample, an angle in radians.'),
  asin: fn(vector, 'The arcsine of each sample, in radians.'),
  acos: fn(vector, 'The arccosine of each sample, in radians.'),
  atan: fn(vector, 'The arctangent of each sample, in radians.'),
  sinh: fn(vector, 'The hyperbolic sine of each sample.'),
  cosh: fn(vector, 'The hyperbolic cosine of each sample.'),
  tanh: fn(vector, 'The hyperbolic tangent of each sample.'),
  asinh: fn(vector, 'The inverse hyperbolic sine of each sample.'),
  acosh: fn(vector, 'The inverse hyperbolic cosine of each sample.'),
  atanh: fn(vector, 'The inverse hyperbolic tangent of each sample.'),
  deg: fn(vector, 'Each sample turned from radians into degrees.'),
  rad: fn(vector, 'Each sample turned from degrees into radians.'),

  // Numbers and vectors.
  pi: fn([], 'The ratio of a circle’s circumference to its diameter.', { returns: 'scalar' }),
  scalar: fn(vector, 'The value of the only series as a scalar; NaN when there is not exactly one.', {
    returns: 'scalar',
  }),
  vector: fn(['scalar'], 'The scalar as a vector without labels.'),
  max_of: fn(['scalar', 'scalar'], 'The larger of two scalars.', { returns: 'scalar', experimental: true }),
  min_of: fn(['scalar', 'scalar'], 'The smaller of two scalars.', { returns: 'scalar', experimental: true }),
  absent: fn(vector, '1 when the vector is empty, with the labels that its selector says; else nothing.'),

  // Time.
  time: fn([], 'The time of evaluation, in seconds since 1970.', { returns: 'scalar' }),
  timestamp: fn(vector, 'When each sample was taken, in seconds since 1970.'),
  start_timestamp: fn(
    vector,
    'When the counter behind each sample began, in seconds since 1970.',
    experimental,
  ),
  start: fn([], 'Where the query’s range begins, in seconds since 1970.', {
    returns: 'scalar',
    experimental: true,
  }),
  end: fn([], 'Where the query’s range ends, in seconds since 1970.', {
    returns: 'scalar',
    experimental: true,
  }),
  range: fn([], 'How long the query’s range is, in seconds.', { returns: 'scalar', experimental: true }),
  step: fn([], 'The distance of the query’s steps, in seconds.', { returns: 'scalar', experimental: true }),
  minute: fn(vector, 'The minute of the hour of each time, in UTC.', datePart),
  hour: fn(vector, 'The hour of the day of each time, in UTC.', datePart),
  day_of_week: fn(vector, 'The day of the week of each time, in UTC; 0 is Sunday.', datePart),
  day_of_month: fn(vector, 'The day of the month of each time, in UTC.', datePart),
  day_of_year: fn(vector, 'The day of the year of each time, in UTC.', datePart),
  days_in_month: fn(vector, 'How many days the month of each time has, in UTC.', datePart),
  month: fn(vector, 'The month of each time, in UTC; 1 is January.', datePart),
  year: fn(vector, 'The year of each time, in UTC.', datePart),

  // Labels and order.
  label_replace: fn(
    ['vector', 'string', 'string', 'string', 'string'],
    'Each series with a label made of another one that a regular expression matches.',
  ),
  label_join: fn(
    ['vector', 'string', 'string', 'string'],
    'Each series with a label made of others, joined by a separator.',
    { variadic: -1 },
  ),
  sort: fn(vector, 'The series by their values, the smallest first.'),
  sort_desc: fn(vector, 'The series by their values, the largest first.'),
  sort_by_label: fn(['vector', 'string'], 'The series by the values of labels, in natural order.', {
    variadic: -1,
    experimental: true,
  }),
  sort_by_label_desc: fn(
    ['vector', 'string'],
    'The series by the values of labels, in reverse natural order.',
    {
      variadic: -1,
      experimental: true,
    },
  ),
  info: fn(['vector', 'vector'], 'Each series with the labels of the info metrics that belong to it.', {
    variadic: 1,
    experimental: true,
  }),

  // Counters and gauges over a range.
  rate: fn(matrix, 'How much a counter grows per second, on average over the range.'),
  irate: fn(matrix, 'How much a counter grows per second, by its last two samples.'),
  increase: fn(matrix, 'How much a counter grows over the range.'),
  delta: fn(matrix, 'How much a gauge changes over the range.'),
  idelta: fn(matrix, 'How much a gauge changes between its last two samples.'),
  deriv: fn(matrix, 'How much a gauge changes per second, by linear regression.'),
  predict_linear: fn(['matrix', 'scalar'], 'What a gauge will be in so many seconds, by linear regression.'),
  changes: fn(matrix, 'How often the value changes in the range.'),
  resets: fn(matrix, 'How often a counter is reset in the range.'),
  double_exponential_smoothing: fn(
    ['matrix', 'scalar', 'scalar'],
    'The smoothed value of a gauge, with a smoothing and a trend factor.',
    experimental,
  ),

  // All samples of a range.
  avg_over_time: fn(matrix, 'The average of the samples in the range.'),
  min_over_time: fn(matrix, 'The smallest sample in the range.'),
  max_over_time: fn(matrix, 'The largest sample in the range.'),
  sum_over_time: fn(matrix, 'The sum of the samples in the range.'),
  count_over_time: fn(matrix, 'How many samples the range has.'),
  quantile_over_time: fn(['scalar', 'matrix'], 'The φ-quantile of the samples in the range.'),
  stddev_over_time: fn(matrix, 'The standard deviation of the samples in the range.'),
  stdvar_over_time: fn(matrix, 'The variance of the samples in the range.'),
  mad_over_time: fn(matrix, 'The median absolute deviation of the samples in the range.', experimental),
  last_over_time: fn(matrix, 'The newest sample in the range.'),
  first_over_time: fn(matrix, 'The oldest sample in the range.'),
  present_over_time: fn(matrix, '1 where the range has any sample.'),
  absent_over_time: fn(
    matrix,
    '1 where the range has no sample at all, with the labels that its selector says; else nothing.',
  ),
  ts_of_first_over_time: fn(matrix, 'When the oldest sample in the range was taken.', experimental),
  ts_of_last_over_time: fn(matrix, 'When the newest sample in the range was taken.', experimental),
  ts_of_min_over_time: fn(matrix, 'When the smallest sample in the range was last taken.', experimental),
  ts_of_max_over_time: fn(matrix, 'When the largest sample in the range was last taken.', experimental),

  // Histograms.
  histogram_avg: fn(vector, 'The average observation of each native histogram.'),
  histogram_count: fn(vector, 'The number of observations of each native histogram.'),
  histogram_sum: fn(vector, 'The sum of the observations of each native histogram.'),
  histogram_stddev: fn(
    vector,
    'The estimated standard deviation of the observations of each native histogram.',
  ),
  histogram_stdvar: fn(vector, 'The estimated variance of the observations of each native histogram.'),
  histogram_fraction: fn(
    ['scalar', 'scalar', 'vector'],
    'The estimated fraction of observations between two bounds.',
  ),
  histogram_quantile: fn(['scalar', 'vector'], 'The φ-quantile of each histogram, classic or native.'),
  histogram_quantiles: fn(
    ['vector', 'string', 'scalar', 'scalar'],
    'Up to ten quantiles of each histogram, told apart by a label.',
    { variadic: 9, experimental: true },
  ),
} satisfies Record<string, PromFunction>

export type FunctionName = keyof typeof functions
