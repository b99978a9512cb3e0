import { describe, expect, test } from 'vitest'
import type { Disk, FileWriter } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import { DamagedSegmentError } from '../../../../src/engine/tsdb/wal/checkpoint.ts'
import {
  encodeExemplars,
  encodeMetadata,
  encodeSamples,
  encodeSeries,
  encodeTombstones,
} from '../../../../src/engine/tsdb/wal/records.ts'
import { pageBytes } from '../../../../src/engine/tsdb/wal/segment.ts'
import { openWal, type Wal } from '../../../../src/engine/tsdb/wal/wal.ts'
import { FakeHost } from '../../../fakehost.ts'
import { bytesOf, upstream } from './upstream.ts'

interface Opened {
  readonly wal: Wal
  readonly host: FakeHost
  /** What was replayed, one text an entry, in order: `series 1`, `sample 1 at 100`, … */
  readonly told: string[]
  metric(name: string): number
}

async function open(disk: Disk, segmentBytes = 2 * pageBytes): Promise<Opened> {
  const told: string[] = []
  const metrics = new Registry()
  const host = new FakeHost()
  const wal = await openWal(
    { disk, host, metrics, folder: 'wal', segmentBytes },
    {
      series: ref => told.push(`series ${ref}`),
      sample: (ref, t) => told.push(`sample ${ref} at ${t}`),
      tombstone: (ref, minT, maxT) => told.push(`tombstone ${ref} ${minT} to ${maxT}`),
      exemplar: (ref, t) => told.push(`exemplar ${ref} at ${t}`),
      metadata: (ref, { help }) => told.push(`metadata ${ref} ${help}`),
      histogram: (ref, { t }, i) => told.push(`histogram ${ref} at ${t[i]}`),
      skipped: type => told.push(`skipped ${type}`),
    },
  )
  const metric = (name: string) =>
    Number(new RegExp(`^prometheus_tsdb_${name} (.*)$`, 'm').exec(metrics.text())?.[1])
  return { wal, host, told, metric }
}

/** One sample of each of the series. */
function samples(t: number, refs: readonly number[] = [1, 2, 3, 4]): Uint8Array {
  const columns = new SampleColumns()
  for (const ref of refs) columns.add(t, Math.imul(t + ref, 0x9e3779b1), Math.imul(ref, 0x85ebca6b))
  return encodeSamples(Float64Array.from(refs), columns)
}

const series = (refs: readonly number[]) =>
  encodeSeries(refs.map(ref => ({ ref, labels: ['a', String(ref)] })))

const even = (ref: number) => ref % 2 === 0
const all = () => true

/** A log of seven segments, 0 to 6: in each, the samples of four series at 100 times its number. */
async function sevenSegments(disk: Disk): Promise<Opened> {
  const opened = await open(disk)
  await opened.wal.log([series([1, 2, 3, 4])])
  for (let i = 0; i < 7; i++) {
    await opened.wal.log([samples(100 * i)])
    if (i < 6) await opened.wal.cut()
  }
  return opened
}

const sampleTexts = (times: readonly number[]) =>
  times.flatMap(t => [1, 2, 3, 4].map(ref => `sample ${ref} at ${t}`))

describe('cut', () => {
  test('ends the segment, whose page it fills, and makes it last', async () => {
    const disk = new MemoryDisk()
    const { wal, metric } = await open(disk)
    await wal.log([samples(1)])
    await wal.cut()
    expect(await disk.size('wal/00000000')).toBe(pageBytes)
    expect(metric('wal_segment_current')).toBe(1)
    expect((await open(disk.crash('power'))).told).toEqual(sampleTexts([1]))
    await wal.log([samples(2)])
    expect(await disk.list('wal')).toEqual(['00000000', '00000001'])
  })

  test('keeps its place among what is logged at the same time', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    await Promise.all([wal.log([samples(1)]), wal.cut(), wal.log([samples(2)]), wal.sync(), wal.cut()])
    await wal.log([samples(3)])
    expect(await disk.list('wal')).toEqual(['00000000', '00000001', '00000002'])
    expect((await open(disk)).told).toEqual(sampleTexts([1, 2, 3]))
  })

  test('does nothing to a segment without records', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    await wal.cut()
    await wal.log([samples(1)])
    await wal.cut()
    await wal.cut()
    expect(await disk.list('wal')).toEqual(['00000000'])
  })

  test('makes a full page last, too', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    // A record that fills its page to the end: nothing is left to be padded.
    let x = 1
    const noise = Uint8Array.from(
      { length: pageBytes - 7 },
      () => (x = Math.imul(x, 1_103_515_245) + 12_345) >>> 16,
    )
    noise[0] = 200
    await wal.log([noise])
    expect(await disk.size('wal/00000000')).toBe(pageBytes)
    await wal.cut()
    expect((await open(disk.crash('power'))).told).toEqual(['skipped 200'])
  })
})

