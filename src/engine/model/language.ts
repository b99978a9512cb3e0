import type { Span } from './errors.ts'

// PromQL as an editor needs it: what is wrong with an expression, what it is made of, what words there are.

/** Something that keeps an expression from being read. */
export interface QueryProblem {
  /** Prometheus's words, with the position in front. */
  readonly message: string
  readonly span: Span | null
}

/** A function or an aggregation, as one looks it up. */
export interface LanguageTerm {
  readonly name: string
  readonly kind: 'function' | 'aggregation'
  /** What stands behind the name, `(instant vector, scalar)`; what may be missing is in brackets. */
  readonly signature: string
  /** One sentence. */
  readonly doc: string
  /** Prometheus asks for a flag. */
  readonly experimental: boolean
}

/** A part of an expression that has a value of its own. */
export interface QueryNode {
  /** 0 for the whole; the parts of a node follow it, one deeper. */
  readonly depth: number
  readonly span: Span
  /** As Prometheus prints it, with … in the place of its parts. */
  readonly text: string
  /** `instant vector`, `range vector`, `scalar` or `string`. */
  readonly type: string
}
