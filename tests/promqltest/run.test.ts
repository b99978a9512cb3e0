import { describe, expect, test } from 'vitest'
import type { InstantAnswer, RangeAnswer } from '../../src/engine/model/answers.ts'
import type { Querier } from '../../src/engine/model/store.ts'
import { engineOver, standardBench } from '../../src/promqltest/bench.ts'
import { MemoryStore } from '../../src/promqltest/memory.ts'
import { runFiles } from '../../src/promqltest/report.ts'
import { runScript, type Bench } from '../../src/promqltest/run.ts'
import { readScript } from '../../src/promqltest/script.ts'
import { asWritten } from '../../src/promqltest/ways.ts'
import { FakeHost } from '../fakehost.ts'

const host = new FakeHost()
const bench: Bench = { ...standardBench({ host, tsdb: false }), ways: asWritten }
const stores = [
  { store: 'memory', tsdb: false },
  { store: 'head and block', tsdb: true },
]

/** What a run says of each command that can fail: `4 passed`, `7: want …`. */
async function run(script: string, other: Bench = bench): Promise<string[]> {
  const outcomes = await runScript(readScript(script), other)
  return outcomes.map(({ line, reason }) => (reason === null ? `${line} passed` : `${line}: ${reason}`))
}

const load = 'load 1m\n  a{x="1"} 0+1x10\n  a{x="2"} 5 _ stale 7\n'

describe.each(stores)('with $store', ({ tsdb }) => {
  const onStore: Bench = { ...standardBench({ host, tsdb }), ways: asWritten }
  const where = tsdb ? 'head: ' : ''

  test('right answers pass, wrong ones say what was wanted and found', async () => {
    const script = `${load}
eval instant at 3m a
  a{x="1"} 3
  a{x="2"} 7

eval range from 0 to 4m step 1m a{x="2"}
  a{x="2"} 5 5 _ 7 7

eval instant at 3m a
  a{x="1"} 3
  a{x="2"} 8

eval range from 0 to 4m step 1m a{x="2"}
  a{x="2"} 5 5 5 7 7
`
    expect(await run(script, onStore)).toEqual([
      '5 passed',
      '9 passed',
      `12: ${where}a{x="2"}: want 8 at 180000 ms, found 7`,
      `16: ${where}a{x="2"}: want 5 at 120000 ms, found 7 at 180000 ms`,
    ])
  })

  test('a load adds, and clear takes everything away', async () => {
    const script = `load 1m
  a 1

load 1m
  a _ 2
  b 3

eval instant at 1m a + ignoring () b
  {} 5

clear

eval instant at 1m a

load 1m
  a 4

eval instant at 1m a
  a 4
`
    expect(await run(script, onStore)).toEqual(['8 passed', '13 passed', '18 passed'])
  })

  test('samples that are not later than the last of their series spoil the evals up to clear', async () => {
    const script = `${load}
load 1m
  a{x="1"} _ _ 2.5

eval instant at 3m vector_that_is_not_there

clear

eval instant at 3m vector_that_is_not_there
`
    const [first, ...others] = await run(script, onStore)
    expect(first).toMatch(/^5: want samples of a\{x="1"\} .*, found one at (0|120000) ms/)
    expect(others).toEqual(['8: the samples of line 5 could not be loaded', '12 passed'])
  })

  test('nothing is loaded, and evals without samples pass', async () => {
    expect(await run('eval instant at 0 1 + 1\n  2\n\neval instant at 0 a', onStore)).toEqual([
      '1 passed',
      '4 passed',
    ])
  })
})

describe('failures', () => {
  test.each([
    ['a + on () a', 'expect fail', null],
    ['a + on () a', 'expect fail regex: ^found duplicate series', null],
    [
      'a + on () a',
      'expect fail msg: found duplicate series',
      'want failure found duplicate series, found found',
    ],
    ['a + on () a', '', 'found duplicate series for the match group'],
    ['a{x="1"}', 'expect fail', 'want a failure, found an answer'],
    ['a[', 'expect fail', '1:3: parse error: unexpected end of input in duration expression'],
    ['nonsense(a)', 'expect fail', '1:1: parse error: unknown function with name "nonsense"'],
  ])('%s with %j fails or passes: %s', async (expr, expectation, reason) => {
    for (const head of ['instant at 3m', 'range from 0 to 3m step 1m']) {
      const [outcome] = await run(`${load}\neval ${head} ${expr}\n  ${expectation}`)
      expect(outcome).toContain(reason === null ? '5 passed' : `5: ${reason}`)
    }
  })

  test('a range query of what has no steps fails as expected', async () => {
    const script = `eval range from 0 to 1m step 1m a[1m]
  expect fail msg: invalid expression type "range vector" for range query, must be Scalar or instant Vector
`
    expect(await run(script)).toEqual(['1 passed'])
  })
})