describe('truncate', () => {
  test('makes a checkpoint of the older two thirds, without the newest segment, and removes these', async () => {
    const disk = new MemoryDisk()
    const { wal, metric } = await sevenSegments(disk)
    expect(await wal.truncate(200, even)).toBe(true)
    expect(await disk.list('wal')).toEqual(['00000004', '00000005', '00000006', 'checkpoint.00000003'])
    expect((await open(disk)).told).toEqual([
      'series 2',
      'series 4',
      ...sampleTexts([200, 300, 400, 500, 600]),
    ])
    expect(wal.stats().segments).toBe(3)
    expect(wal.stats().bytes).toBe(4 * pageBytes)
    expect(wal.stats().bytes).toBe(metric('wal_storage_size_bytes'))
    const counts = {
      checkpoint_creations_total: 1,
      checkpoint_creations_failed_total: 0,
      checkpoint_deletions_failed_total: 0,
      wal_truncations_total: 1,
      wal_truncations_failed_total: 0,
      wal_truncate_duration_seconds_count: 1,
      wal_segment_current: 7,
    }
    for (const [name, count] of Object.entries(counts)) expect(metric(name), name).toBe(count)
  })

  test('again takes the checkpoint into the next one', async () => {
    const disk = new MemoryDisk()
    const { wal, metric } = await sevenSegments(disk)
    await wal.truncate(100, all)
    for (const t of [700, 800, 900]) {
      await wal.log([samples(t)])
      await wal.cut()
    }
    expect(await wal.truncate(400, even)).toBe(true)
    expect(await disk.list('wal')).toEqual(['00000008', '00000009', 'checkpoint.00000007'])
    expect((await open(disk)).told).toEqual([
      'series 2',
      'series 4',
      ...sampleTexts([400, 500, 600, 700, 800, 900]),
    ])
    expect(metric('checkpoint_deletions_total')).toBe(1)
  })

  test('goes on after the log was opened anew', async () => {
    const disk = new MemoryDisk()
    await (await sevenSegments(disk)).wal.truncate(100, all)
    for (const t of [700, 800, 900]) await (await open(disk)).wal.log([samples(t)])
    const { wal } = await open(disk)
    const { bytes } = wal.stats()
    expect(bytes).toBeGreaterThan(await disk.size('wal/checkpoint.00000003/00000000'))
    expect(await wal.truncate(900, even)).toBe(true)
    expect(await disk.list('wal')).toContain('checkpoint.00000007')
    expect((await open(disk)).told).toEqual(['series 2', 'series 4', ...sampleTexts([800, 900])])
  })

  test.each([
    [0, 0],
    [1, 1],
    [2, 2],
  ])('does nothing with %i segments', async (count, left) => {
    const disk = new MemoryDisk()
    const { wal, metric } = await open(disk)
    for (let i = 0; i < count; i++) {
      await wal.log([samples(i)])
      if (i < count - 1) await wal.cut()
    }
    expect(await wal.truncate(10, all)).toBe(false)
    expect(await disk.list('wal')).toHaveLength(left)
    expect(metric('checkpoint_creations_total')).toBe(0)
    await wal.log([samples(99)])
    expect(await disk.list('wal'), 'a new segment was begun').toHaveLength(left + 1)
  })

  test('does nothing up to a time that was reached before', async () => {
    const { wal } = await sevenSegments(new MemoryDisk())
    expect(await wal.truncate(100, all)).toBe(true)
    expect(await wal.truncate(100, all)).toBe(false)
  })

  test('leaves a checkpoint, if of nothing', async () => {
    const disk = new MemoryDisk()
    const { wal } = await sevenSegments(disk)
    await wal.truncate(10_000, () => false)
    expect(await disk.size('wal/checkpoint.00000003/00000000')).toBe(pageBytes)
    expect((await open(disk)).told).toEqual(sampleTexts([400, 500, 600]))
  })

  test('never gives a new segment a number that the checkpoint stands for', async () => {
    const disk = new MemoryDisk()
    await (await sevenSegments(disk)).wal.truncate(100, all)
    for (const name of ['00000004', '00000005', '00000006']) await disk.remove(`wal/${name}`)
    await (await open(disk)).wal.log([samples(5000)])
    expect(await disk.list('wal')).toEqual(['00000004', 'checkpoint.00000003'])
    expect((await open(disk)).told).toContain('sample 1 at 5000')
  })

  test('keeps records of every kind that reach minT, metadata last', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    const about = (ref: number, help: string) => ({
      ref,
      metadata: { type: 'gauge', unit: '', help } as const,
    })
    const records = [
      series([2, 3]),
      encodeMetadata([about(2, 'old'), about(3, 'gone')]),
      encodeTombstones([
        { ref: 2, minT: 0, maxT: 1999 },
        { ref: 2, minT: 0, maxT: 2000 },
      ]),
      encodeExemplars([
        { ref: 2, t: 1999, v: 1, labels: [] },
        { ref: 2, t: 2000, v: 1, labels: [] },
      ]),
      bytesOf(upstream.histograms),
      bytesOf(upstream.customFloatHistograms),
      bytesOf(upstream.histogramsWithStart),
      encodeMetadata([about(2, 'new')]),
    ]
    for (const record of records) await wal.log([record])
    for (let i = 0; i < 4; i++) {
      await wal.cut()
      await wal.log([samples(i)])
    }
    expect(await wal.truncate(2000, even)).toBe(true)
    const { told } = await open(disk)
    expect(told.filter(text => !text.startsWith('sample'))).toEqual([
      'series 2',
      'tombstone 2 0 to 2000',
      'exemplar 2 at 2000',
      'histogram 3 at 2000',
      'histogram 4 at 2015',
      'histogram 5 at 2000',
      'histogram 6 at 2030',
      'histogram 3 at 2000',
      'histogram 4 at 2015',
      'histogram 5 at 2000',
      'histogram 6 at 2030',
      'metadata 2 new',
    ])
  })

  test('tells what it leaves out because nobody knows what it is', async () => {
    const disk = new MemoryDisk()
    const { wal, host } = await sevenSegments(disk)
    await wal.log([Uint8Array.of(77, 1), Uint8Array.of(77, 2)])
    for (let i = 0; i < 8; i++) {
      await wal.cut()
      await wal.log([samples(1000 + i)])
    }
    await wal.truncate(0, all)
    expect(host.logs.filter(({ level }) => level === 'warn')).toEqual([
      expect.objectContaining({ fields: { type: 77, records: 2 } }),
    ])
  })

  test('spreads a large checkpoint over segments', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    const refs = Array.from({ length: 4000 }, (_, i) => i)
    for (let t = 0; t < 12; t++) {
      await wal.log([samples(t, refs)])
      await wal.cut()
    }
    await wal.truncate(0, all)
    const folder = 'wal/checkpoint.00000007'
    const names = await disk.list(folder)
    expect(names.length).toBeGreaterThan(2)
    expect(names).toEqual(names.map((_, i) => String(i).padStart(8, '0')))
    for (const name of names) expect((await disk.size(`${folder}/${name}`)) % pageBytes).toBe(0)
    expect((await open(disk)).told).toHaveLength(12 * refs.length)
  })

  test('lets others log meanwhile', async () => {
    const disk = new MemoryDisk()
    const { wal } = await sevenSegments(disk)
    const truncating = wal.truncate(0, all)
    for (let t = 700; t < 720; t++) await wal.log([samples(t)])
    expect(await truncating).toBe(true)
    const times = [0, 100, 200, 300, 400, 500, 600, ...Array.from({ length: 20 }, (_, i) => 700 + i)]
    expect((await open(disk)).told.filter(text => text.startsWith('sample'))).toEqual(sampleTexts(times))
  })

  test('stops when it is told to, and can be done later', async () => {
    const disk = new MemoryDisk()
    const { wal, metric } = await sevenSegments(disk)
    const before = (await open(disk)).told
    const abort = new AbortController()
    const truncating = wal.truncate(100, all, abort.signal)
    abort.abort(new Error('closing'))
    await expect(truncating).rejects.toThrow('closing')
    expect(metric('checkpoint_creations_failed_total')).toBe(1)
    expect((await open(disk)).told).toEqual(before)
    expect(await wal.truncate(100, all)).toBe(true)
  })
})

