import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SeriesCache } from '../../../src/engine/scrape/cache.ts'

const encode = (text: string) => new TextEncoder().encode(text)

/** A scrape of series by name, each with a number of its own or a given one (`a=7`), `(…)` for one with a
 *  timestamp. Answers the names that are new and the numbers that have gone stale. */
class Play {
  readonly cache: SeriesCache
  private readonly numbers = new Map<string, number>()
  private readonly names = new Map<number, string>()

  constructor(seed = 1) {
    this.cache = new SeriesCache(seed)
  }

  scrape(
    text: string,
    { complete = true, stored = true }: { complete?: boolean; stored?: boolean } = {},
  ): string {
    const added = text.split(' ').filter(word => word !== '' && this.see(word))
    const stale = this.cache.takeStale()
    if (stored) this.cache.confirm()
    else this.cache.undoStored()
    this.cache.end(complete)
    return `+${added.join(' ')} -${stale.map(ref => this.nameOf(ref)).join(' ')}`
  }

  private see(word: string): boolean {
    const timed = word.startsWith('(')
    const [name = '', number] = word.replace(/[()]/g, '').split('=')
    const bytes = encode(`x${name}x`)
    let entry = this.cache.find(bytes, 1, bytes.length - 1)
    const isNew = entry < 0
    if (isNew) entry = this.cache.add(bytes, 1, bytes.length - 1, this.numberOf(name, number))
    else if (this.cache.ref(entry) === 0) this.cache.setRef(entry, this.numberOf(name, number))
    this.cache.see(entry)
    if (!timed) this.cache.track(entry)
    return isNew
  }

  private numberOf(name: string, given: string | undefined): number {
    const number = given === undefined ? (this.numbers.get(name) ?? this.numbers.size + 1) : Number(given)
    this.numbers.set(name, number)
    if (!this.names.has(number)) this.names.set(number, name)
    return number
  }

  private nameOf(ref: number): string {
    return this.names.get(ref) ?? '?'
  }
}

test('series are new once, go stale once, and are new when they come back', () => {
  const play = new Play()
  expect(play.scrape('a b c')).toBe('+a b c -')
  expect(play.scrape('c a b')).toBe('+ -')
  expect(play.scrape('a c')).toBe('+ -b')
  expect(play.scrape('a c d')).toBe('+d -')
  expect(play.scrape('b a')).toBe('+b -c d')
})

test('what an incomplete scrape did not have comes back as known', () => {
  const play = new Play()
  play.scrape('a b')
  expect(play.scrape('', { complete: false })).toBe('+ -a b')
  expect(play.scrape('a b')).toBe('+ -')
  expect(play.scrape('a', { complete: false })).toBe('+ -b')
  expect(play.scrape('a b')).toBe('+ -')
})

test('series with timestamps do not go stale', () => {
  const play = new Play()
  play.scrape('(a) b')
  expect(play.scrape('')).toBe('+ -b')
  play.scrape('a b')
  expect(play.scrape('(a) b')).toBe('+ -a')
})

test('a series that is written in two ways is stale when both have gone', () => {
  const play = new Play()
  play.scrape('a=7 b=7')
  expect(play.scrape('b=7')).toBe('+ -')
  expect(play.scrape('a=7')).toBe('+a=7 -')
  expect(play.scrape('')).toBe('+ -a')
})

test('markers that were not stored are given again, and numbers asked for again', () => {
  const play = new Play()
  play.scrape('a b')
  expect(play.scrape('a c', { stored: false })).toBe('+c -b')
  const entry = play.cache.find(encode('c'), 0, 1)
  expect(play.cache.ref(entry)).toBe(0)
  expect(play.scrape('a c')).toBe('+ -b')
  expect(play.scrape('a c')).toBe('+ -')
})

test('a series that was never stored does not go stale', () => {
  const play = new Play()
  play.scrape('a', { stored: false })
  expect(play.scrape('')).toBe('+ -')
})

test('what has gone is let go of, and what stays keeps its number', () => {
  const play = new Play()
  for (let i = 0; i < 200; i++) {
    const fresh = Array.from({ length: 50 }, (_, n) => `s${i}_${n}`).join(' ')
    expect(play.scrape(`a ${fresh} b`)).toMatch(i === 0 ? /^\+a s0_0/ : /^\+s\d+_0 .* -s\d+_0/)
  }
  expect(play.cache.size).toBeLessThan(1300)
  expect(play.scrape('b a')).toMatch(/^\+ -s199_0/)
})

test('it behaves like a map, whatever the seed', () => {
  const names = fc.array(
    fc.constantFrom(...'abcdefghijklmnopqrst'.split('').flatMap(c => [c, c + c, `${c}é`])),
    {
      maxLength: 40,
    },
  )
  const scrape = fc.record({ names, complete: fc.boolean() })
  fc.assert(
    fc.property(fc.integer(), fc.array(scrape, { maxLength: 8 }), (seed, scrapes) => {
      const play = new Play(seed)
      let known = new Set<string>()
      let before = new Set<string>()
      for (const { names: all, complete } of scrapes) {
        const now = new Set(all)
        const added = [...now].filter(name => !known.has(name))
        const stale = [...before].filter(name => !now.has(name))
        expect(play.scrape(all.join(' '), { complete })).toBe(`+${added.join(' ')} -${stale.join(' ')}`)
        known = complete ? now : new Set([...known, ...now])
        before = now
      }
    }),
  )
})
