import { expect, test } from 'vitest'
import { Turns } from '../../../src/engine/scrape/turns.ts'

const never = new AbortController().signal
const turn = () => new Promise(resolve => setImmediate(resolve))

/** Takes a turn that lasts until `end` is called. */
function hold(turns: Turns, log: string[], name: string, signal = never) {
  let end = () => {}
  const held = new Promise<void>(resolve => (end = resolve))
  const taken = turns.take(signal, async () => {
    log.push(name)
    await held
  })
  return { end, taken }
}

test('at most so many are taken at once, and the others in their order', async () => {
  const turns = new Turns(2)
  const log: string[] = []
  const [a, b] = [hold(turns, log, 'a'), hold(turns, log, 'b')]
  hold(turns, log, 'c')
  hold(turns, log, 'd')
  await turn()
  expect(log).toEqual(['a', 'b'])
  b.end()
  await turn()
  expect(log).toEqual(['a', 'b', 'c'])
  a.end()
  await turn()
  expect(log).toEqual(['a', 'b', 'c', 'd'])
})

test('one that fails makes room, too', async () => {
  const turns = new Turns(1)
  const fails = turns.take(never, () => Promise.reject(new Error('no')))
  const next = turns.take(never, () => Promise.resolve('yes'))
  await expect(fails).rejects.toThrow('no')
  expect(await next).toBe('yes')
})

test('whoever gives up while waiting leaves the line', async () => {
  const turns = new Turns(1)
  const log: string[] = []
  const a = hold(turns, log, 'a')
  const impatient = new AbortController()
  const b = hold(turns, log, 'b', impatient.signal)
  hold(turns, log, 'c')
  await turn()
  const left = expect(b.taken).rejects.toThrow('too long')
  impatient.abort(new Error('too long'))
  await left
  a.end()
  await turn()
  expect(log).toEqual(['a', 'c'])
})

test('whoever gave up before takes no turn', async () => {
  const turns = new Turns(1)
  await expect(turns.take(AbortSignal.abort(new Error('gone')), turn)).rejects.toThrow('gone')
  expect(await turns.take(never, () => Promise.resolve(1))).toBe(1)
})
