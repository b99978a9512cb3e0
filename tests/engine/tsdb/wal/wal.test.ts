import { describe, expect, test } from 'vitest'
import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import {
  DiskFullError,
  stagingSuffix,
  StolenError,
  type Durability,
} from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import { encodeMarkers, encodeSamples } from '../../../../src/engine/tsdb/wal/records.ts'
import { readWal } from '../../../../src/engine/tsdb/wal/replay.ts'
import { pageBytes } from '../../../../src/engine/tsdb/wal/segment.ts'
import { openWal, type Wal } from '../../../../src/engine/tsdb/wal/wal.ts'
import { FakeHost } from '../../../fakehost.ts'

/** A disk that notes every append: file, size before, bytes, durability. */
class NotingDisk extends MemoryDisk {
  readonly appends: string[] = []
  override append(path: string, at: number, bytes: Uint8Array, durability: Durability): Promise<void> {
    this.appends.push(`${path} ${at}+${bytes.length} ${durability}`)
    return super.append(path, at, bytes, durability)
  }
}

interface Opened {
  wal: Wal
  host: FakeHost
  /** Times of all samples that were replayed, in order. */
  replayed: number[]
  metrics: Registry
}

async function open(disk: MemoryDisk, segmentBytes = 2 * pageBytes): Promise<Opened> {
  const replayed: number[] = []
  const metrics = new Registry()
  const host = new FakeHost()
  const options = { disk, host, metrics, folder: 'wal', segmentBytes }
  const wal = await openWal(options, {
    series: () => undefined,
    sample: (_, t) => replayed.push(t),
    skipped: () => undefined,
  })
  return { wal, host, replayed, metrics }
}

/** A record with one sample at `t`, that does not compress. */
function record(t: number, samples = 1): Uint8Array {
  const columns = new SampleColumns()
  for (let i = 0; i < samples; i++) columns.add(t, Math.imul(i + t, 0x9e3779b1), Math.imul(i, 0x85ebca6b))
  return encodeSamples(new Float64Array(samples).fill(1), columns)
}

const value = (metrics: Registry, name: string) =>
  Number(new RegExp(`^${name}(?:{.*})? (.*)$`, 'm').exec(metrics.text())?.[1])

describe('open', () => {
  test('replays all segments in order and writes to a new one, like upstream', async () => {
    const disk = new NotingDisk()
    for (let i = 1; i <= 3; i++) {
      const { wal, replayed } = await open(disk)
      expect(replayed).toEqual(Array.from({ length: i - 1 }, (_, n) => n + 1))
      await wal.log([record(i)])
    }
    expect(await disk.list('wal')).toEqual(['00000000', '00000001', '00000002'])
  })

  test('creates nothing as long as nothing is logged', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    await wal.sync()
    expect(await disk.list('wal')).toEqual([])
    expect(wal.stats()).toEqual({ segments: 0, bytes: 0, corruptions: 0 })
  })

  test('makes the first write of a new segment strict when an older one is there', async () => {
    const disk = new NotingDisk()
    await (await open(disk)).wal.log([record(1)])
    await (await open(disk)).wal.log([record(2)])
    expect(disk.appends.map(one => one.split(' ')[2])).toEqual(['relaxed', 'strict'])
  })

  test('reads the newest checkpoint and the segments behind it', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    await wal.log([record(1)])
    const files = { '00000000': 1, '00000001': 2, '00000002': 3, '00000003': 4 }
    for (const [name, t] of Object.entries(files)) {
      if (name !== '00000000') await move(disk, t, `wal/${name}`)
    }
    await move(disk, 100, 'wal/checkpoint.00000000/00000000')
    await move(disk, 101, 'wal/checkpoint.00000001/00000000')
    await move(disk, 102, 'wal/checkpoint.00000001/00000001')
    expect((await open(disk)).replayed).toEqual([101, 102, 3, 4])
  })

  test('lets other tasks run', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk, 64 * pageBytes)
    for (let i = 0; i < 100; i++) await wal.log([record(i, 500)])
    const host = new FakeHost()
    let time = 0
    let yields = 0
    host.monotonic = () => (time += 1)
    host.yield = async () => {
      yields++
    }
    const visitor = { series: () => undefined, sample: () => undefined, skipped: () => undefined }
    const metrics = new Registry()
    await openWal({ disk, host, metrics, folder: 'wal', segmentBytes: pageBytes }, visitor)
    expect(yields).toBeGreaterThan(3)
    expect(yields).toBeLessThan(10)
  })
})

