import { expect, test } from 'vitest'
import { browserHost } from '../../src/hosts/browserhost.ts'

test('yielding lets messages in that came before', async () => {
  const host = browserHost()
  const { port1, port2 } = new MessageChannel()
  const seen: string[] = []
  port1.onmessage = () => seen.push('message')
  port2.postMessage(null)
  // Every task that is ready gets its turn within a few yields, however long the work goes on.
  for (let i = 0; i < 5; i++) await host.yield()
  seen.push('work')
  port1.close()
  expect(seen).toEqual(['message', 'work'])
})

test('yields that overlap all come back', async () => {
  const host = browserHost()
  await Promise.all(Array.from({ length: 100 }, () => host.yield()))
})

test('a timer calls back once, or never when it was prevented', async () => {
  const host = browserHost()
  const calls: string[] = []
  host.after(5, () => calls.push('kept'))
  const prevent = host.after(1, () => calls.push('prevented'))
  prevent()
  await new Promise(resolve => host.after(30, () => resolve(null)))
  expect(calls).toEqual(['kept'])
})

test('a timer beyond what the platform can count does not fire at once', async () => {
  const host = browserHost()
  let fired = false
  const prevent = host.after(2 ** 40, () => (fired = true))
  await new Promise(resolve => host.after(20, () => resolve(null)))
  prevent()
  expect(fired).toBe(false)
})

test('the wall clock gives whole milliseconds, the other one never runs back', () => {
  const host = browserHost()
  expect(Number.isInteger(host.now())).toBe(true)
  const before = host.monotonic()
  expect(host.monotonic()).toBeGreaterThanOrEqual(before)
})

test('a store takes ten gibibytes at most as long as nobody says otherwise', async () => {
  expect(await browserHost().capacity()).toBe(10 * 1024 ** 3)
})
