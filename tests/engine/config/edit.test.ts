import { describe, expect, test } from 'vitest'
import { addTarget, removeTarget, setProxied, TargetProblem } from '../../../src/engine/config/edit.ts'
import { parseConfig } from '../../../src/engine/config/parse.ts'
import { isProxied, targetUrl } from '../../../src/engine/config/url.ts'

const commented = `# What we watch.
global:
  scrape_interval: 15s # often enough

scrape_configs:
  # The machines.
  - job_name: node
    static_configs:
      - targets: ['a:9100'] # the old one
        labels: {rack: r1}
      - targets:
          - b:9100 # the new one

  - job_name: shop # sells
    metrics_path: /m
    scheme: https
    params: {x: ['1']}
    static_configs:
      - targets: [shop:443]
`

function urls(text: string): string[] {
  return parseConfig(text).jobs.flatMap(job =>
    job.staticConfigs.flatMap(({ targets, labels }) =>
      targets.map(address => `${job.name} ${targetUrl(job, address, labels)} ${job.intervalMs / 1000}`),
    ),
  )
}

const shop = 'shop https://shop:443/m?x=1 15'

describe('a target is added', () => {
  const target = (url: string, job: string, intervalMs = 15_000) => ({ url, job, intervalMs })
  const rows: [string, string, ReturnType<typeof target>, string[]][] = [
    ['to an empty configuration', '', target('http://h:1/metrics', 'j', 5000), ['j http://h:1/metrics 5']],
    [
      'to one with an empty list',
      'scrape_configs:',
      target('http://h:1/metrics', 'j'),
      ['j http://h:1/metrics 15'],
    ],
    [
      'to the job of its name, in the group without labels',
      commented,
      target('http://c:9100/metrics', 'node'),
      [
        'node http://a:9100/metrics 15',
        'node http://b:9100/metrics 15',
        'node http://c:9100/metrics 15',
        shop,
      ],
    ],
    [
      'in a group of its own when every other has labels',
      'scrape_configs: [{job_name: j, static_configs: [{targets: [a], labels: {b: c}}]}]',
      target('http://h/metrics', 'j', 60_000),
      ['j http://a/metrics 60', 'j http://h/metrics 60'],
    ],
    [
      'in a new job with path, scheme and parameters',
      commented,
      target('https://p:9115/probe?module=http_2xx&target=a%2Fb&target=c', 'probe', 30_000),
      [
        'node http://a:9100/metrics 15',
        'node http://b:9100/metrics 15',
        shop,
        'probe https://p:9115/probe?module=http_2xx&target=a%2Fb&target=c 30',
      ],
    ],
    ['without its fragment', '', target('http://h:1/m#x', 'j'), ['j http://h:1/m 15']],
    ['at the default port', '', target('http://h', 'j'), ['j http://h/ 15']],
    ['with an IPv6 address', '', target('http://[::1]:9/metrics', 'j'), ['j http://[::1]:9/metrics 15']],
  ]
  test.each(rows)('%s', (_, text, added, expected) => {
    expect(urls(addTarget(text, added))).toEqual(expected)
  })

  const refused: [string, ReturnType<typeof target>, string][] = [
    ['a relative URL', target('metrics', 'j'), 'want an absolute URL, have "metrics"'],
    ['another scheme', target('ftp://h/', 'j'), 'want an http or https URL, have "ftp://h/"'],
    [
      'credentials',
      target('http://u:p@h/', 'j'),
      'a URL with a user or password cannot be scraped from a page',
    ],
    ['no job', target('http://h/', ''), 'job_name is empty'],
    ['no interval', target('http://h/', 'j', 0), 'want an interval of at least 1ms, have 0'],
    ['half a millisecond', target('http://h/', 'j', 0.5), 'want an interval of at least 1ms, have 0.5'],
    [
      'one that is there',
      target('http://b:9100/metrics', 'node'),
      'http://b:9100/metrics is a target of job "node" already',
    ],
    [
      'another interval',
      target('http://c:9100/metrics', 'node', 5000),
      'job "node" has scrape_interval 15s; the new target wants scrape_interval 5s',
    ],
    [
      'everything else',
      target('http://c:9100/metrics', 'shop', 5000),
      'job "shop" has scrape_interval 15s, scheme https, metrics_path /m, params {"x":["1"]}; ' +
        'the new target wants scrape_interval 5s, scheme http, metrics_path /metrics, params {}',
    ],
  ]
  test.each(refused)('but not with %s', (_, added, message) => {
    const add = () => addTarget(commented, added)
    expect(add).toThrow(TargetProblem)
    expect(add).toThrow(message)
  })
})

describe('a target is removed', () => {
  const rows: [string, { job: string; url: string }, string[]][] = [
    [
      'with its group when the group is empty',
      { job: 'node', url: 'http://a:9100/metrics' },
      ['node http://b:9100/metrics 15', shop],
    ],
    [
      'from its group',
      { job: 'node', url: 'http://b:9100/metrics' },
      ['node http://a:9100/metrics 15', shop],
    ],
    [
      'with its job when it was the last one',
      { job: 'shop', url: 'https://shop:443/m?x=1' },
      ['node http://a:9100/metrics 15', 'node http://b:9100/metrics 15'],
    ],
  ]
  test.each(rows)('%s', (_, target, expected) => {
    expect(urls(removeTarget(commented, target))).toEqual(expected)
  })

  test('wherever it stands', () => {
    const text =
      'scrape_configs: [{job_name: j, static_configs: [{targets: [a, b, a]}, {targets: [a]}, {targets: [c]}]}]'
    expect(urls(removeTarget(text, { job: 'j', url: 'http://a/metrics' }))).toEqual([
      'j http://b/metrics 60',
      'j http://c/metrics 60',
    ])
  })

  test.each([
    { job: 'node', url: 'http://z/' },
    { job: 'none', url: 'http://a:9100/metrics' },
  ])('and one that is not there leaves the text as it is: %j', target => {
    expect(removeTarget(commented, target)).toBe(commented)
  })
})

