import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openNodeFs } from '../../src/disks/nodefs.ts'
import { DiskFullError, stagingSuffix, type Disk } from '../../src/engine/disk/disk.ts'
import { peer, startPrometheus, type PrometheusOptions } from '../peers.ts'
import { diskCases } from './conformance.ts'

const prometheus = peer('prometheus')
const bytes = (length: number) => new Uint8Array(length).fill(7)

describe('Node disk', () => {
  const cases = diskCases(async () => {
    const folder = await freshFolder()
    return {
      disk: await openNodeFs(folder),
      reopen: () => openNodeFs(folder),
      dispose: () => rm(folder, { recursive: true }),
    }
  })
  for (const { name, run } of cases) test(name, run)
})

let folder: string
let opened: Disk[] = []
beforeEach(async () => {
  folder = await freshFolder()
})
afterEach(async () => {
  for (const disk of opened) await disk.close()
  opened = []
  await rm(folder, { recursive: true })
})
const open = async () => {
  const disk = await openNodeFs(folder)
  opened.push(disk)
  return disk
}
const close = () => opened.pop()?.close()
const inFolder = (...names: string[]) => join(folder, ...names)

describe('a folder', () => {
  test('has each file where its path says', async () => {
    const disk = await open()
    await disk.append('wal/00000000', 0, bytes(5), 'relaxed')
    await disk.write('prometheus.yml', bytes(3))
    const writer = await disk.create(`A${stagingSuffix}/chunks/000001`)
    await writer.write(bytes(9))
    await writer.close()
    expect(await readdir(inFolder(`A${stagingSuffix}`, 'chunks'))).toEqual(['000001'])
    await disk.publish([{ from: `A${stagingSuffix}`, to: 'A' }])
    expect(await readFile(inFolder('wal', '00000000'))).toEqual(Buffer.from(bytes(5)))
    expect(await readFile(inFolder('prometheus.yml'))).toEqual(Buffer.from(bytes(3)))
    expect(await readFile(inFolder('A', 'chunks', '000001'))).toEqual(Buffer.from(bytes(9)))
    expect((await readdir(folder)).sort()).toEqual(['A', 'lock', 'prometheus.yml', 'wal'])
    await disk.removeFolder('A')
    await disk.remove('wal/00000000')
    expect((await readdir(folder)).sort()).toEqual(['lock', 'prometheus.yml'])
    await close()
    expect(await readdir(folder)).toEqual(['prometheus.yml'])
  })

  test('is created when it is not there', async () => {
    const disk = await openNodeFs(inFolder('a', 'b'))
    await disk.close()
    expect((await stat(inFolder('a', 'b'))).isDirectory()).toBe(true)
  })

  test('keeps what others have put there, and shows it', async () => {
    await writeFile(inFolder('queries.active'), 'x')
    await mkdir(inFolder('chunks_head'))
    await writeFile(inFolder('chunks_head', '000001'), 'chunks')
    const disk = await open()
    expect(await disk.list('')).toEqual(['chunks_head', 'queries.active'])
    expect(await disk.size('chunks_head/000001')).toBe(6)
    await expect(disk.size('chunks_head')).rejects.toThrow('no file chunks_head')
    await expect(disk.read('chunks_head')).rejects.toThrow('no file chunks_head')
    await disk.append('chunks_head/000001', 6, bytes(1), 'strict')
    expect(await disk.size('chunks_head/000001')).toBe(7)
  })

  test('is swept of what was cut short, and of nothing else', async () => {
    const doomed = [`A${stagingSuffix}`, 'B.tmp-for-deletion', `wal/checkpoint.00000001${stagingSuffix}`]
    const kept = ['C', 'wal/checkpoint.00000002', 'wal/checkpoint.00000003.tmp']
    for (const name of [...doomed, ...kept]) {
      await mkdir(inFolder(name), { recursive: true })
      await writeFile(inFolder(name, 'index'), 'x')
    }
    await writeFile(inFolder(`prometheus.yml${stagingSuffix}`), 'half')
    await open()
    expect((await readdir(folder)).sort()).toEqual(['C', 'lock', 'wal'])
    expect((await readdir(inFolder('wal'))).sort()).toEqual([
      'checkpoint.00000002',
      'checkpoint.00000003.tmp',
    ])
  })

  test.each(['lock', 'A.tmp-for-deletion/f'])('does not let %s be written', async path => {
    const disk = await open()
    await expect(disk.write(path, bytes(1))).rejects.toThrow(path)
    await expect(disk.append(path, 0, bytes(1), 'relaxed')).rejects.toThrow(path)
    await expect(disk.remove(path)).rejects.toThrow(path)
    expect(existsSync(inFolder('lock'))).toBe(true)
  })

  test('is read in many places at a time without keeping every file open', async () => {
    const disk = await open()
    const paths = Array.from({ length: 200 }, (_, i) => `d/${i}`)
    for (const path of paths) await disk.append(path, 0, bytes(100), 'relaxed')
    await close()
    const again = await open()
    const reads = [...paths, ...paths, ...paths].map((path, i) => again.read(path, 0, i % 100))
    expect((await Promise.all(reads)).map(read => read.length)).toEqual(reads.map((_, i) => i % 100))
    for (const path of paths) await again.remove(path)
    expect(await again.list('')).toEqual([])
  })

  test('may lose its last file while another one is created in it', async () => {
    const disk = await open()
    for (let i = 0; i < 50; i++) {
      await disk.append(`wal/${i}`, 0, bytes(1), 'relaxed')
      await Promise.all([disk.remove(`wal/${i}`), disk.append(`wal/${i + 1}x`, 0, bytes(1), 'relaxed')])
      expect(await disk.list('wal')).toEqual([`${i + 1}x`])
      await disk.remove(`wal/${i + 1}x`)
    }
  })
})

