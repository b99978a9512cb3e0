/** A label set: name, value, name, value, … sorted by name in the order of their UTF-8 bytes. Names are unique
 *  and no value is empty, as in Prometheus, where an empty value means that the label is absent. The metric's
 *  name is the value of `__name__`. Flat, because a head holds hundreds of thousands of them; immutable. */
export type Labels = readonly string[]

export const metricName = '__name__'

/** Builds a label set from pairs in any order. Empty values are left out; of equal names the last one counts. */
export function labelsFrom(pairs: Iterable<readonly [string, string]>): Labels {
  const byName = new Map<string, string>()
  for (const [name, value] of pairs) byName.set(name, value)
  const flat: string[] = []
  for (const name of [...byName.keys()].sort(compareBytes)) {
    const value = byName.get(name)
    if (value) flat.push(name, value)
  }
  return flat
}

/** Value of a label, or `''` where it is absent. */
export function valueOf(labels: Labels, name: string): string {
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === name) return labels[i + 1] as string
  return ''
}

/** The label set reduced to the names for which `keep` answers true. */
export function keepLabels(labels: Labels, keep: (name: string) => boolean): Labels {
  const kept: string[] = []
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i] as string
    if (keep(name)) kept.push(name, labels[i + 1] as string)
  }
  return kept
}

/** The label set with one label set to `value`; an empty value removes it. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  return labelsFrom([...pairsOf(labels), [name, value]])
}

export function* pairsOf(labels: Labels): Generator<[string, string]> {
  for (let i = 0; i < labels.length; i += 2) yield [labels[i] as string, labels[i + 1] as string]
}

// A lone surrogate never comes out of a UTF-8 decoder, so it cannot be part of a name or a value.
const separator = '\udfff'

/** A string that is equal exactly for equal label sets: a key for maps, nothing to show. */
export function labelsKey(labels: Labels): string {
  return labels.join(separator)
}

/** Each label set once, in the order of their first. */
export function uniqueLabels(all: readonly Labels[]): Labels[] {
  return [...new Map(all.map(labels => [labelsKey(labels), labels])).values()]
}

/** Order of label sets as in Prometheus (`labels.Compare`): pair by pair, a prefix before what it begins. */
export function compareLabels(a: Labels, b: Labels): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const order = compareBytes(a[i] as string, b[i] as string)
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** Order of strings by their UTF-8 bytes, which is also the order of code points. JavaScript's `<` compares
 *  UTF-16 units and differs where a surrogate meets U+E000…U+FFFF. */
export function compareBytes(a: string, b: string): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return codePointRank(x) - codePointRank(y)
  }
  return a.length - b.length
}

/** Moves surrogates (code points above U+FFFF) behind the rest of the basic plane. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

/** `name{a="b", c="d"}` as Prometheus prints it (`labels.String`, `model.Metric`): the metric's name in front
 *  when it is a legacy name, every value quoted as Go does. */
export function formatLabels(labels: Labels): string {
  const name = valueOf(labels, metricName)
  const rest = [...pairsOf(labels)].filter(([label]) => label !== metricName || !isLegacyName(name))
  const body = rest.map(([label, value]) => `${isLegacyLabel(label) ? label : quote(label)}=${quote(value)}`)
  const front = isLegacyName(name) ? name : ''
  return front && body.length === 0 ? front : `${front}{${body.join(', ')}}`
}

/** Names that need no quotes in PromQL and in the text formats. */
export function isLegacyName(name: string): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)
}

export function isLegacyLabel(name: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)
}

/** A string in double quotes with Go's escapes (`strconv.Quote`), printable characters left as they are. */
export function quote(text: string): string {
  return `"${text.replace(/[\\"]|\p{C}|(?! )\p{Z}/gu, escape)}"`
}

const shortEscapes: Record<string, string> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
}

function escape(char: string): string {
  const short = shortEscapes[char]
  if (short !== undefined) return short
  const code = char.codePointAt(0) as number
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`
  // A byte that is no UTF-8, as the lexer of PromQL keeps it.
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`
  return code < 0x10000
    ? `\\u${code.toString(16).padStart(4, '0')}`
    : `\\U${code.toString(16).padStart(8, '0')}`
}
