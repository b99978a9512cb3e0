import { expect, test } from 'vitest'
import type { ExportTicket } from '../../../src/engine/api/service.ts'
import { readArchive, type ArchiveSource } from '../../../src/ui/blocks/archive.ts'
import { FakeClient } from '../fakeclient.ts'

const request = { kind: 'blocks', ulids: ['01A'], format: 'zip' } as const
const forever = new Promise<never>(() => undefined)
const never = new AbortController().signal

test('an archive is the pieces that the engine gives, in their order', async () => {
  const client = new FakeClient()
  client.pieces = [Uint8Array.of(1, 2), Uint8Array.of(3), Uint8Array.of(4, 5)]
  const told: number[] = []
  const { fileName, blob } = await readArchive(client, request, never, (_, bytes) => told.push(bytes))
  expect([...new Uint8Array(await blob.arrayBuffer())]).toEqual([1, 2, 3, 4, 5])
  expect([fileName, blob.type]).toEqual(['brazier.zip', 'application/zip'])
  expect(told).toEqual([0, 2, 3, 5])
  expect(client.closedExports).toEqual([])
})

test('a cancelled archive is closed at once, although a piece is under way', async () => {
  const client = new FakeClient()
  client.gate = forever
  const job = new AbortController()
  const reading = readArchive(client, request, job.signal, () => job.abort(new Error('no more')))
  await expect(reading).rejects.toThrow('no more')
  expect(client.closedExports).toEqual([1])
})

test('an archive that is opened after nobody wants it any more is closed', async () => {
  let open: (ticket: ExportTicket) => void = () => undefined
  const closed: number[] = []
  const source: ArchiveSource = {
    openExport: () => new Promise(resolve => (open = resolve)),
    readExport: () => forever,
    closeExport: async id => void closed.push(id),
  }
  const job = new AbortController()
  const reading = readArchive(source, request, job.signal, () => undefined)
  job.abort(new Error('no more'))
  await expect(reading).rejects.toThrow('no more')
  open({ id: 7, fileName: 'a.zip', type: 'application/zip' })
  await Promise.resolve()
  await Promise.resolve()
  expect(closed).toEqual([7])
})

test('an archive that breaks off is closed, and the reason is told', async () => {
  const closed: number[] = []
  const source: ArchiveSource = {
    openExport: async () => ({ id: 7, fileName: 'a.zip', type: 'application/zip' }),
    readExport: () => Promise.reject(new Error('chunks/000001 at byte 8: want 4 bytes, found 2')),
    closeExport: async id => {
      closed.push(id)
      throw new Error('there is no export 7')
    },
  }
  await expect(readArchive(source, request, never, () => undefined)).rejects.toThrow(
    'chunks/000001 at byte 8',
  )
  expect(closed).toEqual([7])
})
