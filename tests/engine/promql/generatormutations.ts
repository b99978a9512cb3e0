import { Chance } from './chance.ts'
import { Generator } from './generator.ts'

// Expressions with a mistake: a token that is missing, comes twice, or is another one.

/** What stands in brackets or behind `offset` is one token, which stays as it is: 3.x reads more there, and expects it. */
const tokens = /\[[^\]]*\]|(?:offset|@) \S+|\w+|"[^"]*"|\s+|[=!<>]=|=~|!~|[^]/g

const others = [
  ...['(', ')', '{', '}', ']', ',', '+', '-', '==', '=~', '=', '!', '1', 'sum', 'rate', 'by', 'on', 'bool'],
  ...['group_left', 'unless', 'time()', 'limit', 'limit[5m]', 'é', '$', '"x"', 'offset 5m', '[5m]', '# '],
]

export function mistaken(count: number, seed: number): string[] {
  const chance = new Chance(seed)
  const known = new Generator(seed)
    .expressions(2 * count)
    .filter(expr => !expr.includes('exponential_smoothing'))
  return known.slice(0, count).map(expr => {
    const parts = expr.match(tokens) ?? []
    const places = parts.flatMap((part, i) => (/^(\[|offset|@)/.test(part) ? [] : [i]))
    const at = chance.pick(places)
    const [token = ''] = parts.splice(at, 1)
    parts.splice(at, 0, chance.pick(['', `${token} ${token}`, chance.pick(others), chance.pick(others)]))
    return parts.join('')
  })
}
