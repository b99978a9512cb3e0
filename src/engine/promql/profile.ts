import type { NodeStats } from '../model/answers.ts'
import type { Expr } from './syntax/ast.ts'

/** Finds out what each part of an expression does: how many series and samples it hands on, and how long it works at
 *  that. Parts work in turns, because each hands on its rows one by one; the clock runs for the one whose turn it is. */
export class Profile {
  private readonly now: () => number
  private readonly top: Node[] = []
  private current: Node | null = null
  private since = 0

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.now = now
  }

  /** Runs a part of the expression.
   *  @param run hands what it makes to the function that it is given
   *  @param samplesIn how many samples there are in what it makes; of nothing no series is counted */
  async of<T>(
    expr: Expr,
    { samplesIn, take }: { samplesIn: (made: T) => number; take: (made: T) => void },
    run: (take: (made: T) => void) => Promise<void>,
  ): Promise<void> {
    const outer = this.current
    const node = this.nodeOf(expr, outer)
    this.turnTo(node)
    try {
      await run(made => {
        const samples = samplesIn(made)
        if (samples > 0) node.series++
        node.samples += samples
        this.turnTo(outer)
        take(made)
        this.turnTo(node)
      })
    } finally {
      this.turnTo(outer)
    }
  }

  /** Waits for something that is not the query's work. */
  async idle<T>(wait: Promise<T>): Promise<T> {
    const node = this.current
    this.turnTo(null)
    try {
      return await wait
    } finally {
      this.turnTo(node)
    }
  }

  finish(): NodeStats[] {
    return plainly(this.top)
  }

  /** Parts that are evaluated several times are one. */
  private nodeOf(expr: Expr, outer: Node | null): Node {
    const siblings = outer?.parts ?? this.top
    const known = siblings.find(node => node.expr === expr)
    if (known) return known
    const node: Node = { expr, series: 0, samples: 0, ms: 0, parts: [] }
    siblings.push(node)
    return node
  }

  private turnTo(node: Node | null): void {
    const now = this.now()
    if (this.current) this.current.ms += now - this.since
    this.current = node
    this.since = now
  }
}

interface Node {
  readonly expr: Expr
  series: number
  samples: number
  ms: number
  readonly parts: Node[]
}

/** In the order in which they are written. */
function plainly(nodes: readonly Node[]): NodeStats[] {
  const inOrder = [...nodes].sort((a, b) => a.expr.span.from - b.expr.span.from)
  return inOrder.map(({ expr, series, samples, ms, parts }) => {
    const { from, to } = expr.span
    return { span: { from, to }, kind: expr.kind, series, samples, seconds: ms / 1000, parts: plainly(parts) }
  })
}
