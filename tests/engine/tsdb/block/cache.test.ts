import { describe, expect, test } from 'vitest'
import { ChunkCache } from '../../../../src/engine/tsdb/block/cache.ts'

const slice = (byte: number) => Promise.resolve(Uint8Array.of(byte))

describe('the cache', () => {
  test('forgets what was used least recently when it is full', async () => {
    const cache = new ChunkCache(30)
    const file = cache.register()
    for (let i = 0; i < 3; i++) cache.keep(file, i, slice(i), 10)
    expect(await cache.find(file, 0)).toEqual(Uint8Array.of(0))
    cache.keep(file, 3, slice(3), 10)
    expect([0, 1, 2, 3].map(i => cache.find(file, i) !== null)).toEqual([true, false, true, true])
    expect(cache.bytes).toBe(30)
  })

  test('keeps files apart, and one that comes after another of the same name', () => {
    const cache = new ChunkCache(100)
    const [first, second] = [cache.register(), cache.register()]
    cache.keep(first, 0, slice(1), 10)
    expect(cache.find(second, 0)).toBeNull()
    expect(cache.find(first, 1)).toBeNull()
  })

  test('keeps nothing beyond its budget', () => {
    const cache = new ChunkCache(5)
    cache.keep(cache.register(), 0, slice(1), 10)
    expect(cache.bytes).toBe(0)
  })

  test('forgets what could not be read', async () => {
    const cache = new ChunkCache(100)
    const file = cache.register()
    cache.keep(file, 0, Promise.reject(new Error('gone')), 10)
    const found = cache.find(file, 0)
    await expect(found).rejects.toThrow('gone')
    expect(cache.find(file, 0)).toBeNull()
    expect(cache.bytes).toBe(0)
  })

  test('counts a slice once that is kept again', () => {
    const cache = new ChunkCache(100)
    const file = cache.register()
    cache.keep(file, 0, slice(1), 10)
    cache.keep(file, 0, slice(2), 20)
    expect(cache.bytes).toBe(20)
  })
})
