import { assert } from '../../model/errors.ts'
import type { Call, Expr } from '../syntax/ast.ts'
import { bare } from '../samples/ranges.ts'

/** An argument that the parser has seen to. */
export function argument({ name, args }: Call, i: number): Expr {
  const arg = args[i]
  assert(arg, `${name} without argument ${i + 1}`)
  return arg
}

/** The value of an argument that is a string. */
export function stringArgument(call: Call, i: number): string {
  const arg = bare(argument(call, i))
  assert(arg.kind === 'string', `argument ${i + 1} of ${call.name} is no string`)
  return arg.value
}
