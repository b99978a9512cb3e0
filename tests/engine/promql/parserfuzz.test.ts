import fc from 'fast-check'
import { expect, test } from 'vitest'
import { QueryError } from '../../../src/engine/model/errors.ts'
import { parse, problemsIn } from '../../../src/engine/promql/syntax/parser.ts'
import { prettify } from '../../../src/engine/promql/syntax/prettier.ts'
import { print } from '../../../src/engine/promql/syntax/printer.ts'

// Texts by chance: anything, words of the language in any order, and expressions with a few words changed.

const words = [
  ...['foo', 'sum', 'topk', 'rate', 'info', 'vector', 'nosuch', 'by', 'without', 'on', 'ignoring', 'bool'],
  ...[
    'group_left',
    'group_right',
    'fill',
    'fill_left',
    'offset',
    'anchored',
    'smoothed',
    'and',
    'or',
    'unless',
  ],
  ...[
    'start',
    'end',
    'step',
    'range',
    'min_of',
    'max_of',
    'atan2',
    'inf',
    '5m',
    '1',
    '0x1',
    '1_0',
    '"s"',
    "'",
  ],
  ...[
    '`',
    '(',
    ')',
    '{',
    '}',
    '[',
    ']',
    ',',
    '=',
    '==',
    '!=',
    '=~',
    '!',
    '</',
    '>/',
    '+',
    '-',
    '*',
    '^',
    '%',
  ],
  ...['@', ':', '#', '\n', '\\', 'é', '\ud800', 'step()', 'foo[5m]', '[5m:]', 'a{b="c"}', 'by (a)', 'on (a)'],
]

const whole = [
  'sum by (a, "b.c") (rate(foo{d=~"e.*"}[5m] offset -1m @ 3)) / on (a) group_left (x) bar > bool 2 ^ -1',
  'topk(3, max_over_time((a - fill_left (0) fill_right (-1) b)[1h:step() + 1m] @ end()))',
  'quantile without () (0.9, foo[max_of(5m, 2 * range())] smoothed offset (1m / 2)) or vector(1h30m)',
  'info(a unless on () b, {c!="d"}) </ 5 and label_join(a, "b", "\\n", \'c\', `d`)',
  '-(histogram_quantile(0.5, a) atan2 +Inf) % 0x1f # and no more',
]

const mutated = fc
  .tuple(
    fc.constantFrom(...whole),
    fc.array(fc.tuple(fc.nat(200), fc.nat(3), fc.constantFrom(...words)), { minLength: 1, maxLength: 5 }),
  )
  .map(([written, changes]) => {
    const tokens = written.match(/\w+|\s+|[^]/g) ?? []
    for (const [at, removed, word] of changes) tokens.splice(at % tokens.length, removed, word)
    return tokens.join('')
  })

const text = fc.oneof(
  mutated,
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.constantFrom(...words), { maxLength: 25 }).map(words => words.join(' ')),
  fc.array(fc.constantFrom(...words), { maxLength: 25 }).map(words => words.join('')),
)

test('random text is read, or refused with a place in it', () => {
  fc.assert(
    fc.property(text, written => {
      const problems = problemsIn(written)
      for (const { span, message } of problems) {
        expect(message).toMatch(/^(\d+:\d+|unknown position): parse error: ./)
        expect(0 <= span!.from && span!.from <= span!.to && span!.to <= written.length).toBe(true)
      }
      expect(refusal(written)).toBe(problems[0]?.message)
    }),
    { numRuns: 1000 },
  )
})

test('what is printed or formatted is read as the same tree', () => {
  fc.assert(
    fc.property(mutated, written => {
      if (refusal(written) !== undefined) return
      const expr = parse(written)
      expect(bare(parse(print(expr)))).toEqual(bare(expr))
      expect(bare(parse(prettify(expr)))).toEqual(bare(expr))
    }),
    {
      numRuns: 1000,
      examples: whole.filter(written => refusal(written) === undefined).map(written => [written]),
    },
  )
})

/** Any other error than a query's goes through. */
function refusal(written: string): string | undefined {
  try {
    parse(written)
    return undefined
  } catch (error) {
    if (error instanceof QueryError) return error.message
    throw error
  }
}

/** A tree without places and without what cannot be compared. Matchers are printed in an order of their own. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(bare)
    return items.every(isMatcher) ? items.map(item => JSON.stringify(item)).sort() : items
  }
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key]) => key !== 'span' && key !== 'matches')
  return Object.fromEntries(kept.map(([key, part]) => [key, bare(part)]))
}

function isMatcher(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'literals' in value
}
