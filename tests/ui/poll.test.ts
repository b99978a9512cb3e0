import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { poll } from '../../src/ui/poll.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

class FakePage extends EventTarget {
  visibilityState: DocumentVisibilityState = 'visible'
  turn(state: DocumentVisibilityState): void {
    this.visibilityState = state
    this.dispatchEvent(new Event('visibilitychange'))
  }
}

function started(task: () => Promise<void> = async () => undefined) {
  const page = new FakePage()
  const run = vi.fn(task)
  return { page, run, stop: poll(run, 1000, page) }
}

test('the first run is at once, the next after the pause', async () => {
  const { run, stop } = started()
  expect(run).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(999)
  expect(run).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(run).toHaveBeenCalledTimes(2)
  stop()
})

test('the pause begins when a run has ended', async () => {
  const { run, stop } = started(() => new Promise(resolve => setTimeout(resolve, 5000)))
  await vi.advanceTimersByTimeAsync(5999)
  expect(run).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(run).toHaveBeenCalledTimes(2)
  stop()
})

test('a hidden page rests, and runs at once when it is shown', async () => {
  const { page, run, stop } = started()
  page.turn('hidden')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(run).toHaveBeenCalledTimes(1)
  page.turn('visible')
  expect(run).toHaveBeenCalledTimes(2)
  stop()
})

test('showing the page during a run starts no second one', async () => {
  const { page, run, stop } = started(() => new Promise(resolve => setTimeout(resolve, 5000)))
  page.turn('hidden')
  page.turn('visible')
  await vi.advanceTimersByTimeAsync(4000)
  expect(run).toHaveBeenCalledTimes(1)
  stop()
})

test('stopped, it never runs again', async () => {
  const { page, run, stop } = started()
  stop()
  page.turn('visible')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(run).toHaveBeenCalledTimes(1)
})
