import type { Chance } from './chance.ts'

/** An expression with what is known of it. */
export interface Made {
  readonly text: string
  /** What its values are: one number a series, or all buckets of a histogram. */
  readonly kind: 'numbers' | 'classic' | 'native' | 'nativeGauge' | 'scalar'
  /** Names of the labels of its series, the metric's apart: each has another set of their values. */
  readonly labels: readonly string[]
  /** Operations around its selectors. */
  readonly depth: number
  /** How tight its outermost operator binds; Infinity when it has none. */
  readonly power: number
  /** Its values are the same to the last bit however they are computed: what jumps may be put around it. */
  readonly exact: boolean
  /** No two of its series are likely to have the same value, so that there is no question which of them comes first. */
  readonly distinct: boolean
  /** A selector without modifiers. */
  readonly selector: boolean
  /** Of monotone counters. */
  readonly counter: boolean
}

const plain = {
  ...{ depth: 0, power: Infinity, exact: true, selector: true, counter: false, distinct: false },
} as const

const target = ['instance', 'job'] as const

const metrics = {
  numbers: [
    ...['temperature', 'temperature', 'flag', 'limit', 'sparse', 'stopping', 'strange'].map(name => ({
      ...plain,
      ...{ text: name, labels: target },
    })),
    ...['request_seconds_count', 'request_seconds_sum', 'late_total'].map(name => ({
      ...plain,
      ...{ text: name, labels: target, counter: true, distinct: true },
    })),
    ...['requests_total', 'requests_total', 'requests_total'].map(name => ({
      ...plain,
      ...{ text: name, labels: ['code', ...target], counter: true, distinct: true },
    })),
  ],
  classic: [{ ...plain, text: 'request_seconds_bucket', labels: [...target, 'le'], counter: true }],
  native: [{ ...plain, text: 'latency_seconds', labels: target, counter: true, distinct: true }],
  nativeGauge: [{ ...plain, text: 'sizes_bytes', labels: target }],
} as const

const constants = [
  ...['time()', 'pi()', '-2.5', '1e3', '0x1f', '2 ^ 3 ^ 0.5', '-2 ^ 2', '7 % 4 * 2', 'NaN', '-Inf'],
  ...['1 > bool 2', '3 <= bool 3', '1 / 0'],
]

const lonely = [
  ...['hour()', 'minute()', 'day_of_week()', 'month()', 'year()', 'vector(time())', 'vector(2.5)'],
  ...['absent(nosuch{job="api"})', 'absent_over_time(nosuch{instance="1", code=~"x"}[5m])'],
  ...['absent(late_total)', 'absent_over_time(late_total{job="api"}[2m])', 'absent(nosuch) or vector(3)'],
]

/** A selector.
 *  @param labels those that it shall have, when there are such */
export function leaf(chance: Chance, kind: Made['kind'], labels?: readonly string[]): Made {
  if (kind === 'scalar') {
    return {
      ...plain,
      kind,
      text: chance.pick(constants),
      labels: [],
      power: 0,
      exact: false,
      selector: false,
    }
  }
  if (kind === 'numbers' && !labels && chance.is(0.03)) return alone(chance)
  const fitting = metrics[kind].filter(metric => labels && missing(metric.labels, labels).length === 0)
  const metric = chance.pick<Omit<Made, 'kind'>>(fitting.length > 0 ? fitting : metrics[kind])
  return { ...metric, kind, text: selected(chance, metric) }
}

/** One without a selector that has labels of its own. */
function alone(chance: Chance): Made {
  const text = chance.pick(lonely)
  const labels = text.includes('"1"') ? ['instance'] : text.includes('"api"') ? ['job'] : []
  const power = text.includes(' or ') ? 1 : Infinity
  return { ...plain, kind: 'numbers', text, labels, power, exact: false, selector: false }
}

/** Whatever is chosen of two metrics, both have some of it. */
const choices = [
  ...['job="api"', 'job!="nosuch"', 'instance=~"1|2"', 'instance!~"3.*"', 'instance!="3"', 'job=~"api|d."'],
  ...['instance=~"1|2", job="api"', 'nosuch=""', 'nosuch!~".+"', 'job=~".*", instance=~"[^3]"'],
]

function selected(chance: Chance, { text, labels }: Pick<Made, 'text' | 'labels'>): string {
  if (chance.is(0.5)) return text
  if (chance.is(0.1)) return `{__name__="${text}"}`
  if (chance.is(0.1)) return `{__name__=~"${text.slice(0, -1)}.", ${chance.pick(choices)}}`
  const code = labels.includes('code') && chance.is(0.4)
  return `${text}{${code ? chance.pick(['code!="404"', 'code=~"2..|500"']) : chance.pick(choices)}}`
}

/** Another expression around one. */
export function wrapped(on: Made, text: string, changes: Partial<Made> = {}): Made {
  const made = {
    ...on,
    text,
    depth: on.depth + 1,
    power: Infinity,
    selector: false,
    counter: false,
    distinct: false,
  }
  return { ...made, ...changes }
}

/** In parentheses where an operator that binds so tight needs them. */
export function operand({ text, power }: Made, wanted: number): string {
  return power < wanted ? `(${text})` : text
}

export function missing(from: readonly string[], labels: readonly string[]): string[] {
  return labels.filter(label => !from.includes(label))
}

export function sameLabels(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && missing(a, b).length === 0
}
