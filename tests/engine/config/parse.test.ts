import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/engine/config/parse.ts'
import { SyntaxProblem } from '../../../src/engine/model/errors.ts'

/** One job from its fields, indented as in the file. */
const job = (...fields: string[]) =>
  ['scrape_configs:', '- job_name: a', ...fields.map(f => `  ${f}`)].join('\n')

test('everything that is not said has Prometheus’s default', () => {
  expect(parseConfig(job('static_configs:', '- targets: [localhost:9090]'))).toEqual({
    global: { intervalMs: 60_000, timeoutMs: 10_000, externalLabels: [] },
    jobs: [
      {
        name: 'a',
        intervalMs: 60_000,
        timeoutMs: 10_000,
        metricsPath: '/metrics',
        scheme: 'http',
        params: {},
        honorLabels: false,
        honorTimestamps: true,
        staticConfigs: [{ targets: ['localhost:9090'], labels: {} }],
      },
    ],
  })
})

test('everything that is said counts', () => {
  const text = `
global:
  scrape_interval: 15s
  scrape_timeout: 5s
  external_labels: {site: 7, none: , b: x}
scrape_configs:
  - job_name: 1
    scrape_interval: 1m30s
    scrape_timeout: 1s500ms
    metrics_path: /probe
    scheme: https
    params:
      module: [http_2xx, 3]
    honor_labels: yes
    honor_timestamps: off
    static_configs:
      - targets: &t [h:1, 'h:2']
        labels: {env: prod, "service.name": x}
      - targets: *t
`
  expect(parseConfig(text)).toEqual({
    global: { intervalMs: 15_000, timeoutMs: 5000, externalLabels: ['b', 'x', 'site', '7'] },
    jobs: [
      {
        name: '1',
        intervalMs: 90_000,
        timeoutMs: 1500,
        metricsPath: '/probe',
        scheme: 'https',
        params: { module: ['http_2xx', '3'] },
        honorLabels: true,
        honorTimestamps: false,
        staticConfigs: [
          { targets: ['h:1', 'h:2'], labels: { env: 'prod', 'service.name': 'x' } },
          { targets: ['h:1', 'h:2'], labels: {} },
        ],
      },
    ],
  })
})

test.each(['', '\n', '# nothing', 'global:\nscrape_configs:\n', 'global: {}\nscrape_configs: []'])(
  '%j is a configuration with nothing to scrape',
  text => {
    expect(parseConfig(text).jobs).toEqual([])
  },
)

describe('a timeout follows its interval', () => {
  const rows: [text: string, intervalMs: number, timeoutMs: number][] = [
    ['scrape_configs: [{job_name: a, scrape_interval: 5s}]', 5000, 5000],
    ['global: {scrape_interval: 5s}\nscrape_configs: [{job_name: a}]', 5000, 5000],
    ['global: {scrape_interval: 5s}\nscrape_configs: [{job_name: a, scrape_interval: 1m}]', 60_000, 5000],
    ['global: {scrape_timeout: 50s}\nscrape_configs: [{job_name: a, scrape_interval: 30s}]', 30_000, 30_000],
    ['scrape_configs: [{job_name: a, scrape_timeout: 20s}]', 60_000, 20_000],
    ['scrape_configs: [{job_name: a, scrape_interval: 0, scrape_timeout: 0s}]', 60_000, 10_000],
  ]
  test.each(rows)('%s', (text, intervalMs, timeoutMs) => {
    expect(parseConfig(text).jobs[0]).toMatchObject({ intervalMs, timeoutMs })
  })
})

