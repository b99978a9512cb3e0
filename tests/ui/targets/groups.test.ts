import { expect, test } from 'vitest'
import { groupByJob, seriesOf } from '../../../src/ui/targets/groups.ts'
import { FakeClient, labels } from '../fakeclient.ts'

test('targets stand under their job, in the order they came', () => {
  const groups = groupByJob(new FakeClient(0).list)
  expect(groups.map(({ job, targets, up }) => [job, targets.length, up])).toEqual([
    ['brazier', 1, 1],
    ['node', 2, 1],
    ['shop', 1, 0],
  ])
})

test.each([
  [{ job: 'a', instance: 'h:1' }, '{instance="h:1", job="a"}'],
  [{ job: 'a "b" \\ c', instance: 'h:1', dc: 'x' }, '{instance="h:1", job="a \\"b\\" \\\\ c"}'],
])('%j is asked for as %s', (pairs, expr) => {
  expect(seriesOf({ labels: labels(pairs) })).toBe(expr)
})
