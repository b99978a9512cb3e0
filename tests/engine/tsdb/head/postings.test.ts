import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { labelsFrom, valueOf, type Labels } from '../../../../src/engine/model/labels.ts'
import { matcher, type Matcher, type MatchType } from '../../../../src/engine/model/matcher.ts'
import { LabelOrder } from '../../../../src/engine/tsdb/head/order.ts'
import { Postings } from '../../../../src/engine/tsdb/head/postings.ts'
import { compareLabels } from '../../../../src/engine/model/labels.ts'

function indexOf(all: readonly Labels[]): Postings {
  const postings = new Postings()
  for (const [i, labels] of all.entries()) expect(postings.add(labels)).toBe(i)
  return postings
}

/** "a=1 b=2" */
function labelsOf(text: string): Labels {
  return labelsFrom(text.split(' ').map(pair => pair.split('=') as [string, string]))
}

/** `a="1"` or `a=~"1|2"` */
function matcherOf(text: string): Matcher {
  const [, name = '', type = '=', value = ''] = /^(\w+)(=~|!~|!=|=)"(.*)"$/.exec(text) ?? []
  return matcher(name, type as MatchType, value)
}

describe('select', () => {
  // As upstream's TestPostingsForMatchers: series without a label match whatever matches ''.
  const all = ['n=1', 'n=1 i=a', 'n=1 i=b', 'n=2', 'n=2.5', 'n=1 i='].map(labelsOf)
  const postings = indexOf(all)

  test.each([
    ['n="1"', 'n=1|n=1 i=a|n=1 i=b|n=1'],
    ['n="1" i="a"', 'n=1 i=a'],
    ['n="1" i="missing"', ''],
    ['missing=""', 'n=1|n=1 i=a|n=1 i=b|n=2|n=2.5|n=1'],
    ['n!="1"', 'n=2|n=2.5'],
    ['i!=""', 'n=1 i=a|n=1 i=b'],
    ['missing!=""', ''],
    ['n="1" i!="a"', 'n=1|n=1 i=b|n=1'],
    ['n="1" i!=""', 'n=1 i=a|n=1 i=b'],
    ['n=~"^1$"', 'n=1|n=1 i=a|n=1 i=b|n=1'],
    ['n="1" i=~"^a$"', 'n=1 i=a'],
    ['n="1" i=~"^a?$"', 'n=1|n=1 i=a|n=1'],
    ['i=~"^$"', 'n=1|n=2|n=2.5|n=1'],
    ['n="1" i=~"^.*$"', 'n=1|n=1 i=a|n=1 i=b|n=1'],
    ['n="1" i=~"^.+$"', 'n=1 i=a|n=1 i=b'],
    ['n!~"^1$"', 'n=2|n=2.5'],
    ['n="1" i!~"^a?$"', 'n=1 i=b'],
    ['n="1" i!~"^$"', 'n=1 i=a|n=1 i=b'],
    ['n="1" i!~"^.*$"', ''],
    ['n="1" i!~"^.+$"', 'n=1|n=1'],
    ['n=~"1|2"', 'n=1|n=1 i=a|n=1 i=b|n=2|n=1'],
    ['n=~"2|2"', 'n=2'],
    ['n!~"2|2.5|"', 'n=1|n=1 i=a|n=1 i=b|n=1'],
    ['i=~"a|b"', 'n=1 i=a|n=1 i=b'],
    ['i=~"a|"', 'n=1|n=1 i=a|n=2|n=2.5|n=1'],
    ['n=~"^2.*" i=""', 'n=2|n=2.5'],
    ['n="1" i!="a" i!="b"', 'n=1|n=1'],
  ])('%s', (matchers, expected) => {
    const found = [...postings.select(matchers.split(' ').map(matcherOf))].map(i => all[i]!)
    expect(found).toEqual(expected === '' ? [] : expected.split('|').map(labelsOf))
  })

  test('without matchers gives everything', () => {
    expect([...postings.select([])]).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('equals asking every series', () => {
    const name = fc.constantFrom('a', 'b', 'c')
    const value = fc.constantFrom('1', '2', '3', '12')
    const labels = fc.array(fc.tuple(name, value), { maxLength: 3 }).map(labelsFrom)
    const pattern = fc.constantFrom('', '1', '2', '.*', '.+', '1.*', '1|3', '1|', '[23]', '()', '4')
    const asked = fc
      .tuple(name, fc.constantFrom<MatchType>('=', '!=', '=~', '!~'), pattern)
      .map(([n, type, text]) => matcher(n, type, text))
    fc.assert(
      fc.property(fc.array(labels, { maxLength: 60 }), fc.array(asked, { maxLength: 4 }), (all, matchers) => {
        const naive = all.flatMap((one, i) =>
          matchers.every(m => m.matches(valueOf(one, m.name))) ? [i] : [],
        )
        expect([...indexOf(all).select(matchers)]).toEqual(naive)
      }),
      { numRuns: 500 },
    )
  })
})

describe('names and values', () => {
  test('are sorted by their UTF-8 bytes and follow new series', () => {
    const postings = indexOf([labelsOf('b=2 a=1'), labelsOf('b=10')])
    expect(postings.names()).toEqual(['a', 'b'])
    expect(postings.values('b')).toEqual(['10', '2'])
    postings.add(labelsFrom([['b', '\u{1f525}']]))
    postings.add(labelsFrom([['b', '\ufffd']]))
    expect(postings.values('b')).toEqual(['10', '2', '\ufffd', '\u{1f525}'])
    expect(postings.values('nothing')).toEqual([])
  })
})

describe('renumber', () => {
  const labels = fc
    .array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2', '3', '4')), { maxLength: 3 })
    .map(labelsFrom)

  test('leaves what an index of the others would be, time and again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.tuple(labels, fc.boolean()), { maxLength: 20 }), { maxLength: 5 }),
        waves => {
          const postings = new Postings()
          const order = new LabelOrder()
          let all: { labels: Labels; stays: boolean }[] = []
          for (const wave of waves) {
            for (const [one, stays] of wave) {
              postings.add(one)
              all.push({ labels: one, stays })
            }
            order.sort(postings.select([]), all)
            let left = 0
            const moved = Int32Array.from(all, ({ stays }) => (stays ? left++ : -1))
            postings.renumber(moved, () => undefined)
            order.renumber(moved)
            all = all.filter(({ stays }) => stays)
            // Each of them goes the next time or never.
            all = all.map((one, i) => ({ ...one, stays: i % 2 === 0 }))
            expectSame(
              postings,
              order,
              all.map(one => one.labels),
            )
          }
        },
      ),
    )
  })

  function expectSame(postings: Postings, order: LabelOrder, all: Labels[]): void {
    const fresh = indexOf(all)
    const rows = all.map(one => ({ labels: one }))
    expect(postings.names()).toEqual(fresh.names())
    const sorted = (by: LabelOrder) => [...by.sort(fresh.select([]), rows)].map(i => all[i])
    expect([...postings.select([])]).toEqual([...fresh.select([])])
    expect(sorted(order)).toEqual(sorted(new LabelOrder()))
    for (const name of fresh.names()) {
      expect(postings.values(name)).toEqual(fresh.values(name))
      for (const value of fresh.values(name)) {
        const asked = [matcher(name, '=', value)]
        expect([...postings.select(asked)]).toEqual([...fresh.select(asked)])
      }
    }
  }

  test('tells which names and values no series carries any more', () => {
    const postings = indexOf(['a=1 b=1', 'a=1 c=2', 'a=2'].map(labelsOf))
    const freed: string[] = []
    postings.renumber(Int32Array.of(0, -1, -1), text => freed.push(text))
    expect(freed.sort()).toEqual(['2', '2', 'c'])
    expect(postings.has('a', '1')).toBe(true)
    expect(postings.has('a', '2')).toBe(false)
    expect(postings.hasName('c')).toBe(false)
  })
})

describe('label order', () => {
  test('equals sorting, while series come in', () => {
    const labels = fc
      .array(
        fc.tuple(fc.constantFrom('a', 'b'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 })),
        {
          minLength: 1,
          maxLength: 2,
        },
      )
      .map(labelsFrom)
    fc.assert(
      fc.property(fc.array(fc.array(labels, { maxLength: 10 }), { maxLength: 5 }), waves => {
        const order = new LabelOrder()
        const all: { labels: Labels }[] = []
        for (const wave of waves) {
          all.push(...wave.map(one => ({ labels: one })))
          const every = Uint32Array.from(all.keys())
          const sorted = [...order.sort(every, all)].map(i => all[i]!.labels)
          for (let i = 1; i < sorted.length; i++)
            expect(compareLabels(sorted[i - 1]!, sorted[i]!)).toBeLessThanOrEqual(0)
          expect(sorted).toHaveLength(all.length)
          expect(
            order.sort(
              every.filter(i => i % 2 === 0),
              all,
            ),
          ).toEqual(order.sort(every, all).filter(i => i % 2 === 0))
        }
      }),
    )
  })
})