describe('log', () => {
  test('writes what arrives during a write together in the next', async () => {
    const disk = new NotingDisk()
    const { wal } = await open(disk)
    await Promise.all([1, 2, 3, 4, 5].map(t => wal.log([record(t)])))
    expect(disk.appends).toHaveLength(2)
    expect((await open(disk)).replayed).toEqual([1, 2, 3, 4, 5])
  })

  test('resolves only when the disk has written', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    let release = (): void => undefined
    disk.gate = new Promise(resolve => (release = resolve))
    let done = false
    const logging = wal.log([record(1)]).then(() => (done = true))
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(done).toBe(false)
    release()
    await logging
    expect(done).toBe(true)
  })

  test('is relaxed; the last write of a segment is strict and fills its page', async () => {
    const disk = new NotingDisk()
    const { wal } = await open(disk)
    for (let t = 1; t <= 4; t++) await wal.log([record(t, 2500)])
    const [first = '', ...rest] = disk.appends
    const length = Number(first.split('+')[1]?.split(' ')[0])
    expect(disk.appends[0]).toBe(`wal/00000000 0+${length} relaxed`)
    expect(rest.filter(one => one.endsWith('strict'))).toHaveLength(1)
    const cut = rest.find(one => one.endsWith('strict'))?.match(/ (\d+)\+(\d+)/)
    expect((Number(cut?.[1]) + Number(cut?.[2])) % pageBytes).toBe(0)
    expect(await disk.list('wal')).toEqual(['00000000', '00000001'])
    expect(new Set((await open(disk)).replayed)).toEqual(new Set([1, 2, 3, 4]))
  })

  test('keeps the records of one call in one segment', async () => {
    const disk = new NotingDisk()
    const { wal } = await open(disk)
    await wal.log([record(1, 2500)])
    await wal.log([record(2, 2500), record(3, 2500)])
    expect(disk.appends.filter(one => one.startsWith('wal/00000001'))).toHaveLength(1)
    expect(new Set((await open(disk)).replayed)).toEqual(new Set([1, 2, 3]))
  })

  test('gives a record larger than a segment one of its own', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    await wal.log([record(1)])
    await wal.log([record(2, 8000)])
    await wal.log([record(3)])
    expect(await disk.list('wal')).toEqual(['00000000', '00000001', '00000002'])
    expect(new Set((await open(disk)).replayed)).toEqual(new Set([1, 2, 3]))
  })

  test('counts what it has', async () => {
    const disk = new MemoryDisk()
    const { wal, metrics } = await open(disk)
    await wal.log([record(1, 5000)])
    const bytes = await disk.size('wal/00000000')
    expect(wal.stats()).toEqual({ segments: 1, bytes, corruptions: 0 })
    expect(value(metrics, 'prometheus_tsdb_wal_storage_size_bytes')).toBe(bytes)
    expect(value(metrics, 'prometheus_tsdb_wal_segment_current')).toBe(0)
    expect(value(metrics, 'prometheus_tsdb_wal_page_flushes_total')).toBe(1)
    expect(value(metrics, 'prometheus_tsdb_wal_completed_pages_total')).toBe(Math.floor(bytes / pageBytes))
  })
})

describe('sync', () => {
  test('is a strict write behind everything logged, and only if there is something', async () => {
    const disk = new NotingDisk()
    const { wal, metrics } = await open(disk)
    const logging = wal.log([record(1)])
    await wal.sync()
    await logging
    expect(disk.appends.at(-1)).toMatch(/strict$/)
    const writes = disk.appends.length
    await wal.sync()
    expect(disk.appends).toHaveLength(writes)
    expect(value(metrics, 'prometheus_tsdb_wal_fsync_duration_seconds_count')).toBe(1)
    await wal.log([record(2)])
    expect((await open(disk)).replayed).toEqual([1, 2])
    expect((await open(disk.crash('power'))).replayed).toEqual([1])
  })
})