describe('damage', () => {
  const flip = async (disk: MemoryDisk, path: string, at: number) => {
    const bytes = await disk.read(path)
    bytes[at]! ^= 1
    await disk.truncate(path, 0)
    await disk.append(path, 0, bytes, 'strict')
  }

  /** A copy whose checkpoints can be damaged: on a disk nothing that is finished changes. */
  async function loosened(disk: MemoryDisk): Promise<MemoryDisk> {
    const copy = new MemoryDisk()
    for (const name of await disk.list('wal')) {
      const inside = await disk.list(`wal/${name}`)
      const paths = inside.length > 0 ? inside.map(file => `wal/${name}/${file}`) : [`wal/${name}`]
      for (const path of paths) await copy.append(path, 0, await disk.read(path), 'strict')
    }
    return copy
  }

  test('in a segment that is to be replaced is counted, and there is no checkpoint', async () => {
    const disk = new MemoryDisk()
    const { wal, metric } = await sevenSegments(disk)
    await flip(disk, 'wal/00000002', 20)
    const names = await disk.list('wal')
    for (const time of ['once', 'again']) {
      await expect(wal.truncate(100, all), time).rejects.toThrow(DamagedSegmentError)
      expect(await disk.list('wal')).toEqual(names)
      expect(metric('wal_corruptions_total')).toBe(1)
    }
    expect(metric('checkpoint_creations_failed_total')).toBe(2)
    expect(wal.damages).toEqual([expect.stringMatching(/^wal\/00000002: want checksum/)])
  })

  /** A checkpoint of several pages and segments, of records that are not compressed. */
  async function largeCheckpoint(): Promise<{ disk: MemoryDisk; told: string[] }> {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    const refs = Array.from({ length: 800 }, (_, i) => i)
    for (let t = 0; t < 15; t++) {
      await wal.log([samples(t, refs)])
      if (t % 3 === 2) await wal.cut()
    }
    await wal.truncate(0, all)
    return { disk: await loosened(disk), told: (await open(disk)).told }
  }

  test('in a checkpoint is named and counted, and everything else is used', async () => {
    const { disk, told } = await largeCheckpoint()
    const [folder = ''] = (await disk.list('wal')).filter(name => name.startsWith('checkpoint'))
    const path = `wal/${folder}/00000000`
    expect(await disk.list(`wal/${folder}`)).toHaveLength(2)
    await flip(disk, path, pageBytes / 2)
    const before = await disk.list('wal')
    const opened = await open(disk)
    expect(opened.metric('wal_corruptions_total')).toBe(1)
    expect(opened.wal.damages).toEqual([
      expect.stringMatching(new RegExp(`^${path}: want checksum .* went on from byte ${pageBytes}$`)),
    ])
    const whole = new Set(told)
    expect(opened.told.filter(text => !whole.has(text))).toEqual([])
    expect(opened.told.length / told.length).toBeGreaterThan(0.7)
    expect(opened.told.length).toBeLessThan(told.length)
    expect(await disk.list('wal')).toEqual(before)
  })

  test('in a checkpoint does not go into the next one, and is not counted again there', async () => {
    const { disk } = await largeCheckpoint()
    const [folder = ''] = (await disk.list('wal')).filter(name => name.startsWith('checkpoint'))
    await flip(disk, `wal/${folder}/00000000`, pageBytes / 2)
    const opened = await open(disk)
    for (let t = 100; t < 106; t++) {
      await opened.wal.log([samples(t)])
      await opened.wal.cut()
    }
    expect(await opened.wal.truncate(0, all)).toBe(true)
    expect(opened.metric('wal_corruptions_total')).toBe(1)
    const again = await open(disk)
    expect(again.wal.damages).toEqual([])
    expect(new Set(again.told)).toEqual(
      new Set([...opened.told, ...sampleTexts([100, 101, 102, 103, 104, 105])]),
    )
  })

  test('of a record in a checkpoint whose frame is good passes over that record alone', async () => {
    const disk = new MemoryDisk()
    const { wal } = await open(disk)
    await wal.log([samples(1), Uint8Array.of(2, 0, 0, 0), samples(2)])
    const bytes = await disk.read('wal/00000000')
    await disk.remove('wal/00000000')
    await disk.append('wal/checkpoint.00000000/00000000', 0, bytes, 'strict')
    const opened = await open(disk)
    expect(opened.told).toEqual(sampleTexts([1, 2]))
    expect(opened.wal.damages).toEqual([expect.stringMatching(/record from byte \d+ to \d+: want 8 bytes/)])
  })

  test('by a missing segment of a checkpoint, or behind it, is told', async () => {
    const { disk } = await largeCheckpoint()
    const [folder = ''] = (await disk.list('wal')).filter(name => name.startsWith('checkpoint'))
    await disk.remove(`wal/${folder}/00000000`)
    const [next = ''] = await disk.list('wal')
    await disk.remove(`wal/${next}`)
    expect((await open(disk)).wal.damages).toEqual([
      `wal/${folder}: segments before 1 are missing`,
      expect.stringMatching(/^wal: segments before \d+ are missing$/),
    ])
  })
})

