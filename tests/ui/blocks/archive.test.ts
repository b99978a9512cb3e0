import { expect, test } from 'vitest'
import type { ExportTicket } from '../../../src/engine/api/service.ts'
import { saveArchive, type ArchiveSource } from '../../../src/ui/blocks/archive.ts'
import type { Destination } from '../../../src/ui/blocks/destination.ts'
import { FakeClient } from '../fakeclient.ts'

const request = { kind: 'blocks', ulids: ['01A'], format: 'zip' } as const
const forever = new Promise<never>(() => undefined)
const never = new AbortController().signal

test('an archive is the pieces that the engine gives, in their order', async () => {
  const client = new FakeClient()
  client.pieces = [Uint8Array.of(1, 2), Uint8Array.of(3), Uint8Array.of(4, 5)]
  const told: number[] = []
  const kept = new Kept()
  const saved = await saveArchive(client, request, kept, never, (_, bytes) => told.push(bytes))
  expect(kept.bytes).toEqual([1, 2, 3, 4, 5])
  expect(kept.state).toBe('closed')
  expect(saved).toEqual({ fileName: 'brazier.zip', bytes: 5 })
  expect(told).toEqual([0, 2, 3, 5])
  expect(client.closedExports).toEqual([])
})

test('a cancelled archive is closed at once, although a piece is under way', async () => {
  const client = new FakeClient()
  client.gate = forever
  const job = new AbortController()
  const kept = new Kept()
  const saving = saveArchive(client, request, kept, job.signal, () => job.abort(new Error('no more')))
  await expect(saving).rejects.toThrow('no more')
  expect(kept.state).toBe('aborted')
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
  const saving = saveArchive(source, request, new Kept(), job.signal, () => undefined)
  job.abort(new Error('no more'))
  await expect(saving).rejects.toThrow('no more')
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
  const kept = new Kept()
  const saving = saveArchive(source, request, kept, never, () => undefined)
  await expect(saving).rejects.toThrow('chunks/000001 at byte 8')
  expect(closed).toEqual([7])
  expect(kept.state).toBe('aborted')
})

test('an archive for which there is no room is closed, and the reason is told', async () => {
  const client = new FakeClient()
  client.pieces = [Uint8Array.of(1, 2)]
  const kept = new Kept()
  kept.write = () => Promise.reject(new Error('the disk is full'))
  await expect(saveArchive(client, request, kept, never, () => undefined)).rejects.toThrow('the disk is full')
  expect(client.closedExports).toEqual([1])
  expect(kept.state).toBe('aborted')
})

class Kept implements Destination {
  readonly bytes: number[] = []
  state = 'open'

  async write(piece: Uint8Array): Promise<void> {
    this.bytes.push(...piece)
  }

  async close({ fileName }: ExportTicket): Promise<string> {
    this.state = 'closed'
    return fileName
  }

  async abort(): Promise<void> {
    this.state = 'aborted'
  }
}
