/** Functions that can be measured where code really runs. Arguments and answers are JSON. */
export type Cases = object

/** A place with a thread of its own in which a bundle's cases run: a worker of Chromium, or a process of Node. */
export interface Realm<C extends Cases> {
  /** Calls a case there; one call at a time. */
  call<Name extends keyof C & string>(name: Name, ...args: ArgsOf<C[Name]>): Promise<AnswerOf<C[Name]>>
  /** Bytes of objects and of the buffers behind typed arrays that are left after a garbage collection. */
  heapBytes(): Promise<number>
  stop(): Promise<void>
}

type ArgsOf<F> = F extends (...args: infer Args) => unknown ? Args : never
type AnswerOf<F> = F extends (...args: never[]) => infer Answer ? Awaited<Answer> : never
