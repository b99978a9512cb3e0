import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/engine/config/parse.ts'
import { formatLabels } from '../../../src/engine/model/labels.ts'
import { sampleLabels } from '../../../src/engine/scrape/labels.ts'
import { targetsOf } from '../../../src/engine/scrape/target.ts'

const targets = (job: string) =>
  parseConfig(`scrape_configs: [{job_name: j, ${job}}]`).jobs.flatMap(targetsOf)

describe('a target is reached and labelled', () => {
  const rows: [string, string, string, string][] = [
    [
      'as its job says',
      'static_configs: [{targets: ["h:1"]}]',
      'http://h:1/metrics',
      '{instance="h:1", job="j"}',
    ],
    [
      'with the labels of its group',
      'static_configs: [{targets: [h], labels: {env: prod, empty: ""}}]',
      'http://h/metrics',
      '{env="prod", instance="h", job="j"}',
    ],
    [
      'with a job and instance of the group',
      'static_configs: [{targets: [h], labels: {job: k, instance: i}}]',
      'http://h/metrics',
      '{instance="i", job="k"}',
    ],
    [
      'with parameters, sorted by name',
      'params: {m: [b, a], "a b": ["&"]}, static_configs: [{targets: [h]}]',
      'http://h/metrics?a+b=%26&m=b&m=a',
      '{instance="h", job="j"}',
    ],
    [
      'as labels of its group say, which it does not keep',
      'params: {m: [x, y]}, static_configs: [{targets: [h], labels: {__scheme__: https, __metrics_path__: /p, ' +
        '__param_m: z, __address__: "g:2", __x: y}}]',
      'https://g:2/p?m=z&m=y',
      '{instance="g:2", job="j"}',
    ],
    [
      'at a path without slash',
      'metrics_path: m, static_configs: [{targets: [h]}]',
      'http://h/m',
      '{instance="h", job="j"}',
    ],
    [
      'at a path that would end',
      'metrics_path: "/a?b#c d%20", static_configs: [{targets: [h]}]',
      'http://h/a%3Fb%23c%20d%20',
      '{instance="h", job="j"}',
    ],
  ]
  test.each(rows)('%s', (_, job, url, labels) => {
    expect(targets(job).map(target => [target.url, formatLabels(target.labels)])).toEqual([[url, labels]])
  })
})

test('a target that stands there twice is one', () => {
  expect(
    targets('static_configs: [{targets: [h, h]}, {targets: [h]}, {targets: [h], labels: {a: b}}]'),
  ).toHaveLength(2)
})

test('the id stays when interval, timeout or honouring change, and tells everything else apart', () => {
  const id = (job: string) => targets(job)[0]?.id
  const base = id('static_configs: [{targets: [h]}]')
  expect(id('scrape_interval: 5s, honor_labels: true, static_configs: [{targets: [h]}]')).toBe(base)
  const others = [
    id('static_configs: [{targets: [i]}]'),
    id('scheme: https, static_configs: [{targets: [h]}]'),
    id('static_configs: [{targets: [h], labels: {a: b}}]'),
  ]
  expect(new Set([base, ...others]).size).toBe(4)
  expect(base).toMatch(/^[0-9a-f]{16}$/)
})

test('the slots of many targets spread over an interval', () => {
  const names = Array.from({ length: 1000 }, (_, i) => `h${i}:9100`).join(', ')
  const tenths = new Array<number>(10).fill(0)
  for (const { hash } of targets(`static_configs: [{targets: [${names}]}]`))
    tenths[Math.floor((hash % 5000) / 500)]!++
  for (const count of tenths) expect(count).toBeGreaterThan(60)
})

describe('a label that target and exposition both have', () => {
  const target = ['instance', 'h', 'job', 'j']
  const rows: [string, boolean, Record<string, string>, string][] = [
    ['is renamed', false, { job: 'x' }, 'm{exported_job="x", instance="h", job="j"}'],
    [
      'is renamed until the name is free',
      false,
      { job: 'x', exported_job: 'y' },
      'm{exported_exported_job="x", exported_job="y", instance="h", job="j"}',
    ],
    ['is nothing to rename when empty', false, { job: '' }, 'm{instance="h", job="j"}'],
    ['stays when honoured', true, { job: 'x' }, 'm{instance="h", job="x"}'],
    ['takes the target’s away when honoured and empty', true, { job: '' }, 'm{instance="h"}'],
  ]
  test.each(rows)('%s', (_, honor, exposed, expected) => {
    const pairs = Object.entries({ __name__: 'm', ...exposed })
    expect(formatLabels(sampleLabels(pairs, target, honor))).toBe(expected)
  })

  test('is renamed after those that its new name could displace', () => {
    const both = ['a', '1', 'exported_a', '2']
    const exposed: [string, string][] = [
      ['__name__', 'm'],
      ['exported_a', 'y'],
      ['a', 'x'],
    ]
    expect(formatLabels(sampleLabels(exposed, both, false))).toBe(
      'm{a="1", exported_a="2", exported_exported_a="x", exported_exported_exported_a="y"}',
    )
  })
})
