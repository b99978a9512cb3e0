import { expect, test } from 'vitest'
import { parse } from '../../../src/engine/promql/syntax/parser.ts'
import { prettify } from '../../../src/engine/promql/syntax/prettier.ts'

/** An expression, and the lines that Prometheus makes of it. */
const formatted: [string, string[]][] = [
  ['foo+bar', ['foo + bar']],
  [
    'sum by(le)(rate(apiserver_request_duration_seconds_bucket{job="apiserver",verb="GET"}[5m]))+1',
    ['sum by (le) (rate(apiserver_request_duration_seconds_bucket{job="apiserver",verb="GET"}[5m])) + 1'],
  ],
  [
    'histogram_quantile(0.99, sum by (le, verb) (rate(apiserver_request_duration_seconds_bucket{job="apiserver",verb="GET"}[5m])))',
    [
      'histogram_quantile(',
      '  0.99,',
      '  sum by (le, verb) (rate(apiserver_request_duration_seconds_bucket{job="apiserver",verb="GET"}[5m]))',
      ')',
    ],
  ],
  [
    'node_filesystem_avail_bytes{fstype!="tmpfs",mountpoint="/srv/data",device="/dev/sda1"} / ignoring(device) group_left node_filesystem_avail_bytes{fstype!="tmpfs",mountpoint="/srv/data",device="/dev/sda1"} > bool 0.5',
    [
      '    node_filesystem_avail_bytes{device="/dev/sda1",fstype!="tmpfs",mountpoint="/srv/data"}',
      '  / ignoring (device) group_left ()',
      '    node_filesystem_avail_bytes{device="/dev/sda1",fstype!="tmpfs",mountpoint="/srv/data"}',
      '> bool',
      '  0.5',
    ],
  ],
  [
    '-(node_filesystem_avail_bytes{fstype!="tmpfs",mountpoint="/srv/data",device="/dev/sda1"} - node_filesystem_avail_bytes{fstype!="tmpfs",mountpoint="/srv/data",device="/dev/sda1"})',
    [
      '-(',
      '    node_filesystem_avail_bytes{device="/dev/sda1",fstype!="tmpfs",mountpoint="/srv/data"}',
      '  -',
      '    node_filesystem_avail_bytes{device="/dev/sda1",fstype!="tmpfs",mountpoint="/srv/data"}',
      ')',
    ],
  ],
  [
    'topk by (instance) (5, (rate(apiserver_request_duration_seconds_bucket{job="apiserver",verb="GET"}[5m]) and on (job) up))',
    [
      'topk by (instance) (',
      '  5,',
      '  (rate(apiserver_request_duration_seconds_bucket{job="apiserver",verb="GET"}[5m]) and on (job) up)',
      ')',
    ],
  ],
  [
    'max_over_time((sum without (instance) (rate(apiserver_request_duration_seconds_bucket{job="apiserver",verb="GET"}[5m])) / 2)[1h:5m] offset 1d) > 3',
    [
      '  max_over_time(',
      '    (',
      '        sum without (instance) (',
      '          rate(apiserver_request_duration_seconds_bucket{job="apiserver",verb="GET"}[5m])',
      '        )',
      '      /',
      '        2',
      '    )[1h:5m] offset 1d',
      '  )',
      '>',
      '  3',
    ],
  ],
  [
    '(rate(apiserver_request_duration_seconds_bucket{job="apiserver",verb="GET"}[5m:]))',
    ['(rate(apiserver_request_duration_seconds_bucket{job="apiserver",verb="GET"}[5m:]))'],
  ],
  [
    '1 + foo{label_0=~"some value",label_1=~"some value",label_2=~"some value",label_3=~"some value",label_4=~"some value",label_5=~"some value"}',
    [
      '  1',
      '+',
      '  foo{label_0=~"some value",label_1=~"some value",label_2=~"some value",label_3=~"some value",label_4=~"some value",label_5=~"some value"}',
    ],
  ],
  [
    'foo{a="éééééééééééééééééééééééééééééééééééééééééééééé"} + b',
    ['  foo{a="éééééééééééééééééééééééééééééééééééééééééééééé"}', '+', '  b'],
  ],
  ['sum(avg_over_time(foo[5m:]))', ['sum(avg_over_time(foo[5m:]))']],
  [
    'absent_over_time(sum by (job, instance, namespace, pod) (rate(container_cpu_usage_seconds_total{image!=""}[5m]))[30m:1m])',
    [
      'absent_over_time(',
      '  sum by (job, instance, namespace, pod) (rate(container_cpu_usage_seconds_total{image!=""}[5m]))[30m:1m]',
      ')',
    ],
  ],
  [
    '--node_filesystem_avail_bytes{fstype!="tmpfs",mountpoint="/srv/data",device="/dev/sda1"} * node_filesystem_avail_bytes{fstype!="tmpfs",mountpoint="/srv/data",device="/dev/sda1"}',
    [
      '  --node_filesystem_avail_bytes{device="/dev/sda1",fstype!="tmpfs",mountpoint="/srv/data"}',
      '*',
      '  node_filesystem_avail_bytes{device="/dev/sda1",fstype!="tmpfs",mountpoint="/srv/data"}',
    ],
  ],
  // Short subqueries have no margin.
  [
    'quantile_over_time(scalar(apiserver_request_duration_seconds_bucket{job="apiserver",verb="GET"} offset 1h), foo[5m:])',
    [
      'quantile_over_time(',
      '  scalar(apiserver_request_duration_seconds_bucket{job="apiserver",verb="GET"} offset 1h),',
      'foo[5m:]',
      ')',
    ],
  ],
]

test.each(formatted)('%.40s… is split where it is too long', (written, lines) => {
  const pretty = prettify(parse(written))
  expect(pretty.split('\n')).toEqual(lines)
  expect(prettify(parse(pretty))).toBe(pretty)
})

test('a deep expression is formatted quickly', () => {
  const written = 'abs('.repeat(400) + 'foo' + ')'.repeat(400)
  const lines = prettify(parse(written)).split('\n')
  // The innermost 19 calls fit into 100 characters.
  expect(lines).toHaveLength(2 * (400 - 19) + 1)
  expect(lines[400 - 19]?.trim()).toBe('abs('.repeat(19) + 'foo' + ')'.repeat(19))
})
