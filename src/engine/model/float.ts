/** A float as Prometheus writes sample values in JSON: the shortest digits that read back as the same number,
 *  with an exponent below 1e-6 and from 1e21 on (upstream `util/jsonutil`). JavaScript has the same thresholds
 *  and differs in the exponent's width, in the names of the infinities and in negative zero. */
export function formatFloat(v: number): string {
  if (!Number.isFinite(v)) return Number.isNaN(v) ? 'NaN' : v > 0 ? '+Inf' : '-Inf'
  if (v === 0) return Object.is(v, -0) ? '-0' : '0'
  return String(v).replace(/e([+-])(\d)$/, 'e$10$2')
}

/** A float without exponent however large or small, as Prometheus writes scalars: Go's format 'f' with the
 *  fewest digits. */
export function formatFixed(v: number): string {
  const text = formatFloat(v)
  const [digits = '', exponent] = text.split('e')
  if (exponent === undefined) return text
  const sign = digits.startsWith('-') ? '-' : ''
  const [whole = '', fraction = ''] = digits.slice(sign.length).split('.')
  const shift = Number(exponent)
  if (shift < 0) return `${sign}0.${'0'.repeat(-shift - whole.length)}${whole}${fraction}`
  return `${sign}${whole}${fraction.padEnd(shift, '0')}`
}

/** A float as Go's `%g`: the fewest digits that read back as the same number, or so many at most; an exponent of two
 *  digits below 1e-4, and from 1e6 on or where the digits end. */
export function formatGeneral(v: number, digits?: number): string {
  if (!Number.isFinite(v)) return formatFloat(v)
  if (v === 0) return Object.is(v, -0) ? '-0' : '0'
  const [mantissa = '', exponent = ''] = v.toExponential(digits && digits - 1).split('e')
  const power = Number(exponent)
  const shown = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa
  if (power >= -4 && power < (digits ?? 6)) return formatFixed(Number(`${shown}e${exponent}`))
  return `${shown}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}
