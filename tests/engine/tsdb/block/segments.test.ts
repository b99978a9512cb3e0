import { describe, expect, test } from 'vitest'
import { stagingSuffix } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { SegmentWriter } from '../../../../src/engine/tsdb/block/segmentwriter.ts'
import { BlockFile } from '../../../../src/engine/tsdb/block/file.ts'
import { Segments } from '../../../../src/engine/tsdb/block/segments.ts'
import { shelfOf } from './blockdisk.ts'

/** Writes series of chunks with these sizes; a segment has 100 bytes. */
async function written(...series: readonly (readonly number[])[]) {
  const disk = new MemoryDisk()
  const staging = `x${stagingSuffix}`
  const writer = new SegmentWriter(disk, `${staging}/chunks`, 100)
  const refs: number[] = []
  let next = 0
  for (const sizes of series) {
    const chunks = sizes.map(size => ({ encoding: 1, bytes: new Uint8Array(size).fill(++next) }))
    refs.push(...(await writer.add(chunks)))
  }
  await writer.close()
  const shelf = shelfOf(disk)
  const names = await disk.list(`${staging}/chunks`)
  const files = await Promise.all(
    names.map(async (name, i) => {
      const path = `${staging}/chunks/${name}`
      return [i, new BlockFile(shelf, path, await disk.size(path))] as const
    }),
  )
  return { refs, names, segments: new Segments(`${staging}/chunks`, new Map(files)) }
}

const place = (ref: number) => `${Math.floor(ref / 2 ** 32)}:${ref % 2 ** 32}`

describe('segments', () => {
  test.each([
    ['one after the other', [[10], [10]], '0:8 0:24'],
    // 8 + 82 + 10 is a full segment: upstream counts five bytes for a length that takes one.
    ['until the segment is full', [[82, 1]], '0:8 1:8'],
    ['which counts longer lengths than are written', [[36, 36, 1]], '0:8 0:50 1:8'],
    ['from the real end when another series begins', [[30], [30], [4]], '0:8 0:44 0:80'],
    ['alone when larger than a segment', [[10, 500, 10]], '0:8 1:8 2:8'],
    ['alone as the first', [[500], [10]], '0:8 1:8'],
  ])('have chunks %s', async (_, series, expected) => {
    const { refs, names, segments } = await written(...series)
    expect(refs.map(place).join(' ')).toBe(expected)
    expect(names).toEqual(names.map((_, i) => String(i + 1).padStart(6, '0')))

    const sizes = series.flat()
    const found: string[] = []
    await segments.read(refs, (i, { encoding, data }) => {
      found.push(`${encoding} ${data.length} ${data[0]!}`)
      expect(new Set(data).size).toBe(1)
      return i < refs.length
    })
    expect(found).toEqual(sizes.map((size, i) => `1 ${size} ${i + 1}`))
  })

  test('are read until enough was seen', async () => {
    const { refs, segments } = await written([10, 10], [10, 10, 10, 10, 10])
    const seen: number[] = []
    await segments.read(refs, i => {
      seen.push(i)
      return i < 4
    })
    expect(seen).toEqual([0, 1, 2, 3, 4])
  })

  test('give what lies in front of a reference to nowhere', async () => {
    const { refs, segments } = await written([10, 10])
    for (const far of [60, 10_000, 300_000, 2 ** 32 - 1]) {
      const seen: number[] = []
      const reading = segments.read([...refs, far], i => seen.push(i) > 0)
      await expect(reading).rejects.toThrow(`want a record before byte 40, have none at byte ${far}`)
      expect(seen).toEqual([0, 1])
    }
  })

  test.each([
    [
      'a segment that is not there',
      7 * 2 ** 32 + 8,
      '/chunks/000008: want a chunk segment, have no such file',
    ],
    ['behind the end', 5000, '/chunks/000001: want a record before byte 24, have none at byte 5000'],
    ['the header', 3, '/chunks/000001: want a chunk behind the header, have a reference into it at byte 3'],
    ['the middle of a chunk', 10, '/chunks/000001: want checksum'],
  ])('tell a reference to %s', async (_, ref, message) => {
    const { segments } = await written([10])
    await expect(segments.read([ref], () => true)).rejects.toThrow(message)
  })
})
