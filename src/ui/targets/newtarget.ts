import type { NewTarget } from '../../engine/api/service.ts'
import { parseDuration } from '../../engine/model/duration.ts'
import { texts } from '../texts.ts'

/** What stands in the fields of the form. */
export interface TargetDraft {
  readonly url: string
  readonly job: string
  readonly interval: string
}

/** What is wrong with a field, to be shown beside it. */
export type DraftErrors = Partial<Record<keyof TargetDraft, string>>

export const defaultInterval = '15s'

/** Reads the form. An address without a scheme gets `http://`, one without a path `/metrics`; an empty job is
 *  the host's name. */
export function readDraft(draft: TargetDraft): { target: NewTarget } | { errors: DraftErrors } {
  const url = readUrl(draft.url)
  const intervalMs = parseDuration(draft.interval.trim() || defaultInterval)
  const errors: DraftErrors = {
    ...(typeof url === 'string' && { url }),
    ...((intervalMs === null || intervalMs < 1000) && { interval: texts.targets.badInterval }),
  }
  if (typeof url === 'string' || intervalMs === null || errors.interval) return { errors }
  return { target: { url: url.href, job: draft.job.trim() || url.hostname, intervalMs } }
}

/** The job that an empty field stands for. */
export function jobOf(draft: TargetDraft): string {
  const url = readUrl(draft.url)
  return typeof url === 'string' ? '' : url.hostname
}

/** The URL, or what is wrong with it. */
function readUrl(text: string): URL | string {
  const { badUrl } = texts.targets
  const trimmed = text.trim()
  if (trimmed === '') return badUrl.empty
  // "localhost:9100" parses as a URL of the scheme "localhost", so a scheme is what comes before //.
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`
  if (!URL.canParse(whole)) return badUrl.invalid
  const url = new URL(whole)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return badUrl.scheme(url.protocol.slice(0, -1))
  if (url.username || url.password) return badUrl.credentials
  if (url.pathname === '/') url.pathname = '/metrics'
  url.hash = ''
  return url
}