describe('a write that fails', () => {
  test.each([
    ['a full disk', new DiskFullError('wal/00000000')],
    ['a stolen one', new StolenError('wal/00000000')],
    ['any other error', new Error('the cable is loose')],
  ])('with %s rejects and leaves the log as it was', async (_, error) => {
    const disk = new MemoryDisk()
    const { wal, metrics } = await open(disk)
    await wal.log([record(1)])
    const before = await disk.read('wal/00000000')
    disk.failNextAppend(error)
    await expect(wal.log([record(2)])).rejects.toBe(error)
    expect(await disk.read('wal/00000000')).toEqual(before)
    expect(value(metrics, 'prometheus_tsdb_wal_writes_failed_total')).toBe(1)
    await wal.log([record(3)])
    expect((await open(disk)).replayed).toEqual([1, 3])
  })

  test('takes only those along that went out with it', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    disk.failNextAppend(new DiskFullError('wal/00000000'))
    const results = await Promise.allSettled([1, 2, 3].map(t => wal.log([record(t)])))
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect((await open(disk)).replayed).toEqual([2, 3])
  })

  test('at the cut of a segment leaves the old one open', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    await wal.log([record(1, 4000)])
    disk.capacity = disk.used + 10
    await expect(wal.log([record(2, 4000)])).rejects.toThrow(DiskFullError)
    expect(wal.stats().segments).toBe(1)
    disk.capacity = Infinity
    await wal.log([record(3)])
    await wal.log([record(4, 4000)])
    expect(await disk.list('wal')).toEqual(['00000000', '00000001'])
    expect([...new Set((await open(disk)).replayed)]).toEqual([1, 3, 4])
  })

  test('and was written in part all the same is cut off before the next', async () => {
    class HalfDisk extends MemoryDisk {
      halve = false
      override async append(
        path: string,
        at: number,
        bytes: Uint8Array,
        durability: Durability,
      ): Promise<void> {
        if (!this.halve) return super.append(path, at, bytes, durability)
        this.halve = false
        await super.append(path, at, bytes.subarray(0, bytes.length >> 1), durability)
        throw new Error('the cable is loose')
      }
    }
    const disk = new HalfDisk()
    const { wal } = await open(disk)
    for (const [t, halve] of [
      [1, true],
      [2, false],
      [3, true],
      [4, false],
    ] as const) {
      disk.halve = halve
      await wal.log([record(t)]).catch(() => undefined)
    }
    expect((await open(disk)).replayed).toEqual([2, 4])
  })
})

describe('repair', () => {
  test('cuts a torn tail at every byte of the last record, which is no corruption', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    await wal.log([record(1)])
    const good = await disk.size('wal/00000000')
    await wal.log([record(2, 3)])
    const whole = await disk.read('wal/00000000')
    for (let length = good + 1; length < whole.length; length++) {
      const torn = new MemoryDisk()
      await torn.append('wal/00000000', 0, whole.subarray(0, length), 'strict')
      const { replayed, wal: repaired, host, metrics } = await open(torn)
      expect(replayed, `${length} bytes`).toEqual([1])
      expect(await torn.size('wal/00000000')).toBe(good)
      expect(repaired.damages).toEqual([])
      expect(value(metrics, 'prometheus_tsdb_wal_corruptions_total')).toBe(0)
      expect(host.logs.map(({ fields }) => fields['found'])).toEqual([
        expect.stringContaining(`kept its first ${good} bytes`),
      ])
      await repaired.log([record(3)])
      expect((await open(torn)).replayed).toEqual([1, 3])
      expect((await open(torn)).wal.damages).toEqual([])
    }
  })

  test('counts a segment that ends within a record as damage when others follow', async () => {
    const disk = new MemoryDisk()
    for (let t = 0; t < 3; t++) await (await open(disk)).wal.log([record(t), record(t + 10)])
    await disk.truncate('wal/00000001', (await disk.size('wal/00000001')) - 1)
    const { replayed, wal, metrics } = await open(disk)
    expect(replayed).toEqual([0, 10, 1])
    expect(await disk.list('wal')).toEqual(['00000000', '00000001'])
    expect(wal.damages).toHaveLength(1)
    expect(value(metrics, 'prometheus_tsdb_wal_corruptions_total')).toBe(1)
  })

  test('removes the segments behind the damage, and says what it did', async () => {
    const disk = new MemoryDisk()
    for (let t = 0; t < 4; t++) await (await open(disk)).wal.log([record(t), record(t + 10)])
    const bytes = await disk.read('wal/00000001')
    bytes[bytes.length - 1]! ^= 1
    await disk.truncate('wal/00000001', 0)
    await disk.append('wal/00000001', 0, bytes, 'strict')
    const { replayed, wal } = await open(disk)
    expect(replayed).toEqual([0, 10, 1])
    expect(await disk.list('wal')).toEqual(['00000000', '00000001'])
    expect(wal.damages).toHaveLength(1)
    expect(wal.damages[0]).toMatch(/^wal\/00000001: want checksum .* kept its first \d+ bytes$/)
    await wal.log([record(5)])
    expect((await open(disk)).replayed).toEqual([0, 10, 1, 5])
  })

  test('removes a segment without one good record', async () => {
    const disk = new MemoryDisk()
    await disk.append('wal/00000000', 0, Uint8Array.of(1, 2, 3), 'strict')
    const { wal } = await open(disk)
    expect(await disk.list('wal')).toEqual([])
    await wal.log([record(5)])
    expect((await open(disk)).replayed).toEqual([5])
  })

  test('cuts a record whose frame is good and whose content is not', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    await wal.log([record(1)])
    await wal.log([Uint8Array.of(2, 0, 0, 0)])
    await wal.log([record(2)])
    const second = await open(disk)
    expect(second.replayed).toEqual([1])
    expect(second.wal.damages).toHaveLength(1)
    expect((await open(disk)).wal.damages).toHaveLength(0)
  })

  test('leaves everything alone where a segment is missing, and says so', async () => {
    const disk = new MemoryDisk()
    for (let t = 0; t < 3; t++) await (await open(disk)).wal.log([record(t)])
    await disk.remove('wal/00000001')
    const { replayed, wal } = await open(disk)
    expect(replayed).toEqual([0, 2])
    expect(wal.damages).toEqual(['wal: segments before 2 are missing'])
  })

  test('passes over what is not part of a log', async () => {
    const disk = new MemoryDisk()
    await disk.write('wal/series_state.json', Uint8Array.of(1))
    await disk.write('wal/checkpoint.00000003.tmp/00000000', Uint8Array.of(1))
    expect((await open(disk)).wal.damages).toEqual([])
    // That one is upstream's, which was killed before it had finished it.
    expect(await disk.list('wal')).toEqual(['series_state.json'])
  })
})

