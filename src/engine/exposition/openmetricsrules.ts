import { labelsFrom, labelsKey, metricName, valueOf, type Labels } from '../model/labels.ts'
import type { MetricType } from '../model/metadata.ts'
import { FloatProblem, readFloat } from './float.ts'
import { HistogramRules } from './openmetricshistogram.ts'

// What the specification of OpenMetrics 1.0 asks of an exposition beyond its grammar. Where it leaves a question open,
// the project's own cases (tests/testdata of prometheus/OpenMetrics) answer it.

/** A rule of the specification is broken. */
export class RuleProblem extends Error {
  override readonly name = 'RuleProblem'
}

export interface RuledSample {
  /** The name among them. */
  readonly labels: readonly (readonly [string, string])[]
  readonly value: number
  /** Seconds. */
  readonly timestamp: number | null
  readonly exemplar: readonly (readonly [string, string])[] | null
}

/** What is behind a family's name in those of its samples; the first one is what most types have alone. */
const suffixes: Readonly<Record<MetricType, readonly string[]>> = {
  unknown: [''],
  gauge: [''],
  stateset: [''],
  info: ['_info'],
  counter: ['_total', '_created'],
  summary: ['', '_count', '_sum', '_created'],
  histogram: ['_bucket', '_count', '_sum', '_created'],
  gaugehistogram: ['_bucket', '_gcount', '_gsum'],
}

/** Samples that count something, by type and suffix: neither NaN nor negative. */
const counting = new Set([
  ...[
    'counter_total',
    'summary_count',
    'summary_sum',
    'histogram_bucket',
    'histogram_count',
    'histogram_sum',
  ],
  ...['gaugehistogram_bucket', 'gaugehistogram_gcount'],
])
/** … and those of them that are whole. */
const whole = new Set([
  ...[
    'summary_count',
    'histogram_bucket',
    'histogram_count',
    'gaugehistogram_bucket',
    'gaugehistogram_gcount',
  ],
])
const withExemplars = new Set(['counter_total', 'histogram_bucket', 'gaugehistogram_bucket'])
const mostExemplarCharacters = 128

/** Hears of every entry of an exposition, in order; each method throws `RuleProblem`. */
export class OpenMetricsRules {
  private family: Family | null = null
  /** Names of all families so far, and of the samples that they may have. */
  private readonly names = new Set<string>()

  metadata(kind: 'help' | 'type' | 'unit', name: string, text: string): void {
    const family = this.family?.name === name ? this.family : this.open(name)
    if (family.hasSamples)
      problem(`want metadata of "${name}" in front of its samples, have ${kind} behind them`)
    if (family.told.has(kind)) problem(`want ${kind} of "${name}" once, have it twice`)
    family.told.add(kind)
    if (kind === 'type') {
      family.type = text as MetricType
      for (const suffix of suffixes[family.type]) if (suffix !== '') this.reserve(name + suffix)
    } else if (kind === 'unit') family.unit = text
    if (family.unit !== '' && (family.type === 'info' || family.type === 'stateset')) {
      problem(`want no unit of "${name}", since it is of type ${family.type}, have "${family.unit}"`)
    }
  }

  sample(sample: RuledSample): void {
    const labels = labelsFrom(sample.labels)
    const name = valueOf(labels, metricName)
    const family = this.family?.suffixOf(name) === undefined ? this.open(name) : this.family
    family.add(labels, sample)
  }

  /** The exposition has ended. */
  end(): void {
    this.family?.close()
    this.family = null
  }

  private open(name: string): Family {
    this.end()
    this.reserve(name)
    this.family = new Family(name)
    return this.family
  }

  private reserve(name: string): void {
    if (this.names.has(name)) problem(`want the name "${name}" in one place, have it in another family, too`)
    this.names.add(name)
  }
}

/** The family that is being read. */
class Family {
  readonly name: string
  readonly told = new Set<string>()
  type: MetricType = 'unknown'
  unit = ''
  hasSamples = false
  private histogram: HistogramRules | null = null
  /** Metrics so far: their labels, without those that tell the samples of a metric apart. */
  private readonly metrics = new Set<string>()
  private metric: string | null = null
  private timestamp: number | null = null
  /** Samples of the metric at this timestamp. */
  private readonly samples = new Set<string>()

  constructor(name: string) {
    this.name = name
  }

  /** What the name of a sample has behind the family's; undefined when it is none of the family's. */
  suffixOf(name: string): string | undefined {
    return suffixes[this.type].find(suffix => name === this.name + suffix)
  }

  add(labels: Labels, { value, timestamp, exemplar }: RuledSample): void {
    const suffix = this.suffixOf(valueOf(labels, metricName)) as string
    this.hasSamples = true
    this.checkLabels(labels, suffix)
    this.checkValue(value, suffix)
    if (exemplar) this.checkExemplar(exemplar, suffix)
    this.checkOrder(labels, suffix, timestamp)
    if (this.type === 'histogram' || this.type === 'gaugehistogram') {
      this.histogram ??= new HistogramRules(this.name)
      told(this.histogram.add(suffix, boundOf(valueOf(labels, 'le')), value))
    }
  }

