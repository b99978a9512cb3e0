import { afterEach, expect, test, vi } from 'vitest'
import { openDestination } from '../../../src/ui/blocks/destination.ts'

const mib = 2 ** 20
const ticket = { id: 1, fileName: 'engine.zip', type: 'application/zip' }

afterEach(() => vi.unstubAllGlobals())

/** Stands in for the dialogue, which no test can answer: the file is one that belongs to the page. */
async function pickable(name: string): Promise<{ asked: string[]; text: () => Promise<string> }> {
  const folder = await navigator.storage.getDirectory()
  const file = await folder.getFileHandle(name, { create: true })
  const asked: string[] = []
  vi.stubGlobal('showSaveFilePicker', async ({ suggestedName }: { suggestedName: string }) => {
    asked.push(suggestedName)
    return file
  })
  return { asked, text: async () => (await file.getFile()).text() }
}

test('a large archive goes to the file that the user names, and is there when it is complete', async () => {
  const { asked, text } = await pickable('mine.zip')
  const destination = await openDestination(300 * mib, 'brazier-blocks.zip')
  expect(asked).toEqual(['brazier-blocks.zip'])
  await destination.write(new TextEncoder().encode('one, '))
  await destination.write(new TextEncoder().encode('two'))
  expect(await text()).toBe('')
  expect(await destination.close(ticket)).toBe('mine.zip')
  expect(await text()).toBe('one, two')
})

test('one that is given up leaves the file as it was', async () => {
  const { text } = await pickable('other.zip')
  const destination = await openDestination(300 * mib, 'brazier-blocks.zip')
  await destination.write(new TextEncoder().encode('one'))
  await destination.abort()
  expect(await text()).toBe('')
  await destination.abort()
})

test('a small one is a download, and so is every one where no file can be named', async () => {
  const { asked } = await pickable('none.zip')
  await openDestination(mib, 'brazier-blocks.zip')
  vi.stubGlobal('showSaveFilePicker', undefined)
  await openDestination(300 * mib, 'brazier-blocks.zip')
  expect(asked).toEqual([])
})
