// How numbers are written on the page.

/** A sample's value in full: the shortest text that reads back as the same number, `+Inf`, `-Inf` or `NaN` as
 *  Prometheus writes them. */
export function formatSample(v: number): string {
  if (v === Infinity) return '+Inf'
  return v === -Infinity ? '-Inf' : String(v)
}

const prefixes = ['y', 'z', 'a', 'f', 'p', 'n', 'µ', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'] as const
const unity = prefixes.indexOf('')

/** A value in a few characters with an SI prefix, `digits` behind the point at most: 12400 is `12.4k`. From 0.01
 *  to 1000 there is no prefix, as on Prometheus's axes. */
export function formatShort(v: number, digits = 2): string {
  if (v === 0 || !Number.isFinite(v)) return formatSample(v === 0 ? 0 : v)
  const size = Math.abs(v)
  const power = size >= 0.01 && size < 1000 ? 0 : Math.floor(Math.log10(size) / 3)
  const i = Math.min(Math.max(power + unity, 0), prefixes.length - 1)
  const [number, prefix] = carried(v / 1000 ** (i - unity), i, digits)
  return `${number}${prefix}`
}

/** Rounding may reach the next prefix: 999,999 is `1M`, never `1000k`. */
function carried(scaled: number, i: number, digits: number): [number, string] {
  const rounded = Number(scaled.toFixed(digits))
  const next = prefixes[i + 1]
  if (Math.abs(rounded) >= 1000 && next !== undefined) return [rounded / 1000, next]
  return [rounded, prefixes[i] ?? '']
}

/** The values of an axis, with as many digits as it takes to tell them apart (2 to 8). */
export function formatTicks(values: readonly number[]): string[] {
  for (let digits = 2; digits < 8; digits++) {
    const texts = values.map(v => formatShort(v, digits))
    if (new Set(texts).size === texts.length) return texts
  }
  return values.map(v => formatShort(v, 8))
}

const counts = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** A whole number with its thousands apart: `12,400`. */
export function formatCount(n: number): string {
  return counts.format(n)
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** A size in bytes, three digits of it: `1.46 MiB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), byteUnits.length - 1)
  const n = bytes / 1024 ** power
  return `${power === 0 ? n : n.toPrecision(n < 1000 ? 3 : 4)} ${byteUnits[power] ?? ''}`
}
