import { withLabel } from '../../model/labels.ts'
import { formatGeneral } from '../../model/float.ts'
import type { FloatHistogram } from '../../model/histogram/float.ts'
import { invalidQuantile } from '../annotations.ts'
import type { Call, Expr } from '../syntax/ast.ts'
import { evaluate, scalarValues } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation } from './implementation.ts'
import { Joined, Renaming } from '../naming.ts'
import { NativeEstimator } from './quantile.ts'
import { bare } from '../samples/ranges.ts'
import { emptyRow, histogramAt, presence, type Row, type Sink } from '../row.ts'
import { Estimation } from './histogramsestimation.ts'

export const histograms = {
  histogram_count: ofNative(() => h => h.count),
  histogram_sum: ofNative(() => h => h.sum),
  histogram_avg: ofNative(() => h => h.sum / h.count),
  histogram_stdvar: ofNative(() => {
    const estimator = new NativeEstimator(() => undefined)
    return h => estimator.variance(h)
  }),
  histogram_stddev: ofNative(() => {
    const estimator = new NativeEstimator(() => undefined)
    return h => Math.sqrt(estimator.variance(h))
  }),
  histogram_fraction: { kind: 'special', run: fraction },
  histogram_quantile: { kind: 'special', run: quantile },
  histogram_quantiles: { kind: 'special', run: quantiles },
} satisfies Partial<Record<FunctionName, Implementation>>

/** A number of each native histogram; floats are passed over.
 *  @param prepare makes the calculation for one query */
function ofNative(prepare: () => (h: FloatHistogram) => number): Implementation {
  return {
    kind: 'special',
    run: async (call, query, sink) => {
      const vector = argument(call, 0)
      const renaming = new Renaming(query, vector, sink)
      const numberOf = prepare()
      const result = emptyRow(query.grid.steps)
      await evaluate(vector, query, row => {
        if (!row.histograms) return
        result.labels = row.labels
        for (let s = 0; s < row.present.length; s++) {
          const has = row.present[s] === presence.histogram
          result.present[s] = has ? presence.float : presence.none
          if (has) result.values[s] = numberOf(histogramAt(row, s))
        }
        renaming.drop(result)
      })
      await renaming.finish()
    },
  }
}

function argument({ name, args }: Call, i: number): Expr {
  const arg = args[i]
  if (!arg) throw new Error(`BUG: ${name} without argument ${i + 1}`)
  return arg
}

async function fraction(call: Call, query: Evaluation, sink: Sink): Promise<void> {
  const lower = await scalarValues(argument(call, 0), query)
  const upper = await scalarValues(argument(call, 1), query)
  const estimation = await Estimation.of(argument(call, 2), query)
  await handOn(estimation, query, sink, take =>
    estimation.each(
      {
        native: (estimator, h, s) => estimator.fraction(lower[s] as number, upper[s] as number, h),
        classic: (buckets, s) => buckets.fraction(lower[s] as number, upper[s] as number),
      },
      take,
    ),
  )
}

async function quantile(call: Call, query: Evaluation, sink: Sink): Promise<void> {
  const q = await quantileArgument(argument(call, 0), query)
  const estimation = await Estimation.of(argument(call, 1), query)
  await handOn(estimation, query, sink, take => eachQuantile(q, estimation, take))
}

/** The values of a φ, which should be in [0, 1]. */
async function quantileArgument(expr: Expr, query: Evaluation): Promise<Float64Array> {
  const values = await scalarValues(expr, query)
  let noted: number | null = null
  for (const q of values) {
    if ((q >= 0 && q <= 1) || Object.is(q, noted)) continue
    query.note(invalidQuantile(q), expr.span)
    noted = q
  }
  return values
}

function eachQuantile(q: Float64Array, estimation: Estimation, take: Sink): Promise<void> {
  return estimation.each(
    {
      native: (estimator, h, s) => estimator.quantile(q[s] as number, h),
      classic: (buckets, s) => buckets.quantile(q[s] as number),
    },
    take,
  )
}

async function quantiles(call: Call, query: Evaluation, sink: Sink): Promise<void> {
  const estimation = await Estimation.of(argument(call, 0), query)
  const label = bare(argument(call, 1))
  if (label.kind !== 'string') throw new Error(`BUG: ${call.name} without a label`)
  const qs: Float64Array[] = []
  for (const arg of call.args.slice(2)) qs.push(await quantileArgument(arg, query))

  // A label may stand for the same quantile in two arguments, at different steps.
  const joined = new Joined()
  for (const q of qs) {
    await eachQuantile(q, estimation, row => {
      for (const part of partsWithSame(q, row)) {
        part.row.labels = withLabel(row.labels, label.value, openMetricsFloat(part.value))
        joined.add(part.row)
      }
    })
  }
  const renaming = new Renaming(query, estimation.vector, sink)
  await joined.emit(query, row => renaming.drop(row))
  await renaming.finish()
}

/** Parts of a row at whose steps a scalar is the same; mostly it always is. */
function partsWithSame(scalar: Float64Array, row: Row): { value: number; row: Row }[] {
  return [...new Set(scalar)].map(value => {
    const present = row.present.map((here, s) =>
      sameNumber(scalar[s] as number, value) ? here : presence.none,
    )
    return { value, row: { ...row, present } }
  })
}

/** As a set has it: NaN is itself, and -0 is 0. */
function sameNumber(a: number, b: number): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b))
}

/** A float as OpenMetrics wants it (upstream's `FormatOpenMetricsFloat`): never without a dot or an exponent. */
function openMetricsFloat(v: number): string {
  if (v === 0) return '0.0'
  const text = formatGeneral(v)
  return /[e.]|^NaN$|Inf$/.test(text) ? text : `${text}.0`
}

/** Takes rows to the sink without their names. */
async function handOn(
  estimation: Estimation,
  query: Evaluation,
  sink: Sink,
  run: (take: Sink) => Promise<void>,
): Promise<void> {
  const renaming = new Renaming(query, estimation.vector, sink)
  if (estimation.hasNamesakes) {
    const joined = new Joined()
    await run(row => joined.add(row))
    await joined.emit(query, row => renaming.drop(row))
  } else {
    await run(row => renaming.drop(row))
  }
  await renaming.finish()
}