describe('what is wrong is said with its place', () => {
  const rows: [text: string, line: number, column: number, message: string][] = [
    ['a: b', 1, 1, 'field a not found in type config.Config'],
    ['constructor: b', 1, 1, 'field constructor not found in type config.Config'],
    [
      'global:\n  nonexistent_field: test',
      2,
      3,
      'field nonexistent_field not found in type config.GlobalConfig',
    ],
    [
      job('consult_sd_configs:', '- server: x'),
      3,
      3,
      'field consult_sd_configs not found in type config.ScrapeConfig',
    ],
    [job('relabel_configs: []'), 3, 3, 'field relabel_configs is not supported yet'],
    ['rule_files: [x]', 1, 1, 'field rule_files is not supported yet'],
    ['scrape_configs: [', 1, 18, 'Flow sequence'],
    ['global: {}\nglobal: {}', 2, 1, 'key already set in map'],
    ['a\n---\nb', 2, 1, 'Source contains multiple documents'],
    ['scrape_configs: up', 1, 17, 'want a list, have "up"'],
    ['scrape_configs: {}', 1, 17, 'want a list, have a mapping'],
    ['global: [1]', 1, 9, 'want a mapping, have a list'],
    ['- a', 1, 1, 'want a mapping, have a list'],
    ['scrape_configs:\n-\n', 2, 2, 'empty or null scrape config section'],
    ['scrape_configs:\n- job_name:\n', 2, 12, 'job_name is empty'],
    ['scrape_configs:\n- scheme: http\n', 2, 3, 'job_name is empty'],
    ['scrape_configs:\n- job_name: [a]', 2, 13, 'want a string, have a list'],
    [
      'scrape_configs: [{job_name: a}, {job_name: b}, {job_name: a}]',
      1,
      48,
      'found multiple scrape configs with job name "a"',
    ],
    [
      job('scrape_interval: 5s', 'scrape_timeout: 6s'),
      4,
      19,
      'scrape timeout greater than scrape interval for scrape config with job name "a"',
    ],
    [
      'global: {scrape_interval: 5s, scrape_timeout: 6s}',
      1,
      47,
      'global scrape timeout greater than scrape interval',
    ],
    [job('scrape_interval: 5 s'), 3, 20, 'not a valid duration string: "5 s"'],
    [job('scrape_interval: ""'), 3, 20, 'empty duration string'],
    [job('scheme: ftp'), 3, 11, 'want scheme http or https, have "ftp"'],
    [job('honor_labels: maybe'), 3, 17, 'want true or false, have "maybe"'],
    [job('params: {module: http}'), 3, 20, 'want a list, have "http"'],
    [job('static_configs:', '-'), 4, 4, 'empty or null section in static_configs'],
    [job('static_configs: [{target: [x]}]'), 3, 21, 'field target not found in type struct'],
    [job('static_configs: [{targets: ["http://x:1"]}]'), 3, 31, '"http://x:1" is not a valid hostname'],
    [job('static_configs: [{targets: ["u@x:1"]}]'), 3, 31, '"u@x:1" is not a valid hostname'],
    [job('static_configs: [{targets: [""]}]'), 3, 31, 'no address'],
    [job('static_configs: [{targets: x}]'), 3, 30, 'want a list, have "x"'],
    [job('static_configs: [{labels: {"": x}}]'), 3, 30, '"" is not a valid label name'],
    [job('static_configs: [{labels: {a: "\\ud800"}}]'), 3, 33, '"\\ud800" is not a valid label value'],
    [job('static_configs: [{labels: {a: [x]}}]'), 3, 33, 'want a string, have a list'],
    [
      job('static_configs: [{labels: {__brazier_proxy__: maybe}}]'),
      3,
      29,
      'want "true" or "false" for __brazier_proxy__, have "maybe"',
    ],
    [job('static_configs: [{labels: {__scheme__: ftp}}]'), 3, 29, 'want scheme http or https, have "ftp"'],
  ]
  test.each(rows)('%j', (text, line, column, message) => {
    const parse = () => parseConfig(text)
    expect(parse).toThrow(SyntaxProblem)
    expect(parse).toThrow(`line ${line}, column ${column}: ${message}`)
  })
})

test('a text that is too long is refused before it is read', () => {
  expect(() => parseConfig(' '.repeat(2 ** 20 + 1))).toThrow('want at most 1048576 characters, have 1048577')
})

test('aliases cannot make more targets than there may be', () => {
  const targets = `[${Array.from({ length: 2000 }, (_, i) => `h:${i}`).join(', ')}]`
  const groups = Array.from({ length: 60 }, () => '- targets: *t')
  expect(() => parseConfig(job('static_configs:', `- targets: &t ${targets}`, ...groups))).toThrow(
    'want at most 100000 targets, have 122000',
  )
})

test('whatever comes in, it is a configuration or a problem with a place', () => {
  const words = [
    'scrape_configs:',
    'job_name:',
    'targets:',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '\n',
    '  ',
    ': ',
    '&a',
    '*a',
    'a',
    '"',
    '1s',
    '!!x',
    '|',
    '? ',
  ]
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...words)).map(parts => parts.join('')),
  )
  fc.assert(
    fc.property(text, input => {
      try {
        parseConfig(input)
      } catch (error) {
        if (!(error instanceof SyntaxProblem)) throw error
        expect(error.line).toBeGreaterThan(0)
        expect(error.line).toBeLessThanOrEqual(input.split(/\r\n|\n|\r/).length)
      }
    }),
    { numRuns: 60 },
  )
})