  /** No more samples of the metric at its timestamp will come. */
  close(): void {
    if (this.histogram) told(this.histogram.fault())
    this.histogram = null
  }

  private checkLabels(labels: Labels, suffix: string): void {
    const { name, type } = this
    if (suffix === '_bucket') {
      const bound = valueOf(labels, 'le')
      const parsed = boundOf(bound)
      if (Number.isNaN(parsed) || (parsed === Infinity && bound !== '+Inf')) {
        problem(`want a number or +Inf as le of "${name}_bucket", have "${bound}"`)
      }
    } else if (type === 'summary' && suffix === '') {
      const quantile = boundOf(valueOf(labels, 'quantile'))
      if (!(quantile >= 0 && quantile <= 1)) {
        problem(`want a number from 0 to 1 as quantile of "${name}", have "${valueOf(labels, 'quantile')}"`)
      }
    } else if (type === 'stateset' && valueOf(labels, name) === '') {
      problem(`want a label "${name}" of the stateset "${name}", have none`)
    }
  }

  private checkValue(value: number, suffix: string): void {
    const { name, type } = this
    const kind = type + suffix
    const wanted = (what: string) => problem(`want ${what} for "${name}${suffix}", have ${value}`)
    if (counting.has(kind) && !(value >= 0)) wanted('a number that is not negative')
    if (whole.has(kind) && !Number.isInteger(value)) wanted('a whole number')
    if (suffix === '_gsum' && Number.isNaN(value)) wanted('a number')
    if (type === 'summary' && suffix === '' && value < 0) wanted('a number that is not negative')
    if (type === 'stateset' && value !== 0 && value !== 1) wanted('0 or 1')
    if (type === 'info' && value !== 1) wanted('1')
  }

  private checkExemplar(labels: readonly (readonly [string, string])[], suffix: string): void {
    const { name, type } = this
    if (!withExemplars.has(type + suffix)) {
      problem(`want no exemplar of "${name}${suffix}", which is of type ${type}, have one`)
    }
    const length = labels.reduce((sum, pair) => sum + characters(pair[0]) + characters(pair[1]), 0)
    if (length > mostExemplarCharacters) {
      problem(`want at most ${mostExemplarCharacters} characters in an exemplar's labels, have ${length}`)
    }
  }

  /** Samples of a metric stand together, their times in order. */
  private checkOrder(labels: Labels, suffix: string, timestamp: number | null): void {
    const { name, type } = this
    const metric = this.metricOf(labels, suffix)
    if (metric !== this.metric) {
      if (this.metrics.has(metric))
        problem(`want the samples of a metric of "${name}" together, have them apart`)
      this.metrics.add(metric)
      this.startPoint()
    } else {
      const [before, now] = [this.timestamp, timestamp]
      if ((before === null) !== (now === null)) {
        problem(`want timestamps for all samples of a metric of "${name}" or for none, have some without`)
      }
      if (before !== null && now !== null && before > now && type !== 'info') {
        problem(`want timestamps of a metric of "${name}" in order, have ${now} behind ${before}`)
      }
      if (before !== now) this.startPoint()
    }
    this.metric = metric
    this.timestamp = timestamp
    const key = labelsKey(labels)
    if (timestamp === null && this.samples.has(key))
      problem(`want a sample of "${name}${suffix}" once, have it twice`)
    this.samples.add(key)
  }

  private startPoint(): void {
    this.close()
    this.samples.clear()
  }

  /** Metrics of an info are not told apart: any label may be the info. */
  private metricOf(labels: Labels, suffix: string): string {
    const { name, type } = this
    if (type === 'info') return ''
    const own =
      suffix === '_bucket'
        ? 'le'
        : type === 'stateset'
          ? name
          : type === 'summary' && suffix === ''
            ? 'quantile'
            : ''
    const rest: string[] = []
    for (let i = 0; i < labels.length; i += 2) {
      const label = labels[i] as string
      if (label !== metricName && label !== own) rest.push(label, labels[i + 1] as string)
    }
    return labelsKey(rest)
  }
}

function problem(message: string): never {
  throw new RuleProblem(message)
}

function told(fault: string | null): void {
  if (fault !== null) problem(fault)
}

/** NaN for what is no number. */
function boundOf(text: string): number {
  const bytes = new TextEncoder().encode(text)
  try {
    return readFloat(bytes, 0, bytes.length)
  } catch (error) {
    if (error instanceof FloatProblem) return NaN
    throw error
  }
}

/** Of Unicode, not of UTF-16. */
function characters(text: string): number {
  let count = 0
  for (let i = 0; i < text.length; i += (text.codePointAt(i) as number) > 0xffff ? 2 : 1) count++
  return count
}