// A device of the system that is always full, under the names of our files.
describe.skipIf(!existsSync('/dev/full'))('a full device', () => {
  test('throws DiskFullError for every kind of write', async () => {
    const disk = await open()
    await symlink('/dev/full', inFolder('f'))
    await symlink('/dev/full', inFolder(`g${stagingSuffix}`))
    await expect(disk.append('f', 0, bytes(5), 'relaxed')).rejects.toThrow(DiskFullError)
    await expect(disk.write('g', bytes(5))).rejects.toThrow(DiskFullError)
    expect(await disk.list('')).toEqual(['f'])
    await disk.append('h', 0, bytes(5), 'strict')
    expect(await disk.size('h')).toBe(5)
  })
})

// Where there is no program `flock`, the lock is told by other means.
describe.each([
  ['with flock(2)', process.env['PATH']],
  ['without flock(2)', ''],
])('the lock of a folder, %s', (_, path) => {
  const PATH = process.env['PATH']
  // Starting a peer wants the path that there is.
  const openHere = async () => {
    process.env['PATH'] = path
    try {
      return await open()
    } finally {
      process.env['PATH'] = PATH
    }
  }

  test('keeps a second one out until the first is closed', async () => {
    const disk = await openHere()
    expect(await readFile(inFolder('lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} \\S+\n$`))
    await expect(openHere()).rejects.toThrow(`process ${process.pid}`)
    await disk.append('f', 0, bytes(1), 'strict')
    await close()
    expect(await (await openHere()).size('f')).toBe(1)
  })

  test.each([
    ['of a Prometheus that was killed', ''],
    ['of a process that has ended', '2147483646 17\n'],
    ['of an earlier process with the number of another', `${process.pid} 17\n`],
    ['with text that is none of ours', 'hello\n'],
  ])('%s does not matter', async (_, text) => {
    await writeFile(inFolder('lock'), text)
    expect(await (await openHere()).list('')).toEqual([])
  })

  test.skipIf(prometheus.missing)(`keeps us out while a ${prometheus.name} holds it`, async () => {
    await refusedBy({ dataDir: folder, flags: lockFlags() }, openHere, 'holds it')
  })
})

test.skipIf(prometheus.missing)(`a folder that a ${prometheus.name} writes without a lock is refused`, () =>
  refusedBy({ dataDir: folder, flags: noLockFlags() }, open, `writes to ${inFolder()}`),
)

test.skipIf(prometheus.missing)(`the lock of a folder keeps a ${prometheus.name} out`, async () => {
  const options = { dataDir: folder, flags: lockFlags() }
  await open()
  await expect(startPrometheus(options)).rejects.toThrow('lock DB directory')
  await close()
  const running = await startPrometheus(options)
  await running.stop()
})

async function refusedBy(options: PrometheusOptions, openNow: () => Promise<Disk>, reason: string) {
  const running = await startPrometheus(options)
  try {
    const before = (await readdir(folder)).filter(name => name !== 'lock')
    const refused = expect(openNow()).rejects
    await refused.toThrow(`process ${running.pid} (prometheus) ${reason}`)
    expect((await readdir(folder)).filter(name => name !== 'lock')).toEqual(before)
    const { status } = await fetch(`${running.url}/api/v1/query?query=1`)
    expect(status).toBe(200)
  } finally {
    await running.stop()
  }
  expect(await (await openNow()).list('wal')).toContain('00000000')
}

// Debian's takes no lock by default and has a flag for it; upstream's is the other way round.
function lockFlags(): string[] {
  return hasFlag('--storage.tsdb.use-lockfile') ? ['--storage.tsdb.use-lockfile'] : []
}

function noLockFlags(): string[] {
  return hasFlag('--storage.tsdb.use-lockfile') ? [] : ['--storage.tsdb.no-lockfile']
}

function hasFlag(flag: string): boolean {
  const { stdout, stderr } = spawnSync(prometheus.path(), ['--help'], { encoding: 'utf8' })
  return (stdout + stderr).includes(flag)
}

function freshFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'brazier-disk-'))
}
