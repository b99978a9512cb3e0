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

const size = /^(\d+(?:\.\d+)?)\s*(?:([KMGTPE])i?B?|B)$/i

/** Reads `10 GiB`, `512MB` or `1.5T`: as in Prometheus's flags units are powers of 1024 however they are written, and
 *  there must be one. Null when it is no size. */
export function parseBytes(text: string): number | null {
  const [whole, number, unit = ''] = size.exec(text.trim()) ?? []
  if (whole === undefined) return null
  const bytes = Math.round(Number(number) * 1024 ** ' KMGTPE'.indexOf(unit.toUpperCase() || ' '))
  return Number.isSafeInteger(bytes) ? bytes : null
}

/** The size as `parseBytes` reads the same number again: `1.5 GiB`, and rather `1530000 B` than a rounded one. */
export function formatExactBytes(bytes: number): string {
  const powers = byteUnits.map((unit, power) => `${bytes / 1024 ** power} ${unit}`)
  return (
    powers.findLast(text => /^[1-9]\d*(\.\d{1,3})? /.test(text) && parseBytes(text) === bytes) ?? `${bytes} B`
  )
}