test('comments, order and what nobody touched stay', () => {
  const added = addTarget(commented, { job: 'node', url: 'http://c:9100/metrics', intervalMs: 15_000 })
  for (const comment of commented.match(/#.*/g) ?? []) expect(added).toContain(comment)
  expect(removeTarget(added, { job: 'node', url: 'http://c:9100/metrics' }).replace(/\s+/g, ' ')).toBe(
    commented.replace(/\s+/g, ' '),
  )
})

test('adding and removing the only target leaves a configuration without jobs', () => {
  const target = { job: 'j', url: 'http://h:1/metrics', intervalMs: 5000 }
  const text = removeTarget(addTarget('# mine\n', target), target)
  expect(parseConfig(text).jobs).toEqual([])
  expect(text).toContain('# mine')
})

test('what an alias stands for is not edited', () => {
  const text =
    'scrape_configs:\n- job_name: j\n  static_configs: &s [{targets: [a]}]\n- job_name: k\n  static_configs: *s\n'
  expect(() => addTarget(text, { job: 'k', url: 'http://b/metrics', intervalMs: 60_000 })).toThrow(
    'static_configs is written with a YAML alias; edit prometheus.yml by hand',
  )
})

describe('a target changes its way', () => {
  const at = (address: string) => ({ job: 'j', url: `http://${address}/metrics` })
  const config = (groups: string) => `scrape_configs: [{job_name: j, static_configs: [${groups}]}]`

  /** Groups, one in brackets: addresses with a star when they are proxied, then the labels. */
  function print(text: string): string {
    const groups = parseConfig(text).jobs.flatMap(job => job.staticConfigs)
    return groups
      .map(({ targets, labels }) => {
        const names = targets.map(name => name + (isProxied(labels) ? '*' : ''))
        const rest = Object.entries(labels).filter(([name]) => name !== '__brazier_proxy__')
        return `[${[...names, ...rest.map(pair => pair.join('='))].join(' ')}]`
      })
      .join('')
  }

  const on = '__brazier_proxy__: "true"'
  const rows: [string, string, string, string][] = [
    ['alone in its group', '{targets: [a]}', '[a*]', '[a]'],
    ['alone in a group with labels', '{targets: [a], labels: {b: c}}', '[a* b=c]', '[a b=c]'],
    ['the first of a group', '{targets: [a, x]}', '[a*][x]', '[a][x]'],
    ['the last of a group', '{targets: [x, y, a]}', '[x y][a*]', '[x y][a]'],
    [
      'in the middle',
      '{targets: [x, a, y], labels: {b: c}}',
      '[x b=c][a* b=c][y b=c]',
      '[x b=c][a b=c][y b=c]',
    ],
    ['named twice', '{targets: [a, x, a]}', '[a*][x][a*]', '[a][x][a]'],
    [
      'in two groups',
      '{targets: [x, a]}, {targets: [a], labels: {b: c}}',
      '[x][a*][a* b=c]',
      '[x][a][a b=c]',
    ],
    ['among others that are proxied', `{targets: [x, a], labels: {${on}}}`, '[x* a*]', '[x*][a]'],
    ['that said no before', '{targets: [a], labels: {__brazier_proxy__: false}}', '[a*]', '[a]'],
    [
      'whose labels are an alias',
      '{targets: [x], labels: &l {b: c}}, {targets: [a], labels: *l}',
      '[x b=c][a* b=c]',
      '[x b=c][a b=c]',
    ],
  ]
  test.each(rows)('%s', (_, groups, switchedOn, switchedOff) => {
    const through = setProxied(config(groups), at('a'), true)
    expect(print(through)).toBe(switchedOn)
    expect(setProxied(through, at('a'), true)).toBe(through)
    expect(print(setProxied(through, at('a'), false))).toBe(switchedOff)
  })

  test('and comments stay', () => {
    const through = setProxied(commented, { job: 'node', url: 'http://b:9100/metrics' }, true)
    for (const comment of commented.match(/#.*/g) ?? []) expect(through).toContain(comment)
    const back = setProxied(through, { job: 'node', url: 'http://b:9100/metrics' }, false)
    expect(back.replace(/\s+/g, ' ')).toBe(commented.replace(/\s+/g, ' '))
  })

  test('and a new target does not join it', () => {
    const through = setProxied(config('{targets: [a]}'), at('a'), true)
    const added = addTarget(through, { ...at('b'), intervalMs: 60_000 })
    expect(print(added)).toBe('[a*][b]')
    expect(print(removeTarget(added, at('a')))).toBe('[b]')
  })

  test.each([at('z'), { ...at('a'), job: 'k' }])('unless it is not there: %j', target => {
    const text = config('{targets: [a]}')
    expect(setProxied(text, target, true)).toBe(text)
  })

  test.each([
    config('{targets: [a], labels: &l {b: c}}, {targets: [x], labels: *l}'),
    'scrape_configs:\n- {job_name: j, static_configs: &s [{targets: [a, x]}]}\n- {job_name: k, static_configs: *s}\n',
  ])('unless others would change with it', text => {
    expect(() => setProxied(text, at('a'), true)).toThrow(
      'static_configs is written with a YAML alias; edit prometheus.yml by hand',
    )
  })
})
