import { describe, expect, test } from 'vitest'
import { resetHint } from '../../src/engine/model/histogram.ts'
import { FloatHistogram } from '../../src/engine/model/histogram/float.ts'
import { formatLabels } from '../../src/engine/model/labels.ts'
import { writeHistogram } from '../../src/promqltest/histogram.ts'
import { readSeries, readStartTimes, type Value } from '../../src/promqltest/series.ts'

/** The values of a line as the notation would write them one by one. */
function written(values: readonly Value[]): string {
  return values.map(write).join(' ')
}

function write(value: Value): string {
  if (value === null) return '_'
  if (value.kind === 'float') return value.stale ? 'stale' : String(value.v)
  return writeHistogram(value.histogram)
}

describe('metrics', () => {
  test.each([
    ['m 1', 'm'],
    ['m', 'm'],
    ['{} 1', ''],
    ['m{} 1', 'm'],
    ['m{a="b",c="d",} 1', 'm{a="b", c="d"}'],
    ['{a="b"} 1', '{a="b"}'],
    ['{"my.metric", "la.bel"="x y"} 1', '{__name__="my.metric", "la.bel"="x y"}'],
    ['m{c="d", a="{}"} 1', 'm{a="{}", c="d"}'],
    ['m{a=""} 1', 'm'],
    ['sum{a="b"} 1', 'sum{a="b"}'],
    ['a:b 1', 'a:b'],
    ['m{a=`\\d`} 1', 'm{a="\\\\d"}'],
  ])('%s is a metric', (line, metric) => {
    const { labels } = readSeries(line)
    expect(labels.length === 0 ? '' : formatLabels(labels)).toBe(metric)
  })

  test.each([
    ['', 'want a metric at column 1, found the end of the line'],
    ['1 2', 'want a metric at column 1, found 1 2'],
    ['Inf 2', 'want a metric at column 1, found Inf 2'],
    ['m{a=~"b"} 1', 'want "=" at column 4'],
    ['m{a="b"', 'unexpected end of input inside braces'],
    ['m{a="b" c="d"} 1', 'want "," or "}" at column 9'],
    ['m{a=5} 1', 'unexpected character inside braces'],
    ['m{a="b"}1', 'want a space behind the metric at column 9'],
    ['m {a="b"} 1', 'want a value at column 3, found {a="b"} 1'],
  ])('%j is none', (line, message) => {
    expect(() => readSeries(line)).toThrow(message)
  })
})

describe('values', () => {
  test.each([
    ['', ''],
    ['1 2  3', '1 2 3'],
    ['1\t2', '1 2'],
    ['7x3', '7 7 7 7'],
    ['1+2x3', '1 3 5 7'],
    ['1-2x3', '1 -1 -3 -5'],
    ['-1-2x1', '-1 -3'],
    ['+5', '5'],
    ['1e3 1.5e-3x1 .5 5.', '1000 0.0015 0.0015 0.5 5'],
    ['0+0.1x3', '0 0.1 0.2 0.30000000000000004'],
    ['_', '_'],
    ['_x3', '_ _ _'],
    ['_x0', ''],
    ['1 _ stale 2', '1 _ stale 2'],
    ['NaN Inf -Inf +inf nan', 'NaN Infinity -Infinity Infinity NaN'],
    ['010 08', '8 8'],
    ['{{}}', '{{schema:0 count:0 sum:0}}'],
    ['1 {{count:2}}x1 3', '1 {{schema:0 count:2 sum:0}} {{schema:0 count:2 sum:0}} 3'],
    ['{{sum:1}}+{{sum:2}}x1', '{{schema:0 count:0 sum:1}} {{schema:0 count:0 sum:3}}'],
    ['{{sum:1}}-{{sum:2}}x1', '{{schema:0 count:0 sum:1}} {{schema:0 count:0 sum:-1}}'],
  ])('%j stands for %j', (text, values) => {
    expect(written(readSeries(`m ${text}`).values)).toBe(values)
  })

  test.each([
    ['1x', 'want a value at column 3, found 1x'],
    ['x3', 'want a value'],
    ['1+x3', 'want a value'],
    ['1+1', 'want a value'],
    ['1 x3', 'want a value at column 5'],
    ['1+-1x3', 'want a value'],
    ['0x1F', 'want a value'],
    ['5m', 'want a value'],
    ['NaNx3', 'want a value'],
    ['stalex3', 'want a value'],
    ['STALE', 'want a number, found STALE'],
    ['1,2', 'want a value'],
    ['1x1000000000', 'want at most 1000000 values in a line, found 1000000000'],
    ['0x999999 0x999999', 'want at most 1000000 values in a line'],
    ['{{', 'want }} behind {{'],
    ['{{sum:1}}+{{sum:2}}', 'want x and a number behind a sum of histograms'],
    ['{{sum:1}}{{sum:2}}', 'want a space behind a histogram'],
    ['{{sum:1}}x', 'want a space behind a histogram'],
  ])('%s is refused', (text, message) => {
    expect(() => readSeries(`m ${text}`)).toThrow(message)
  })
})

