import { ImportError } from '../model/errors.ts'
import { maxPathLength } from './limits.ts'

/** The path of an entry, relative and without `.`, or '' for the root itself. A slash at the end, which marks a
 *  folder, is dropped.
 *  @throws ImportError when it leads out of the archive or means different things to different systems */
export function cleanPath(path: string): string {
  const fault = faultOf(path)
  if (fault !== null)
    throw new ImportError(`${shown(path)}: want a relative path in the archive, have ${fault}`)
  const names = path.replace(/\/$/, '').split('/')
  return names.filter(name => name !== '.').join('/')
}

function faultOf(path: string): string | null {
  if (path === '') return 'an empty one'
  if (path.length > maxPathLength) return `one of ${path.length} characters (at most ${maxPathLength})`
  if (hasControls(path)) return 'a control character'
  if (path.includes('\\')) return 'a backslash'
  if (path.startsWith('/')) return 'an absolute one'
  if (/^[a-z]:/i.test(path)) return 'a drive letter'
  const names = path.replace(/\/$/, '').split('/')
  if (names.includes('..')) return "a '..' that leads out of it"
  if (names.includes('')) return 'an empty name between slashes'
  return null
}

/** Whether there is a NUL, where a path ends for the operating system, or anything else that a terminal obeys. */
function hasControls(path: string): boolean {
  for (let i = 0; i < path.length; i++) {
    const unit = path.charCodeAt(i)
    if (unit < 0x20 || unit === 0x7f) return true
  }
  return false
}

/** For a message: short, and with nothing in it that a reader cannot see. */
function shown(path: string): string {
  const cut = path.length > 100 ? `${path.slice(0, 100)}…` : path
  return JSON.stringify(cut)
}
