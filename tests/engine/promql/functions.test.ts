import { describe, expect, test } from 'vitest'
import { QueryError } from '../../../src/engine/model/errors.ts'
import { functions, type FunctionName } from '../../../src/engine/promql/syntax/functions.ts'
import { loaded } from '../../promqltest/loaded.ts'
import { asker } from './asked.ts'

const store = loaded(`load 1m
  h{a="1"} {{count:3 sum:2 buckets:[1 2]}} 5 stale
  h{a="2"} 7 {{count:1 sum:1 buckets:[1]}} 9
  started@st _ -30s -90s
  started 1 2 {{count:2}}
  m{a="1"} 1 stale 3
  n{a="1"} _ 2 3`)
const { instant, range } = asker(store)

describe('native histograms', () => {
  test.each([
    ['abs(h)', ['{a="2"} 7']],
    ['round(h, 2)', ['{a="2"} 8']],
    ['clamp_min(h, 8)', ['{a="2"} 8']],
    ['year(h)', ['{a="2"} 1970']],
    ['timestamp(h)', ['{a="1"} 0', '{a="2"} 0']],
    ['vector(scalar(h))', ['{} 7']],
    ['absent(h{a="1"})', []],
    ['sort_desc(h)', ['h{a="2"} 7']],
    ['sort_by_label_desc(h, "a")', ['h{a="2"} 7', 'h{a="1"} {count:3, sum:2, (0.5,1]:1, (1,2]:2}']],
    [
      'label_replace(h, "b", "x", "", "")',
      ['h{a="1", b="x"} {count:3, sum:2, (0.5,1]:1, (1,2]:2}', 'h{a="2", b="x"} 7'],
    ],
  ])('in %s', async (expr, rows) => {
    expect(await instant(expr, 0)).toEqual({ rows, notes: [] })
  })

  test('come and go in a range', async () => {
    expect((await range('abs(h)', 2)).rows).toEqual(['{a="1"} _ 5 _', '{a="2"} 7 _ 9'])
    expect((await range('label_join(h{a="1"}, "a", "")', 2)).rows).toEqual([
      'h {count:3, sum:2, (0.5,1]:1, (1,2]:2} 5 _',
    ])
  })

  test('are no info', async () => {
    const infos = loaded('load 1m\n  m{job="1"} 1\n  target_info{job="1"} {{count:1}}')
    await expect(asker(infos).instant('info(m)', 0)).rejects.toThrow(
      'this should be an info metric, with float samples: {__name__="target_info", job="1"}',
    )
  })
})

describe('a metric that loses its name', () => {
  test.each([
    [true, 'abs({__name__=~"m|n"})', 'vector cannot contain metrics with the same labelset'],
    [false, 'abs({__name__=~"m|n"})', 'vector cannot contain metrics with the same labelset'],
    [false, 'label_replace(abs({__name__=~"m|n"}), "__name__", "x", "", "")', 'same labelset'],
  ])('put off: %s: %s must not meet another', async (delayedNameRemoval, expr, message) => {
    await expect(asker(store, { delayedNameRemoval }).range(expr, 2)).rejects.toThrow(message)
  })

  test.each([true, false])(
    'put off: %s: becomes one with another that it never meets',
    async delayedNameRemoval => {
      const { rows } = await asker(store, { delayedNameRemoval }).range('abs({__name__=~"m|n"})', 1)
      expect(rows).toEqual(['{a="1"} 1 2'])
    },
  )

  test('may get another one while that is put off', async () => {
    const expr = 'label_replace(abs({__name__=~"m|n"}), "__name__", "${1}_abs", "__name__", "(.*)")'
    const { rows } = await asker(store, { delayedNameRemoval: true }).range(expr, 2)
    expect(rows).toEqual(['m_abs{a="1"} 1 _ 3', 'n_abs{a="1"} _ 2 3'])
  })
})

describe('start timestamps', () => {
  test('are told when they are asked for, of samples only', async () => {
    const on = asker(store, { startTimestamps: true })
    expect((await on.range('start_timestamp(started)', 2)).rows).toEqual(['{} 0 30 30'])
    expect((await on.range('start_timestamp(started * 1)', 2)).rows).toEqual([])
    expect((await range('start_timestamp(started)', 2)).rows).toEqual([])
  })
})

test('every function is there', async () => {
  const args = { scalar: '1', vector: 'm', matrix: 'm[1m]', string: '"a"' } as const
  for (const name of Object.keys(functions) as FunctionName[]) {
    const call = `${name}(${functions[name].args.map(type => args[type]).join(', ')})`
    const expr = functions[name].returns === 'scalar' ? `vector(${call})` : call
    const answer = await instant(expr, 0).catch((error: unknown) => error)
    if (answer instanceof Error) expect(answer).toBeInstanceOf(QueryError)
  }
})
