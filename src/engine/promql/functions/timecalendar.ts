// The calendar, without an object for every sample (https://howardhinnant.github.io/date_algorithms.html: years that begin
// in March have their leap day at the end). Times are seconds since 1970, in UTC; fractions are cut off.

const daySeconds = 86_400
/** After 400 years the calendar repeats itself, weekdays included. */
const eraSeconds = 146_097 * daySeconds
/** From the first of March of the year 0 to 1970. */
const secondsBefore1970 = 719_468 * daySeconds

export function minuteOf(seconds: number): number {
  return Math.floor(inEra(seconds) / 60) % 60
}

export function hourOf(seconds: number): number {
  return Math.floor(inEra(seconds) / 3600) % 24
}

/** 0 is Sunday. The first of March of the year 0 was a Wednesday. */
export function weekday(seconds: number): number {
  return (dayOfEra(seconds) + 3) % 7
}

export function dayOf(seconds: number): number {
  const ofYear = dayOfMarchYear(dayOfEra(seconds))
  return ofYear - Math.floor((153 * monthFromMarch(ofYear) + 2) / 5) + 1
}

/** 1 is the first of January. */
export function dayOfYear(seconds: number): number {
  const ofEra = dayOfEra(seconds)
  const ofYear = dayOfMarchYear(ofEra)
  // January begins 306 days behind the first of March.
  return ofYear < 306 ? ofYear + (isLeap(marchYear(ofEra)) ? 61 : 60) : ofYear - 305
}

export function daysInMonth(seconds: number): number {
  const month = monthOf(seconds)
  if (month === 2) return isLeap(marchYear(dayOfEra(seconds)) + 1) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** 1 is January. */
export function monthOf(seconds: number): number {
  const month = monthFromMarch(dayOfMarchYear(dayOfEra(seconds)))
  return month < 10 ? month + 3 : month - 9
}

export function yearOf(seconds: number): number {
  const ofEra = dayOfEra(seconds)
  const era = Math.round((whole(seconds) + secondsBefore1970 - inEra(seconds)) / eraSeconds)
  const inNextYear = dayOfMarchYear(ofEra) >= 306
  return 400 * era + marchYear(ofEra) + (inNextYear ? 1 : 0)
}

/** What fits into Go's 64 bits, as its calendar reckons with it: anything else, NaN included, is the smallest integer on
 *  most machines, and times before its first year come round at the other end. */
function whole(seconds: number): number {
  if (!(seconds >= -(2 ** 63) && seconds < 2 ** 63)) return 2 ** 63
  return seconds < firstSecond ? seconds + 2 ** 64 : Math.trunc(seconds)
}

/** Go's calendar begins in March of the year -292277022400. */
const firstSecond = -(730_692_556 * eraSeconds + secondsBefore1970)

/** Seconds since the 400 years around began. */
function inEra(seconds: number): number {
  // A remainder is exact however large the number is, a sum is not.
  const rest = ((whole(seconds) % eraSeconds) + secondsBefore1970) % eraSeconds
  return rest < 0 ? rest + eraSeconds : rest
}

function dayOfEra(seconds: number): number {
  return Math.floor(inEra(seconds) / daySeconds)
}

/** Years since the era began, in March. */
function marchYear(ofEra: number): number {
  const leapDays = Math.floor(ofEra / 1460) - Math.floor(ofEra / 36_524) + Math.floor(ofEra / 146_096)
  return Math.floor((ofEra - leapDays) / 365)
}

function dayOfMarchYear(ofEra: number): number {
  const year = marchYear(ofEra)
  return ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100))
}

/** From March on the months have 31, 30, 31, 30, 31 days, over and over: 153 in five of them. */
function monthFromMarch(ofYear: number): number {
  return Math.floor((5 * ofYear + 2) / 153)
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}
