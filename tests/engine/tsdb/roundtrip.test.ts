import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { openNodeFs } from '../../../src/disks/nodefs.ts'
import { MemoryDisk } from '../../../src/engine/disk/memory.ts'
import type { ArchiveFormat, ImportSource } from '../../../src/engine/model/blocks.ts'
import type { Db } from '../../../src/engine/tsdb/db.ts'
import { answersFrom, createDataDir, troublesIn, type DataDir } from '../../datadir.ts'
import { dumpDifferences, dumpOf, exemplarsOf, type Dump } from '../../dumps.ts'
import { FakeHost } from '../../fakehost.ts'
import { peer } from '../../peers.ts'
import { pack, type Files } from '../archive/files.ts'
import { forgeTar } from '../archive/forge.ts'
import { always, openStore, put, series } from './store.ts'

// Whole data directories, to and fro between a real Prometheus and us.

const prometheus = peer('prometheus')

describe.skipIf(prometheus.missing)(`a data directory that ${prometheus.name} wrote`, () => {
  let made: DataDir
  let files: Files
  beforeAll(async () => {
    made = await createDataDir()
    files = filesIn(made.folder)
  })

  test('has everything that a data directory can have', () => {
    const paths = Object.keys(files).join('\n')
    expect(paths).toMatch(/^wal\/checkpoint\.\d+\/0+$/m)
    expect(paths).toMatch(/^wal\/\d{8}$/m)
    expect(paths).toMatch(/^wbl\/\d{8}$/m)
    expect(paths).toMatch(/^chunks_head\/\d{6}$/m)
    expect(paths).toMatch(/^\w{26}\/tombstones$/m)
    const samples = Object.values(made.dump).flat()
    expect(samples.length).toBeGreaterThan(3000)
    expect(samples.some(sample => sample.endsWith(' stale'))).toBe(true)
    expect(samples.some(sample => sample.endsWith(']'))).toBe(true)
    expect(Object.values(made.exemplars).flat().length).toBeGreaterThan(10)
  })

  const sources: [string, () => Promise<ImportSource>][] = [
    ['a zip', () => archive('zip', under('prometheus/data', files))],
    ['a tar.gz', () => archive('tar.gz', under('data', files))],
    [
      'a tar',
      async () => {
        const bytes = forgeTar(...Object.entries(files).map(([name, body]) => ({ name, body })))
        return { kind: 'archive', name: 'data.tar', bytes }
      },
    ],
    ['a folder', async () => folder(files)],
  ]
  test.each(sources)('is taken in from %s, sample for sample', async (_, source) => {
    const { db } = await openStore(new MemoryDisk())
    const { imported, known, remarks } = await db.transfers.import(await source())
    expectSame(await dumpOf(db.querier()), made.dump)
    expect(known).toEqual([])
    expect(imported.every(({ pinned }) => pinned)).toBe(true)
    expect(remarks).toEqual([expect.stringMatching(/exemplars left out, because blocks have none: \d+$/)])
  })

  test('is opened as it is, and nothing is repaired', async () => {
    await inCopy(made.folder, async folder => {
      const { db, host, close } = await openFolder(folder)
      expect(db.notices()).toEqual([])
      expect(host.logs.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
      expectSame(await dumpOf(db.querier()), made.dump)
      expect(exemplarsOf(db.exemplars([[]], always))).toEqual(made.exemplars)
      await close()
    })
  })

  test('goes on with us, and then with it again', async () => {
    await inCopy(made.folder, async folder => {
      const { db, host, close } = await openFolder(folder)
      await addSamples(db, host.now())
      const ours = await dumpOf(db.querier())
      expect(Object.keys(ours)).toContain('added')
      await close()
      const { dump, log } = await answersFrom(folder)
      expectSame(dump, ours)
      expect(troublesIn(log)).toEqual([])
    })
  })

  test('leaves us as a data directory on which it starts', async () => {
    await inCopy(made.folder, async folder => {
      const { db, host, close } = await openFolder(folder)
      await addSamples(db, host.now())
      await expectExported(db)
      await close()
    })
  })
})

describe.skipIf(prometheus.missing)(`a data directory that we export to ${prometheus.name}`, () => {
  test('has what is in the head beside blocks that reach beyond its beginning', async () => {
    const { folder, dump } = await createDataDir()
    const now = Math.max(...Object.values(dump).flatMap(samples => samples.map(timeOf)))
    const { db } = await openStore(new MemoryDisk(), {}, new FakeHost({ now }))
    // First in the head, then as blocks that end later.
    await addSamples(db, now - 10_000)
    await db.transfers.import(await archive('tar.gz', filesIn(folder)))
    await expectExported(db)
  })

  test('may be empty but for the log', async () => {
    const now = Date.now() - 10_000
    const { db } = await openStore(new MemoryDisk(), {}, new FakeHost({ now }))
    await addSamples(db, now)
    await expectExported(db)
  })
})

/** Prometheus has every sample that we have once it is started on what we export. */
async function expectExported(db: Db): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'brazier-exported-'))
  try {
    const ours = await dumpOf(db.querier())
    const { dump, log } = await answersFrom(await unpacked(db, folder))
    expectSame(dump, ours)
    expect(troublesIn(log)).toEqual([])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Answers the data directory in a folder. */
async function unpacked(db: Db, folder: string): Promise<string> {
  const { id, fileName, type } = await db.transfers.export({ kind: 'directory', format: 'tar.gz' })
  expect(type).toBe('application/gzip')
  const pieces: Uint8Array[] = []
  for (let piece = await db.transfers.readExport(id); piece; piece = await db.transfers.readExport(id))
    pieces.push(piece)
  expect(db.transfers.jobs()).toEqual([])
  const path = join(folder, fileName)
  writeFileSync(path, Buffer.concat(pieces))
  execFileSync('tar', ['-xzf', path, '-C', folder])
  return path.replace(/\.tar\.gz$/, '')
}

async function addSamples(db: Db, from: number): Promise<void> {
  for (let i = 0; i < 50; i++) {
    const v = i === 20 ? 'stale' : Math.sin(i)
    await put(db, series('added'), [from + i * 100, v])
    await put(db, series('added', { i: String(i % 5) }), [from + i * 100 + 7, i])
  }
}

interface OpenedFolder {
  readonly db: Db
  readonly host: FakeHost
  close(): Promise<void>
}

async function openFolder(folder: string): Promise<OpenedFolder> {
  const disk = await openNodeFs(folder)
  const { db, host } = await openStore(disk, {}, new FakeHost({ now: Date.now() }))
  const close = async () => {
    await db.close()
    await disk.close()
  }
  return { db, host, close }
}

async function inCopy(folder: string, act: (copy: string) => Promise<void>): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'brazier-roundtrip-'))
  try {
    cpSync(folder, copy, { recursive: true })
    await act(copy)
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function expectSame(found: Dump, wanted: Dump): void {
  expect(dumpDifferences(found, wanted)).toEqual([])
  expect(Object.keys(found).length).toBeGreaterThan(0)
}

function timeOf(sample: string): number {
  return Number(sample.split(' ', 1)[0])
}

function filesIn(folder: string): Files {
  const paths = readdirSync(folder, { recursive: true }).map(String)
  const files = paths.filter(path => statSync(join(folder, path)).isFile())
  return Object.fromEntries(files.map(path => [path, new Uint8Array(readFileSync(join(folder, path)))]))
}

function under(name: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`${name}/${path}`, bytes]))
}

async function archive(format: ArchiveFormat, files: Files): Promise<ImportSource> {
  return { kind: 'archive', name: `data.${format}`, bytes: await pack(format, files) }
}

function folder(files: Files): ImportSource {
  const all = Object.entries(files)
  return {
    kind: 'folder',
    name: 'data',
    files: all.map(([path, bytes]) => ({ path, bytes: new Blob([new Uint8Array(bytes)]) })),
  }
}