describe('what a store does not keep', () => {
  const forgetful: Bench = {
    ...bench,
    openStore: async () => Object.assign(new MemoryStore(), { lacks: ['start timestamps'] }),
  }
  const script = (expr: string, expectation = '') => `load 1m
  started{x="1"}@st _ -30s
  started{x="1"}    1 2
  started{x="2"}    1 2

eval instant at 1m ${expr}
  ${expectation}
`
  const reason = 'the store keeps no start timestamps, and started{x="1"} has some'
  test.each([
    ['started', reason],
    ['sum(rate({x=~"1|3"}[5m]))', reason],
    ['1 + started', reason],
    ['started{x="3"}', null],
  ])('who asks for %s hears: %s', async (expr, reason) => {
    expect(await run(script(expr), forgetful)).toEqual([reason === null ? '6 passed' : `6: ${reason}`])
  })

  test('an expected failure or a right answer does not make up for it', async () => {
    expect(await run(script('started * on () started', 'expect fail'), forgetful)).toEqual([`6: ${reason}`])
    expect(await run(script('count(started)', '{} 2'), forgetful)).toEqual([`6: ${reason}`])
  })

  test('other series of the same name are whole', async () => {
    const own = script('started{x="2"}', 'started{x="2"} 2')
    expect(await run(own, forgetful)).toEqual(['6 passed'])
  })

  test('an answer of floats is no histogram', async () => {
    expect(await run(script('started{x="2"}', 'started{x="2"} {{count:1}}'))).toEqual([
      '6: started{x="2"}: want {{schema:0 count:1 sum:0}} at 60000 ms, found 2',
    ])
  })

  test('after clear it is forgotten', async () => {
    const second = 'clear\nload 1m\n  started{x="1"} 1\n\neval instant at 1m started\n  started{x="1"} 1\n'
    expect(await run(`${script('1', '1')}\n${second}`, forgetful)).toEqual(['6 passed', '13 passed'])
  })
})

