import { describe, expect, test } from 'vitest'
import { errorJson, successJson } from '../../../src/engine/api/json.ts'
import type { InstantAnswer, RangeAnswer } from '../../../src/engine/model/answers.ts'
import { noNotes, noStats } from '../../querynotes.ts'
import { readSeries } from '../../../src/promqltest/series.ts'

const notes = { ...noNotes, histograms: null }
const text = (answer: InstantAnswer | RangeAnswer) => [...successJson(answer)].join('')
const data = (answer: InstantAnswer | RangeAnswer) => /"data":(.*)\}$/.exec(text(answer))?.[1]

function vector(t: number, ...values: number[]): InstantAnswer {
  const labels = values.map((_, i) => ['__name__', 'm', 'i', String(i)])
  return { kind: 'vector', t, labels, values: Float64Array.from(values), ...notes }
}

describe('values and times are written as Prometheus writes them', () => {
  test.each<[string, InstantAnswer, string]>([
    ['a whole second', vector(1_500_000_000_000, 1), '[1500000000,"1"]'],
    ['three digits of a fraction', vector(1_500_000_000_500, 1), '[1500000000.500,"1"]'],
    ['leading zeros of a fraction', vector(1_500_000_000_050, 1), '[1500000000.050,"1"]'],
    ['a time before the epoch', vector(-500, 1), '[-0.500,"1"]'],
    ['infinities and NaN', vector(0, Infinity), '[0,"+Inf"]'],
    ['negative infinity', vector(0, -Infinity), '[0,"-Inf"]'],
    ['NaN', vector(0, NaN), '[0,"NaN"]'],
    ['negative zero', vector(0, -0), '[0,"-0"]'],
    ['an exponent of two digits', vector(0, 1e-7), '[0,"1e-07"]'],
    ['a large exponent', vector(0, 1e21), '[0,"1e+21"]'],
    ['no exponent in between', vector(0, 1e20), '[0,"100000000000000000000"]'],
  ])('%s', (_, answer, point) => {
    expect(data(answer)).toBe(
      `{"resultType":"vector","result":[{"metric":{"__name__":"m","i":"0"},"value":${point}}]}`,
    )
  })
  test.each<[number, number, string]>([
    [1_500_000_000_500, 1e21, '[1500000000.5,"1000000000000000000000"]'],
    [0, 1e-7, '[0,"0.0000001"]'],
    [0, -1.5e-9, '[0,"-0.0000000015"]'],
    [0, -2.5e22, '[0,"-25000000000000000000000"]'],
    [0, 0.5, '[0,"0.5"]'],
  ])('a scalar at %d of %d has no exponent', (t, value, expected) => {
    expect(data({ kind: 'scalar', t, value, ...noNotes })).toBe(
      `{"resultType":"scalar","result":${expected}}`,
    )
  })
})

test('a matrix leaves out what is absent, not what is NaN', () => {
  const answer: RangeAnswer = {
    kind: 'matrix',
    start: 1000,
    step: 500,
    steps: 3,
    labels: [['a', 'x'], []],
    values: Float64Array.from([1, NaN, 3, 0, 0, 7]),
    present: Uint8Array.from([1, 1, 0, 0, 0, 1]),
    ...notes,
  }
  expect(JSON.parse(text(answer))).toEqual({
    status: 'success',
    data: {
      resultType: 'matrix',
      result: [
        {
          metric: { a: 'x' },
          values: [
            [1, '1'],
            [1.5, 'NaN'],
          ],
        },
        { metric: {}, values: [[2, '7']] },
      ],
    },
  })
})

test('raw samples are a matrix, an empty vector is a list', () => {
  const samples: InstantAnswer = {
    kind: 'samples',
    labels: [
      ['a', '1'],
      ['a', '2'],
    ],
    offsets: Uint32Array.from([0, 2, 3]),
    t: Float64Array.from([1, 2, 3000]),
    v: Float64Array.from([4, 5, 6]),
    ...notes,
  }
  expect(data(samples)).toBe(
    '{"resultType":"matrix","result":[{"metric":{"a":"1"},"values":[[0.001,"4"],[0.002,"5"]]},{"metric":{"a":"2"},"values":[[3,"6"]]}]}',
  )
  expect(text(vector(0))).toBe('{"status":"success","data":{"resultType":"vector","result":[]}}')
})

test('hostile labels stay JSON, notes come after the data and are cut at ten', () => {
  const infos = Array.from({ length: 12 }, (_, i) => `info ${i}`)
  const answer = { ...vector(0, 1), labels: [['a', '"\\\n\u2028</script>']], infos, warnings: ['w'] }
  const parsed = JSON.parse(text(answer)) as Record<string, unknown> & { infos: string[] }
  expect(parsed).toMatchObject({
    data: { result: [{ metric: { a: '"\\\n\u2028</script>' } }] },
    warnings: ['w'],
  })
  expect(parsed.infos).toHaveLength(11)
  expect(parsed.infos.at(-1)).toBe('2 more info notices omitted')
})

