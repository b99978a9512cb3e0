// What every disk asks of a path, so that all of them refuse the same ones.
import { stagingSuffix, type Move } from './disk.ts'

export const smallFileBytes = 1024 * 1024

/** @throws Error when it is not a relative path with `/` between names, without `.` and `..` */
export function checkPath(path: string): void {
  // A NUL ends a path for the operating system; a backslash is a separator to some.
  const wrong = path.split('/').some(name => name === '' || name === '.' || name === '..')
  if (wrong || /[\0\\]/.test(path)) throw new Error(`want a relative path without . and .., have '${path}'`)
}

/** The staging folder that a path lies in or is: the outermost, or null when there is none. */
export function stagingFolderOf(path: string): string | null {
  const names = path.split('/')
  const depth = names.findIndex(name => name.endsWith(stagingSuffix))
  return depth < 0 ? null : names.slice(0, depth + 1).join('/')
}

/** Whether a path lies somewhere in a folder. */
export function inside(path: string, folder: string): boolean {
  return folder === '' || path.startsWith(`${folder}/`)
}

/** Checks the path of a file that is to be created finished.
 *  @throws Error when it does not lie in a staging folder */
export function checkStaged(path: string): void {
  checkPath(path)
  const folder = stagingFolderOf(path)
  if (folder === null || folder === path) {
    throw new Error(`BUG: create ${path}: want a file in a folder that ends in ${stagingSuffix}`)
  }
}

/** Checks the path of a file that is to be written at once, which no file in a staging folder is.
 *  @throws Error */
export function checkUnstaged(path: string): void {
  checkPath(path)
  if (stagingFolderOf(path) !== null) {
    throw new Error(`BUG: write ${path}: files in a staging folder are created, not appended to or replaced`)
  }
}

/** Checks the size of a file that is to be written as a whole.
 *  @throws Error */
export function checkSmall(path: string, bytes: Uint8Array): void {
  const { length } = bytes
  if (length <= smallFileBytes) return
  throw new Error(`write ${path} as a whole: want at most ${smallFileBytes} bytes, have ${length}`)
}

/** Checks the names of moves: each from a staging folder to one that is none, no two meeting.
 *  @throws Error */
export function checkMoves(moves: readonly Move[]): void {
  for (const { from, to } of moves) {
    checkPath(from)
    checkUnstaged(to)
    if (stagingFolderOf(from) !== from) {
      throw new Error(`BUG: publish ${from}: want a name that ends in ${stagingSuffix}`)
    }
  }
  for (const end of ['from', 'to'] as const) {
    const names = moves.map(move => move[end])
    const meeting = names.some((name, i) =>
      names.some((other, j) => i !== j && (name === other || inside(name, other))),
    )
    if (meeting) throw new Error(`BUG: publish: folders meet in ${names.join(', ')}`)
  }
}