describe('every way counts', () => {
  const script = `${load}\neval instant at 3m a{x="1"}\n  a{x="1"} 3\n`

  /** An engine that is wrong where `spoil` says so. */
  function wrong(spoil: {
    instant?: (answer: InstantAnswer, time: number) => InstantAnswer
    range?: (answer: RangeAnswer) => RangeAnswer
  }): Bench {
    return {
      ...bench,
      engineOver: querier => {
        const engine = engineOver(querier, host)
        const { instant = answer => answer, range = answer => answer } = spoil
        return {
          instant: async query => instant(await engine.instant(query), query.time),
          range: async query => range(await engine.range(query)),
        }
      },
    }
  }

  const more = <A extends { values: Float64Array }>(answer: A): A => ({
    ...answer,
    values: answer.values.map(v => v * 1.00001),
  })

  test('an engine that is a little wrong at an instant is caught', async () => {
    const instant = (answer: InstantAnswer) => (answer.kind === 'vector' ? more(answer) : answer)
    expect(await run(script, wrong({ instant }))).toEqual(['5: a{x="1"}: want 3 at 180000 ms, found 3.00003'])
  })

  test('an engine that is wrong only over a range is caught', async () => {
    expect(await run(script, wrong({ range: more }))).toEqual([
      '5: over a range: a{x="1"}: want 3 at 180000 ms, found 3.00003',
    ])
  })

  test('an engine that fails only over a range is caught', async () => {
    const range = () => {
      throw new Error('BUG: no ranges')
    }
    expect(await run(script, wrong({ range }))).toEqual(['5: BUG: no ranges'])
  })

  test('an engine that answers nothing, or too much, is caught', async () => {
    const nothing = (answer: InstantAnswer) =>
      answer.kind === 'vector' ? { ...answer, labels: [], values: new Float64Array(0) } : answer
    expect(await run(script, wrong({ instant: nothing }))).toEqual(['5: want a{x="1"}, found none'])
    const twice = (answer: InstantAnswer) =>
      answer.kind === 'vector'
        ? { ...answer, labels: [...answer.labels, ...answer.labels], values: Float64Array.of(3, 3) }
        : answer
    expect(await run(script, wrong({ instant: twice }))).toEqual(['5: want no a{x="1"}, or once, found 3'])
  })

  test('an engine that is wrong at another time is caught there, and the way is named', async () => {
    const times = [180_000, 60_000]
    const ways = (expr: string) => times.map(time => ({ expr: `${expr} + 0 * 1`, time }))
    const outcomes = await run(`eval instant at 3m 1\n  1`, {
      ...wrong({
        instant: (answer, time) =>
          answer.kind === 'scalar' && time === 60_000 ? { ...answer, value: 2 } : answer,
      }),
      ways,
    })
    expect(outcomes).toEqual(['1: want scalar 1, found scalar 2 (1 + 0 * 1 at 60000 ms)'])
  })

  test('an engine that is wrong over the block only is caught', async () => {
    let views = 0
    const engineOverHeadOnly = (querier: Querier) =>
      views++ % 2 === 0 ? engineOver(querier, host) : wrong({ range: more }).engineOver(querier)
    const tsdb = { ...standardBench({ host, tsdb: true }), ways: asWritten, engineOver: engineOverHeadOnly }
    const [outcome] = await run(script, tsdb)
    expect(outcome).toMatch(/^5: block: over a range: a\{x="1"\}: want 3/)
  })

  test('what the scripts exclude is not asked over a range', async () => {
    const range = () => {
      throw new Error('BUG: asked over a range')
    }
    const text = `${load}
eval instant at 3m "text"
  expect string "text"

eval instant at 3m a{x="1"}[2m]
  expect range vector from 2m to 3m step 1m
  a{x="1"} 2 3
`
    expect(await run(text, wrong({ range }))).toEqual(['5 passed', '8 passed'])
  })

  test('an order is expected of an instant only', async () => {
    const ordered = `${load}\neval instant at 0 a\n  expect ordered\n  a{x="1"} 0\n  a{x="2"} 5\n`
    expect(await run(ordered)).toEqual(['5 passed'])
    const turned = `${load}\neval instant at 0 a\n  expect ordered\n  a{x="2"} 5\n  a{x="1"} 0\n`
    expect(await run(turned)).toEqual(['5: a{x="1"}: want it in place 1, found it in 0'])
  })
})

describe('files', () => {
  async function report(...texts: string[]): Promise<{ printed: string[]; clean: boolean }> {
    const printed: string[] = []
    const files = texts.map((text, i) => ({ path: `${i + 1}.test`, text }))
    const { clean } = await runFiles(files, bench, line => printed.push(line))
    return { printed, clean }
  }

  test('the last line counts evals, each line before it is a failure', async () => {
    const good = 'eval instant at 0 1\n  1\neval instant at 0 2\n  2\n'
    expect(await report(good, good)).toEqual({ printed: ['4 passed, 0 failed'], clean: true })
    expect(await report(good, 'eval instant at 0 1\n  3\n')).toEqual({
      printed: ['2.test:1: want scalar 3, found scalar 1', '2 passed, 1 failed'],
      clean: false,
    })
  })

  test('a line that cannot be read is a failure but no eval', async () => {
    expect(await report('laod 1m\n\nclear\n\neval instant at 0 1\n  1\n')).toEqual({
      printed: ['1.test:1: want clear, load or eval, found laod 1m', '1 passed, 0 failed'],
      clean: false,
    })
  })

  test('a broken load spoils the evals behind it', async () => {
    expect(await report('load 1m\n  a 1..2\n\neval instant at 0 b\n')).toEqual({
      printed: [
        '1.test:2: want a value at column 3, found 1..2',
        '1.test:4: line 2 could not be read',
        '0 passed, 1 failed',
      ],
      clean: false,
    })
  })

  test('a script of nothing has nothing to fail', async () => {
    expect(await report('', '# only a comment')).toEqual({ printed: ['0 passed, 0 failed'], clean: true })
  })

  test('a reason is one line, and not a long one', async () => {
    const expr = `"${'long '.repeat(1000)}"`
    const { printed } = await report(`eval instant at 0 ${expr}\n`)
    expect(printed).toHaveLength(2)
    expect(printed[0]!.length).toBeLessThan(500)
  })
})
