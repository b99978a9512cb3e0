// A Prometheus need not hold a lock: Debian's takes one only with `--storage.tsdb.use-lockfile`, any other can be told
// not to. Where the system shows the open files of its processes (Linux), those give it away.
import { readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { only } from './files.ts'

/** What a running Prometheus has open for writing. */
const written = /^(wal|wbl|chunks_head)\/|^queries\.active$/

/** Looks for another process that writes to a data folder. One of another user or container is not seen.
 *  @throws Error that names the process */
export async function refuseWriters(folder: string): Promise<void> {
  const root = await realpath(folder).catch(only(null, 'ENOENT'))
  if (root === null || !(await readdir(root)).some(name => written.test(name) || written.test(`${name}/`)))
    return
  const entries = await readdir('/proc').catch(() => [])
  const pids = entries.map(Number).filter(pid => Number.isInteger(pid) && pid !== process.pid)
  await Promise.all(pids.map(pid => refuseWriter(pid, root)))
}

async function refuseWriter(pid: number, root: string): Promise<void> {
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => [])
  for (const fd of fds) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
    if (!target.startsWith(`${root}/`) || !written.test(target.slice(root.length + 1))) continue
    if (!(await isForWriting(`/proc/${pid}/fdinfo/${fd}`))) continue
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?')
    throw new Error(`want ${root} to be free, but process ${pid} (${name.trim()}) writes to ${target}`)
  }
}

/** By the flags of `open(2)`: the last two bits are 0 for reading only. */
async function isForWriting(fdinfo: string): Promise<boolean> {
  const text = await readFile(fdinfo, 'utf8').catch(() => '')
  const [, flags = '0'] = /^flags:\s*([0-7]+)$/m.exec(text) ?? []
  return (parseInt(flags, 8) & 3) !== 0
}
