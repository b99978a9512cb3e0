import { expect, test } from 'vitest'
import { headFacts, walFacts } from '../../../src/ui/status/facts.ts'
import { FakeClient } from '../fakeclient.ts'

const client = new FakeClient(new Date(2026, 10, 22, 12).getTime())

test('head and logs are told with what they have on the disk', async () => {
  const [status, storage] = [await client.status(), { ...(await client.storage()), wbl: 2048 }]
  expect(Object.fromEntries(headFacts(status, storage))).toMatchObject({
    Series: '1,240',
    'Chunks on disk': '625 KiB',
  })
  expect(walFacts(status, storage)).toEqual([
    ['Segments', '3'],
    ['Size', '1.46 MiB'],
    ['Out-of-order log', '2.00 KiB'],
    ['Repairs', 'none needed'],
  ])
})

test('before the figures of the store are there the rest stands without them', async () => {
  const status = await client.status()
  expect(headFacts(status, null).map(([name]) => name)).not.toContain('Chunks on disk')
  expect(walFacts(status, null)).toHaveLength(3)
})