describe('what a crash left over', () => {
  test('is removed when the log is opened, and not read', async () => {
    const disk = new MemoryDisk()
    await (await sevenSegments(disk)).wal.truncate(200, even)
    const { told } = await open(disk)
    await disk.append('wal/00000001', 0, await disk.read('wal/00000005'), 'strict')
    await disk.append('wal/checkpoint.00000001/00000000', 0, await disk.read('wal/00000005'), 'strict')
    await disk.append('wal/checkpoint.00000005.tmp/00000000', 0, Uint8Array.of(1), 'strict')
    const opened = await open(disk)
    expect(opened.told).toEqual(told)
    expect(opened.wal.damages).toEqual([])
    expect(await disk.list('wal')).toEqual(['00000004', '00000005', '00000006', 'checkpoint.00000003'])
    expect(opened.wal.stats().segments).toBe(3)
  })

  test('that cannot be removed is told and counted, and the log opens all the same', async () => {
    const disk = new MemoryDisk()
    await (await sevenSegments(disk)).wal.truncate(200, even)
    const bytes = await disk.read('wal/00000005')
    await disk.append('wal/00000001', 0, bytes, 'strict')
    await disk.append('wal/checkpoint.00000001/00000000', 0, bytes, 'strict')
    const stuck = handled(disk, (name, act) => {
      if (name === 'remove' || name === 'removeFolder') throw new Error('the cable is loose')
      return act()
    })
    const { wal, host, metric } = await open(stuck)
    expect(metric('wal_truncations_failed_total')).toBe(1)
    expect(metric('checkpoint_deletions_failed_total')).toBe(1)
    expect(host.logs).toHaveLength(2)
    await wal.log([samples(9000)])
    const { told } = await open(disk)
    expect(told).toContain('sample 4 at 9000')
    expect(told).not.toContain('sample 1 at 100')
  })
})