describe('a log of out-of-order samples', () => {
  const options = (disk: MemoryDisk, metrics = new Registry()) => ({
    ...{ disk, metrics, host: new FakeHost(), folder: 'wbl', segmentBytes: pageBytes, outOfOrder: true },
  })
  async function openWbl(disk: MemoryDisk, metrics?: Registry): Promise<{ wbl: Wal; told: string[] }> {
    const told: string[] = []
    const wbl = await openWal(options(disk, metrics), {
      series: () => undefined,
      sample: (_, t) => told.push(String(t)),
      marker: (ref, chunkRef) => told.push(`${ref} up to ${chunkRef}`),
      skipped: type => told.push(`skipped ${type}`),
    })
    return { wbl, told }
  }

  test('tells samples and markers in order', async () => {
    const disk = new MemoryDisk()
    const { wbl } = await openWbl(disk)
    const chunkRef = 3 * 2 ** 32 + 8
    await wbl.log([record(3), encodeMarkers([{ ref: 1, chunkRef }])])
    await wbl.log([record(2)])
    expect((await openWbl(disk)).told).toEqual(['3', `1 up to ${chunkRef}`, '2'])
  })

  test('has metrics of its own, and those of checkpoints stay as they are', async () => {
    const disk = new MemoryDisk()
    const metrics = new Registry()
    const { wbl } = await openWbl(disk, metrics)
    const { wal } = await open(new MemoryDisk())
    await wbl.log([record(3)])
    await wbl.dropBefore(await wbl.cut())
    const text = metrics.text()
    const name = 'prometheus_tsdb_out_of_order_wbl'
    expect(value(metrics, `${name}_segment_current`)).toBe(1)
    expect(value(metrics, `${name}_truncations_total`)).toBe(1)
    expect(value(metrics, `${name}_storage_size_bytes`)).toBe(0)
    expect(text).toMatch(/^prometheus_tsdb_out_of_order_wbl_page_flushes_total 2$/m)
    expect(text).toMatch(/^prometheus_tsdb_checkpoint_creations_total 0$/m)
    expect(text).not.toMatch(/^prometheus_tsdb_wal_(segment|page|fsync|truncations|storage)/m)
    expect(wal.stats().segments).toBe(0)
  })

  test('loses the segments before a cut, and nothing that was logged since', async () => {
    const disk = new MemoryDisk()
    const { wbl } = await openWbl(disk)
    for (const t of [1, 2]) {
      await wbl.log([record(t)])
      await wbl.cut()
    }
    const [, segment] = await Promise.all([wbl.log([record(3)]), wbl.cut(), wbl.log([record(4)])])
    await wbl.dropBefore(segment)
    expect(await disk.list('wbl')).toEqual(['00000003'])
    await wbl.dropBefore(segment)
    expect((await openWbl(disk)).told).toEqual(['4'])
  })

  test('answers the segment that comes next, whatever is in the one before', async () => {
    const { wbl } = await openWbl(new MemoryDisk())
    expect(await wbl.cut()).toBe(0)
    await wbl.log([record(1)])
    expect([await wbl.cut(), await wbl.cut()]).toEqual([1, 1])
  })

  test('has no gap when the power is cut while segments are dropped', async () => {
    for (let turns = 0; turns < 60; turns++) {
      const disk = new MemoryDisk()
      const { wbl } = await openWbl(disk)
      for (let t = 1; t <= 5; t++) {
        await wbl.log([record(t)])
        await wbl.cut()
      }
      const end = wbl.dropBefore(4)
      for (let left = turns; left > 0; left--) await Promise.resolve()
      const random = [0.1, 0.9, 0.3, 0.7, 0.2, 0.8]
      const { wbl: after } = await openWbl(disk.crash('power', () => random[turns % 6]!))
      expect(after.damages).toEqual([])
      await end
    }
  })

  test('counts it when segments cannot be removed, and removes them the next time', async () => {
    class StuckDisk extends MemoryDisk {
      stuck = true
      override async remove(path: string): Promise<void> {
        if (this.stuck) throw new Error('stuck')
        return super.remove(path)
      }
    }
    const disk = new StuckDisk()
    const metrics = new Registry()
    const { wbl } = await openWbl(disk, metrics)
    await wbl.log([record(1)])
    const segment = await wbl.cut()
    await expect(wbl.dropBefore(segment)).rejects.toThrow('stuck')
    expect(value(metrics, 'prometheus_tsdb_out_of_order_wbl_truncations_failed_total')).toBe(1)
    disk.stuck = false
    await wbl.dropBefore(segment)
    expect(await disk.list('wbl')).toEqual([])
  })
})