test('a large answer comes in pieces', () => {
  const steps = 10_000
  const answer: RangeAnswer = {
    kind: 'matrix',
    start: 0,
    step: 1000,
    steps,
    labels: Array.from({ length: 20 }, (_, i) => ['i', String(i)]),
    values: new Float64Array(20 * steps).fill(1.25),
    present: new Uint8Array(20 * steps).fill(1),
    ...notes,
  }
  const pieces = [...successJson(answer)]
  expect(pieces.length).toBeGreaterThan(10)
  expect(JSON.parse(pieces.join(''))).toMatchObject({ status: 'success' })
})

/** A histogram in the notation of the scripts. */
function histogram(text: string) {
  const [value] = readSeries(`m ${text}`).values
  if (value?.kind !== 'histogram') throw new Error(`${text} is no histogram`)
  return value.histogram.plain()
}

describe('native histograms', () => {
  test.each([
    ['{{}}', '{"count":"0","sum":"0"}'],
    [
      '{{count:5 sum:1.5 buckets:[1 0 4]}}',
      '{"count":"5","sum":"1.5","buckets":[[0,"0.5","1","1"],[0,"2","4","4"]]}',
    ],
    [
      '{{count:3 z_bucket:1 z_bucket_w:0.25 buckets:[1] n_buckets:[1]}}',
      '{"count":"3","sum":"0","buckets":[[1,"-1","-0.5","1"],[3,"-0.25","0.25","1"],[0,"0.5","1","1"]]}',
    ],
    ['{{count:1 z_bucket:1}}', '{"count":"1","sum":"0","buckets":[[3,"-0","0","1"]]}'],
    [
      '{{schema:-53 count:6 custom_values:[-1 0 5] buckets:[1 2 1 2]}}',
      '{"count":"6","sum":"0","buckets":[[1,"-Inf","-1","1"],[1,"-1","0","2"],[0,"0","5","1"],[0,"5","+Inf","2"]]}',
    ],
  ])('%s', (text, json) => {
    const answer = { ...vector(1000, NaN), histograms: [{ at: 0, histogram: histogram(text) }] }
    expect(data(answer)).toBe(
      `{"resultType":"vector","result":[{"metric":{"__name__":"m","i":"0"},"histogram":[1,${json}]}]}`,
    )
  })

  test('stand apart from the floats of their series, and what there is none of is left out', () => {
    const one = histogram('{{count:1}}')
    const answer: RangeAnswer = {
      kind: 'matrix',
      ...{ start: 0, step: 1000, steps: 3 },
      labels: [
        ['a', '1'],
        ['a', '2'],
      ],
      values: Float64Array.of(1, NaN, 3, 4, NaN, NaN),
      present: Uint8Array.of(1, 2, 1, 0, 2, 2),
      ...noNotes,
      histograms: [1, 4, 5].map(at => ({ at, histogram: one })),
    }
    const json = { count: '1', sum: '0' }
    expect(JSON.parse(data(answer) ?? '')).toMatchObject({
      result: [
        {
          metric: { a: '1' },
          values: [
            [0, '1'],
            [2, '3'],
          ],
          histograms: [[1, json]],
        },
        {
          metric: { a: '2' },
          histograms: [
            [1, json],
            [2, json],
          ],
        },
      ],
    })
    expect(data(answer)).not.toContain('"values":[],')
  })

  test('are among raw samples', () => {
    const answer: InstantAnswer = {
      kind: 'samples',
      labels: [
        ['a', '1'],
        ['a', '2'],
      ],
      offsets: Uint32Array.of(0, 1, 2),
      t: Float64Array.of(1000, 2000),
      v: Float64Array.of(7, NaN),
      ...noNotes,
      histograms: [{ at: 1, histogram: histogram('{{count:2}}') }],
    }
    expect(data(answer)).toContain(
      '{"metric":{"a":"1"},"values":[[1,"7"]]},{"metric":{"a":"2"},"histograms":[[2,{"count":"2","sum":"0"}]]}',
    )
  })
})

test('statistics come when they are wanted', () => {
  const stats = {
    ...noStats,
    ...{ samples: 30, peakSamples: 12, timings: { prepare: 1, queue: 8, evaluate: 2, sort: 4 } },
    samplesPerStep: { start: 500, step: 1000, counts: Float64Array.of(10, 20) },
  }
  const answer = { ...vector(0, 1), stats }
  const { data } = JSON.parse([...successJson(answer, { stats: true })].join('')) as {
    data: { stats: unknown }
  }
  expect(data.stats).toEqual({
    timings: {
      ...{ evalTotalTime: 7, resultSortTime: 4, queryPreparationTime: 1 },
      ...{ innerEvalTime: 2, execQueueTime: 8, execTotalTime: 15 },
    },
    samples: {
      totalQueryableSamplesPerStep: [
        [0.5, 10],
        [1.5, 20],
      ],
      totalQueryableSamples: 30,
      peakSamples: 12,
    },
  })
  expect(text(answer)).not.toContain('stats')
})

test('a failure has its type and text', () => {
  expect(errorJson('bad_data', 'a "b"')).toBe('{"status":"error","errorType":"bad_data","error":"a \\"b\\""}')
})