/** A disk whose operations pass through a hand. */
function handled(disk: MemoryDisk, hand: <T>(name: string, act: () => Promise<T>) => Promise<T>): Disk {
  const writer = (file: FileWriter): FileWriter => ({
    write: bytes => hand('write of a file', () => file.write(bytes)),
    close: () => hand('close of a file', () => file.close()),
    abort: () => file.abort(),
  })
  return {
    list: folder => disk.list(folder),
    size: path => disk.size(path),
    read: (path, from, to) => disk.read(path, from, to),
    append: (path, at, bytes, durability) => hand('append', () => disk.append(path, at, bytes, durability)),
    truncate: (path, size) => hand('truncate', () => disk.truncate(path, size)),
    write: (path, bytes) => hand('write', () => disk.write(path, bytes)),
    remove: path => hand('remove', () => disk.remove(path)),
    create: path => hand('create', async () => writer(await disk.create(path))),
    publish: moves => hand('publish', () => disk.publish(moves)),
    removeFolder: folder => hand('removeFolder', () => disk.removeFolder(folder)),
    close: () => disk.close(),
  }
}

describe('at every operation of the disk within truncate', () => {
  /** The log before: a checkpoint, and segments behind it. */
  async function before(): Promise<MemoryDisk> {
    const disk = new MemoryDisk()
    const { wal } = await sevenSegments(disk)
    await wal.truncate(100, all)
    for (const t of [700, 800, 900]) {
      await wal.log([samples(t)])
      if (t < 900) await wal.cut()
    }
    await wal.sync()
    return disk
  }

  const isKept = (text: string) => {
    const [kind, ref, , t] = text.split(' ')
    return kind === 'series' ? even(Number(ref)) : Number(t) >= 500
  }
  const kept = ['series 2', 'series 4', ...sampleTexts([500, 600, 700, 800, 900])]

  type Moment = 'before' | 'after'

  /** Truncates; before or after the n-th operation, counted from 1, something happens. Answers their names. */
  async function truncating(
    disk: MemoryDisk,
    at: (n: number) => void,
    moment: Moment = 'before',
  ): Promise<{ names: string[]; error: unknown; opened: Opened }> {
    const names: string[] = []
    let counting = false
    const opened = await open(
      handled(disk, async (name, act) => {
        if (!counting) return act()
        const n = names.push(name)
        if (moment === 'before') at(n)
        const result = await act()
        if (moment === 'after') at(n)
        return result
      }),
    )
    // Something to cut, so that the cut is among the operations.
    await opened.wal.log([samples(1000)])
    await opened.wal.sync()
    counting = true
    const error = await opened.wal.truncate(500, even).then(
      () => null,
      (error: unknown) => error,
    )
    counting = false
    return { names, error, opened }
  }

  test.each(['process', 'power'] as const)('a crash of the %s leaves the same content', async kind => {
    const { names } = await truncating(await before(), () => undefined)
    expect(new Set(names)).toEqual(
      new Set(['removeFolder', 'create', 'write of a file', 'close of a file', 'publish', 'remove']),
    )
    const seen = new Set<string>()
    for (let n = 1; n <= names.length + 1; n++) {
      // Where nothing is running, the process takes nothing away by chance.
      for (let seed = 1; seed <= (kind === 'power' ? 6 : 1); seed++) {
        const host = new FakeHost({ seed: n * 100 + seed })
        const disk = await before()
        const crashes: MemoryDisk[] = []
        const crash = () => crashes.push(disk.crash(kind, () => host.random()))
        await truncating(disk, i => {
          if (i === n) crash()
        })
        crash()
        const crashed = crashes[0] as MemoryDisk
        const { told, wal } = await open(crashed)
        const label = `before operation ${n} (${names[n - 1] ?? 'end'}), seed ${seed}`
        expect(told.filter(isKept), label).toEqual([...kept, ...sampleTexts([1000])])
        expect(wal.damages, label).toEqual([])
        const left = await crashed.list('wal')
        seen.add(left.join(' '))
        expect(
          left.filter(name => name.startsWith('checkpoint')),
          label,
        ).toHaveLength(1)
        // And it goes on.
        await wal.log([samples(2000)])
        expect((await open(crashed)).told.at(-1), label).toBe('sample 4 at 2000')
      }
    }
    expect(seen.size).toBe(2)
  })

  test('a crash of the process while one is running does so, too', async () => {
    const { names } = await truncating(await before(), () => undefined)
    for (let n = 1; n <= names.length; n++) {
      for (let seed = 1; seed <= 4; seed++) {
        const host = new FakeHost({ seed: n * 100 + seed })
        const disk = await before()
        const crashes: MemoryDisk[] = []
        await truncating(disk, i => {
          // Taken when the operation has begun, and before it is acknowledged.
          if (i === n) queueMicrotask(() => crashes.push(disk.crash('process', () => host.random())))
        })
        const { told } = await open(crashes[0] as MemoryDisk)
        expect(told.filter(isKept), `in operation ${n} (${names[n - 1]})`).toEqual([
          ...kept,
          ...sampleTexts([1000]),
        ])
      }
    }
  })

  test.each(['before', 'after'] as const)(
    'an error %s it took effect leaves everything as it was, and it can be done later',
    async moment => {
      const { names } = await truncating(await before(), () => undefined)
      for (let n = 1; n <= names.length; n++) {
        const disk = await before()
        const loose = new Error('the cable is loose')
        const throwing = (i: number) => {
          if (i === n) throw loose
        }
        const { error, opened } = await truncating(disk, throwing, moment)
        const label = `operation ${n} (${names[n - 1]})`
        // What was replaced is removed another time.
        const done = n > names.indexOf('publish') + 1
        expect(error, label).toBe(done ? null : loose)
        expect((await open(disk.crash('process'))).told.filter(isKept), label).toEqual([
          ...kept,
          ...sampleTexts([1000]),
        ])
        expect(await opened.wal.truncate(500, even), label).toBe(!done)
        await opened.wal.log([samples(2000)])
        expect((await open(disk)).told.filter(isKept), label).toEqual([...kept, ...sampleTexts([1000, 2000])])
      }
    },
  )
})
