import { expect, test } from 'vitest'
import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { stagingSuffix } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import { logFiles, type FileSpan, type GrowingFiles } from '../../../../src/engine/tsdb/transfer/logfiles.ts'
import { encodeSamples, encodeSeries } from '../../../../src/engine/tsdb/wal/records.ts'
import { readWal } from '../../../../src/engine/tsdb/wal/replay.ts'
import { openWal, type Wal } from '../../../../src/engine/tsdb/wal/wal.ts'
import { FakeHost } from '../../../fakehost.ts'
import { utf8 } from '../../archive/files.ts'

const page = 32 * 1024

function open(disk: MemoryDisk, folder = 'wal'): Promise<Wal> {
  const options = { disk, host: new FakeHost(), metrics: new Registry(), folder, segmentBytes: page }
  return openWal(options, { series: ignore, sample: ignore, skipped: ignore })
}

function ignore(): void {
  // The log is new.
}

function samplesOf(t: number): Uint8Array {
  const columns = new SampleColumns()
  for (let i = 0; i < 300; i++) columns.add(t, i * 0x01010101, ~i)
  return encodeSamples(
    Float64Array.from({ length: 300 }, (_, i) => i + 1),
    columns,
  )
}

/** Times in a copy of the files. */
async function timesIn(
  disk: MemoryDisk,
  files: readonly FileSpan[],
): Promise<{ times: number[]; damages: readonly string[] }> {
  const copy = new MemoryDisk()
  for (const { path, size } of files) await copy.append(path, 0, await disk.read(path, 0, size), 'strict')
  const times = new Set<number>()
  const sample = (_: number, t: number) => void times.add(t)
  const damages = await readWal(copy, new FakeHost(), 'wal', { series: ignore, sample, skipped: ignore })
  return { times: [...times], damages }
}

const nothing: GrowingFiles = { cut: async () => undefined }

test('have everything that was logged before, whatever is being written', async () => {
  const disk = new MemoryDisk()
  const wal = await open(disk)
  await wal.log([encodeSeries([{ ref: 1, labels: ['__name__', 'a'] }])])
  const logged: number[] = []
  const found: Promise<FileSpan[]>[] = []
  const before: number[] = []
  const running: Promise<void>[] = []
  for (let t = 1; t <= 60; t++) {
    const mine = wal.log([samplesOf(t)]).then(() => void logged.push(t))
    if (t % 3 === 0) await mine
    else running.push(mine)
    if (t % 10 !== 0) continue
    before.push(logged.length)
    found.push(logFiles(disk, { wal, wbl: null, chunks: null }))
  }
  await Promise.all(running)
  for (const [i, files] of (await Promise.all(found)).entries()) {
    const { times, damages } = await timesIn(disk, files)
    expect(damages).toEqual([])
    expect(times).toEqual(Array.from({ length: times.length }, (_, k) => k + 1))
    expect(times.length).toBeGreaterThanOrEqual(before[i]!)
  }
  expect((await disk.list('wal')).length).toBeGreaterThan(6)
})

test('are those of the newest checkpoint, and behind it', async () => {
  const disk = new MemoryDisk()
  for (const number of [3, 4, 5, 6])
    await disk.append(`wal/0000000${number}`, 0, new Uint8Array(number), 'strict')
  for (const number of [3, 4]) {
    const to = `wal/checkpoint.0000000${number}`
    for (const segment of ['00000000', '00000001']) {
      const file = await disk.create(`${to}${stagingSuffix}/${segment}`)
      await file.write(new Uint8Array(10 * number))
      await file.close()
    }
    await disk.publish([{ from: to + stagingSuffix, to }])
  }
  await disk.write('wal/notes.txt', utf8('x'))
  expect(await logFiles(disk, { wal: nothing, wbl: null, chunks: null })).toEqual([
    { path: 'wal/checkpoint.00000004/00000000', size: 40 },
    { path: 'wal/checkpoint.00000004/00000001', size: 40 },
    { path: 'wal/00000005', size: 5 },
    { path: 'wal/00000006', size: 6 },
  ])
})

test('leave out what is begun once the folder was cut', async () => {
  const disk = new MemoryDisk()
  for (const path of ['wal/00000000', 'wbl/00000007', 'chunks_head/000001'])
    await disk.append(path, 0, new Uint8Array(5), 'strict')
  const cut = (next: string): GrowingFiles => ({
    cut: () => disk.append(next, 0, new Uint8Array(1), 'strict'),
  })
  const growing = {
    wal: cut('wal/00000001'),
    wbl: cut('wbl/00000008'),
    chunks: cut('chunks_head/000002'),
  }
  expect(await logFiles(disk, growing)).toEqual([
    { path: 'wal/00000000', size: 5 },
    { path: 'wbl/00000007', size: 5 },
    { path: 'chunks_head/000001', size: 5 },
  ])
})
