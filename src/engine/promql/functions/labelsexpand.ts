import type { Matcher } from 're2js'

const variable = /\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu

/** A template with the groups of a match for `$1`, `${1}`, `$name`, `${name}`, and `$` for `$$` (Go's `Regexp.Expand`): a
 *  name is as long as it can be, and what is no group is nothing. Null when it becomes longer than `maxLength`. */
export function expand(template: string, match: Matcher, maxLength: number): string | null {
  let length = template.length
  if (length > maxLength) return null
  if (!template.includes('$')) return template
  const value = template.replace(variable, (_, dollar?: string, braced?: string, plain?: string) => {
    const group = dollar ?? groupOf(braced ?? (plain as string), match)
    length += group.length
    return length > maxLength ? '' : group
  })
  return length > maxLength ? null : value
}

function groupOf(name: string, match: Matcher): string {
  if (/^(?:0|[1-9]\d*)$/.test(name)) {
    const number = Number(name)
    return number <= match.groupCount() ? (match.group(number) ?? '') : ''
  }
  return match.getNamedGroups()[name] ?? ''
}