describe('read without repair', () => {
  async function read(disk: MemoryDisk, folder: string, signal?: AbortSignal) {
    const times: number[] = []
    const host = new FakeHost()
    const visitor = {
      series: () => undefined,
      sample: (_: number, t: number) => times.push(t),
      skipped: () => undefined,
    }
    return { damages: await readWal(disk, host, folder, visitor, signal), times, host }
  }

  /** All files with their bytes. */
  async function contents(disk: MemoryDisk): Promise<Record<string, Uint8Array>> {
    const all: Record<string, Uint8Array> = {}
    for (const name of await disk.list('wal')) all[name] = await disk.read(`wal/${name}`)
    return all
  }

  test('tells a whole log', async () => {
    const disk = new MemoryDisk()
    for (let t = 0; t < 3; t++) await (await open(disk)).wal.log([record(t)])
    const { times, damages } = await read(disk, 'wal')
    expect(times).toEqual([0, 1, 2])
    expect(damages).toEqual([])
  })

  test('passes over a torn tail and leaves it', async () => {
    const disk = new MemoryDisk()
    await (await open(disk)).wal.log([record(1), record(2)])
    await disk.truncate('wal/00000000', (await disk.size('wal/00000000')) - 1)
    const before = await contents(disk)
    const { times, damages } = await read(disk, 'wal')
    expect(times).toEqual([1])
    expect(damages).toEqual([])
    expect(await contents(disk)).toEqual(before)
  })

  test('ends at a damage, tells of it, and leaves it', async () => {
    const disk = new MemoryDisk()
    for (let t = 0; t < 3; t++) await (await open(disk)).wal.log([record(t), record(t + 10)])
    await disk.truncate('wal/00000001', (await disk.size('wal/00000001')) - 1)
    const before = await contents(disk)
    const { times, damages } = await read(disk, 'wal')
    expect(times).toEqual([0, 10, 1])
    expect(damages).toEqual([
      expect.stringMatching(/^wal\/00000001: .*; read its first \d+ bytes and nothing behind it$/),
    ])
    expect(await contents(disk)).toEqual(before)
  })

  test('works in a staging folder', async () => {
    const disk = new MemoryDisk()
    await (await open(disk)).wal.log([record(1)])
    const staging = `import${stagingSuffix}/wal`
    const file = await disk.create(`${staging}/00000000`)
    await file.write(await disk.read('wal/00000000'))
    await file.close()
    expect((await read(disk, staging)).times).toEqual([1])
  })

  test('ends when it is told to', async () => {
    const disk = new MemoryDisk()
    await (await open(disk)).wal.log([record(1)])
    await expect(read(disk, 'wal', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })
})

async function move(disk: MemoryDisk, t: number, path: string): Promise<void> {
  const other = new MemoryDisk()
  await (await open(other)).wal.log([record(t)])
  await disk.append(path, 0, await other.read('wal/00000000'), 'strict')
}
