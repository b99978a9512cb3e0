const units = [
  ['y', 365 * 24 * 3600_000],
  ['w', 7 * 24 * 3600_000],
  ['d', 24 * 3600_000],
  ['h', 3600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

const pattern = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/

/** Milliseconds of a duration in Prometheus's notation (`1h30m`; units y w d h m s ms, each once, longest first),
 *  or null when it is none (`model.ParseDuration` of prometheus/common). `0` needs no unit. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0
  const match = text === '' ? null : pattern.exec(text)
  if (!match) return null
  const ms = units.reduce((sum, [, size], i) => sum + Number(match[i + 1] ?? 0) * size, 0)
  // Go keeps durations in int64 nanoseconds.
  return ms * 1e6 < 2 ** 63 ? ms : null
}

/** The shortest notation, as Prometheus prints it: weeks and years only when nothing is left over
 *  (`model.Duration.String`). */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  let rest = Math.abs(ms)
  let text = ms < 0 ? '-' : ''
  for (const [unit, size] of units) {
    const whole = Math.floor(rest / size)
    if (whole === 0 || ((unit === 'y' || unit === 'w') && rest % size !== 0)) continue
    text += `${whole}${unit}`
    rest -= whole * size
  }
  return text
}
