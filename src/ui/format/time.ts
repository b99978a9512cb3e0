// How moments and spans of time are written on the page. Moments are milliseconds since the epoch and shown in
// the zone of the browser; only links carry UTC, as Prometheus's do.

/** `2026-11-22 13:05:09` in the browser's zone. */
export function formatTime(t: number): string {
  const d = new Date(t)
  return `${formatDay(d)} ${formatClock(d)}`
}

/** `2026-11-22 13:05:09` in UTC, the form of `g0.end_input`. */
export function formatUtc(t: number): string {
  return new Date(t).toISOString().slice(0, 19).replace('T', ' ')
}

/** Reads `2026-11-22 13:05:09` in UTC; seconds may be missing. Null when it is no time. */
export function parseUtc(text: string): number | null {
  return parseFields(text, (...fields) => Date.UTC(...fields))
}

/** Reads `2026-11-22 13:05:09` in the browser's zone; seconds, or the whole clock, may be missing. Null when it
 *  is no time. */
export function parseTime(text: string): number | null {
  return parseFields(text, (...fields) => new Date(...fields).getTime())
}

type DateFields = [year: number, month: number, day: number, hour: number, minute: number, second: number]

function parseFields(text: string, toTime: (...fields: DateFields) => number): number | null {
  const match = /^\s*(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?Z?)?\s*$/.exec(text)
  if (!match) return null
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map(n => Number(n || 0))
  // Months and days that do not exist would roll over into the next ones.
  const lastDay = new Date(Date.UTC(year, month, 0)).getUTCDate()
  if (month < 1 || month > 12 || day < 1 || day > lastDay) return null
  return hour > 23 || minute > 59 || second > 59 ? null : toTime(year, month - 1, day, hour, minute, second)
}

/** The browser's zone at a moment: `UTC+02:00`. */
export function formatZone(t: number): string {
  const minutes = -new Date(t).getTimezoneOffset()
  if (minutes === 0) return 'UTC'
  const size = Math.abs(minutes)
  return `UTC${minutes < 0 ? '−' : '+'}${two(size / 60)}:${two(size % 60)}`
}

/** Texts for the marks of a time axis, `step` milliseconds apart. The day stands below the first mark and below
 *  each that begins another one. */
export function formatTimeTicks(times: readonly number[], step: number): string[] {
  let before = ''
  return times.map(t => {
    const d = new Date(t)
    const day = formatDay(d)
    const clock = step < 60_000 ? formatClock(d) : formatClock(d).slice(0, 5)
    const text = step >= 24 * 3600_000 ? day : day === before ? clock : `${clock}\n${day}`
    before = day
    return text
  })
}

/** A span of time in a few characters: `840 µs`, `4.2 ms`, `1.5 s`, `3m 20s`, `2h 5m`, `4d 1h`. */
export function formatSpan(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`
  if (ms < 1000) return `${trimmed(ms)} ms`
  if (ms < 60_000) return `${trimmed(ms / 1000)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`
  if (seconds < 24 * 3600) return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3600)}h`
}

/** How long ago something was, in whole seconds below a minute, so that it does not flicker. */
export function formatAge(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, Math.floor(ms / 1000))} s` : formatSpan(ms)
}

function trimmed(n: number): string {
  return String(Number(n.toPrecision(n < 100 ? 2 : 3)))
}

function formatDay(d: Date): string {
  return `${String(d.getFullYear()).padStart(4, '0')}-${two(d.getMonth() + 1)}-${two(d.getDate())}`
}

function formatClock(d: Date): string {
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
}

function two(n: number): string {
  return String(Math.floor(n)).padStart(2, '0')
}