describe('histogram literals', () => {
  test('every key has its place, in any order', () => {
    const text =
      '{{counter_reset_hint:gauge schema:-53 count:22 sum:-3.5 z_bucket:1 z_bucket_w:1e-3 offset:-2 ' +
      'buckets:[5 10 7] n_offset:3 n_buckets:[1 -Inf] custom_values:[0.5 NaN]}}'
    const [value] = readSeries(`m ${text}`).values
    expect(value).toEqual({
      kind: 'histogram',
      hinted: true,
      histogram: new FloatHistogram({
        ...{ schema: -53, sum: -3.5, count: 22, zeroCount: 1, zeroThreshold: 0.001 },
        positiveSpans: Int32Array.of(-2, 3),
        negativeSpans: Int32Array.of(3, 2),
        positive: Float64Array.of(5, 10, 7),
        negative: Float64Array.of(1, -Infinity),
        bounds: Float64Array.of(0.5, NaN),
        hint: resetHint.gauge,
      }),
    })
  })

  test('what is left out is zero, and a hint that is not given is none', () => {
    expect(readSeries('m {{}}').values).toEqual([
      { kind: 'histogram', hinted: false, histogram: FloatHistogram.empty() },
    ])
  })

  test('a sum is made of the sum before', () => {
    const line =
      'm {{count:3 sum:1 buckets:[1 2]}}-{{count:1 sum:0.5 buckets:[1] counter_reset_hint:gauge}}x2'
    expect(readSeries(line).values.map(write)).toEqual([
      '{{schema:0 count:3 sum:1 buckets:[1 2]}}',
      '{{schema:0 count:2 sum:0.5 buckets:[0 2] counter_reset_hint:gauge}}',
      '{{schema:0 count:1 sum:0 buckets:[-1 2] counter_reset_hint:gauge}}',
    ])
  })

  test.each([
    ['{{shape:1}}', 'want a key of a histogram and its value, found shape:1'],
    ['{{schema}}', 'want a key of a histogram and its value, found schema'],
    ['{{schema:1.5}}', 'want an integer for schema, found 1.5'],
    ['{{sum:five}}', 'want a number for sum, found five'],
    ['{{buckets:5}}', 'want numbers in brackets for buckets, found 5'],
    ['{{buckets:[]}}', 'want numbers in brackets for buckets, found []'],
    ['{{buckets:[1 b]}}', 'want a number for buckets, found b'],
    ['{{sum:1 sum:2}}', 'want sum once in a histogram, found it twice'],
    ['{{counter_reset_hint:maybe}}', 'for counter_reset_hint, found maybe'],
    ['{{buckets:[1 2}}', 'want a key of a histogram'],
    ['{{schema:1}}+{{schema:0}}x1', 'cannot merge from schema 0 to 1'],
    ['{{}}+{{schema:-53}}x1', 'cannot merge from schema -53 to 0'],
    ['{{custom_values:[1]}}', 'want schema:-53 for custom_values, found 0'],
  ])('%s is refused', (text, message) => {
    expect(() => readSeries(`m ${text}`)).toThrow(message)
  })
})

describe('start timestamps', () => {
  test.each([
    ['_ _x2 -1m', [null, null, null, -60_000]],
    ['0 5ms -1ms', [0, 5, -1]],
    ['-1mx2', [-60_000, -60_000, -60_000]],
    ['-1s+1sx2', [-1000, 0, 1000]],
    ['1ms-1mx2', [1, -59_999, -119_999]],
    ['', []],
  ])('%j stands for %j', (text, offsets) => {
    expect(readStartTimes(text)).toEqual(offsets)
  })

  test.each([
    ['5', 'want a duration, found 5'],
    ['1h30m', 'want a start timestamp, found 1h30m'],
    ['-1s+1s', 'want x and a number behind a step, found -1s+1s'],
    ['abc', 'want a start timestamp, found abc'],
    ['_x', 'want a start timestamp, found _x'],
  ])('%s is refused', (text, message) => {
    expect(() => readStartTimes(text)).toThrow(message)
  })
})
