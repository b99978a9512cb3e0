// Tests as data, in the words of the test runner, for places that have none: a worker collects the same cases as the
// page that reports them.

export interface Case {
  readonly name: string
  /** Rejects when it fails. */
  run(): Promise<void>
}

type Body = () => void | Promise<void>
type Row = string | number | readonly [string | number, ...unknown[]]

export function collectCases() {
  const cases: Case[] = []
  let names: readonly string[] = []
  let before: readonly Body[] = []
  let after: readonly Body[] = []

  const describe = (name: string, declare: () => void) => {
    const outer = { names, before, after }
    names = [...names, name]
    declare()
    ;({ names, before, after } = outer)
  }
  const test = (name: string, body: Body) => {
    const [prepare, clear] = [before, after]
    const run = async () => {
      try {
        for (const step of prepare) await step()
        await body()
      } finally {
        for (const step of clear) await step()
      }
    }
    cases.push({ name: [...names, name].join(' '), run })
  }
  /** `%s` and `%i` stand for the values of a row, one after the other. */
  const each =
    <T extends Row>(rows: readonly T[]) =>
    (name: string, body: (...values: T extends readonly unknown[] ? T : [T]) => Promise<void>) => {
      for (const row of rows) {
        const values = (Array.isArray(row) ? row : [row]) as T extends readonly unknown[] ? T : [T]
        let place = 0
        const title = name.replace(/%[si]/g, () => String(values[place++]))
        test(title, () => body(...values))
      }
    }
  return {
    cases: cases as readonly Case[],
    describe,
    test: Object.assign(test, { each }),
    beforeEach: (step: Body) => void (before = [...before, step]),
    afterEach: (step: Body) => void (after = [step, ...after]),
  }
}
