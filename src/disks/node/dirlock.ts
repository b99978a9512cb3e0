// The lock of a data folder, the same as Prometheus's: flock(2) on the file `lock` in it, which goes with the process
// whatever ends it (upstream `tsdb/tsdbutil/dir_locker.go`, `tsdb/fileutil/flock_unix.go`). Node has no flock, but a
// lock belongs to the open file, not to the process: the program `flock` takes it on a file that we have opened and
// hand down, and it stays ours when that program ends.
//
// Where there is no such program, a holder is found in /proc/locks or by the pid in the file. Upstream leaves the
// file empty; we write `<pid> <start of the process>`. A process that writes without a lock keeps us out, too.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, readdir, stat, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { only } from './files.ts'
import { refuseWriters } from './writers.ts'

export const lockName = 'lock'

export interface DirLock {
  /** Lets the next one in. */
  release(): Promise<void>
}

/** Takes the folder for this process.
 *  @throws Error when another one, or another disk of this one, has it */
export async function lockDir(dir: string): Promise<DirLock> {
  const path = join(dir, lockName)
  for (;;) {
    const file = await open(path, 'a+')
    try {
      await take(file, path)
      // Who held it may have removed it after we opened it.
      if (await isStill(file, path)) {
        await refuseWriters(dir)
        await file.truncate(0)
        await file.write(`${process.pid} ${await startOf(process.pid)}\n`)
        return { release: () => release(file, path) }
      }
    } catch (error) {
      await file.close()
      throw error
    }
    await file.close()
  }
}

async function release(file: FileHandle, path: string): Promise<void> {
  await unlink(path).catch(only(undefined, 'ENOENT'))
  await file.close()
}

async function take(file: FileHandle, path: string): Promise<void> {
  const taken = await flock(file)
  if (taken === true) return
  const locked = await lockedBy(file)
  const written = await writtenBy(path)
  if (taken === null && locked.length === 0 && written === null) return
  const pid = locked.find(isAlive) ?? written
  const name = pid === null ? 'another process' : await nameOf(pid)
  throw new Error(`want ${path} to be free, but ${name} holds it`)
}

/** Whether the file could be locked; null when nobody can tell. */
async function flock(file: FileHandle): Promise<boolean | null> {
  const child = spawn('flock', ['-n', '-x', '3'], { stdio: ['ignore', 'ignore', 'ignore', file.fd] })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    if (code === 0) return true
    // Other codes are for file systems and systems that have no such locks.
    return code === 1 ? false : null
  } catch {
    return null
  }
}

/** Processes that have locked the file, by /proc/locks; none where there is no such thing. One that only lent its
 *  lock may have ended. */
async function lockedBy(file: FileHandle): Promise<number[]> {
  const locks = await readFile('/proc/locks', 'utf8').catch(() => '')
  const { ino, dev } = await file.stat({ bigint: true })
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn)
  const device = `${major.toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}`
  const lines = Array.from(locks.matchAll(/ WRITE (\d+) ([0-9a-f]+:[0-9a-f]+):(\d+) /g))
  const same = lines.filter(([, , , inode]) => inode === String(ino))
  const sure = await Promise.all(
    same.map(async ([, pid, at]) => at === device || hasOpen(Number(pid), ino, dev)),
  )
  return same.filter((_, i) => sure[i]).map(([, pid]) => Number(pid))
}

/** Layered file systems have another device in /proc/locks than a file on them. */
async function hasOpen(pid: number, ino: bigint, dev: bigint): Promise<boolean> {
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const files = await Promise.all(
    fds.map(fd => stat(`/proc/${pid}/fd/${fd}`, { bigint: true }).catch(() => null)),
  )
  return files.some(file => file?.ino === ino && file.dev === dev)
}

/** The process that the file names, if it is still the same one. */
async function writtenBy(path: string): Promise<number | null> {
  const text = await readFile(path, 'utf8')
  const [, pid = '', start] = /^(\d{1,10}) (\S+)\n$/.exec(text) ?? []
  if (start === undefined || !isAlive(Number(pid))) return null
  return start === (await startOf(Number(pid))) ? Number(pid) : null
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Somebody else's process is one, too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** When a process was started, in ticks since the machine was, to tell it from a later one with its number;
 *  `?` where that is not known. */
async function startOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name, in parentheses, may contain anything.
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '?'
}

async function nameOf(pid: number): Promise<string> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
  return name === '' ? `process ${pid}` : `process ${pid} (${name.trim()})`
}

async function isStill(file: FileHandle, path: string): Promise<boolean> {
  const [ours, found] = await Promise.all([
    file.stat({ bigint: true }),
    stat(path, { bigint: true }).catch(() => null),
  ])
  return ours.ino === found?.ino && ours.dev === found.dev
}
