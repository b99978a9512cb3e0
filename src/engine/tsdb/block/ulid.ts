import { ulid } from 'ulid'
import type { Host } from '../../model/host.ts'

/** A name for a new block: 26 characters of Crockford's base 32, the time of its creation in front. */
export function newUlid(host: Pick<Host, 'now' | 'random'>): string {
  return ulid(host.now(), () => host.random())
}

/** Whether a folder of this name is a block: upstream takes every folder whose name parses as a ULID. Written in
 *  capitals, as Prometheus does, and within its 128 bits. */
export function isUlid(name: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(name)
}
