import { expect, test } from 'vitest'
import type { SourceFile } from '../../../src/engine/api/service.ts'
import { droppedFiles, filesBelow, pickedFiles, sourcesOf } from '../../../src/ui/blocks/pick.ts'

const files = (...paths: string[]): SourceFile[] => paths.map(path => ({ path, bytes: new Blob([path]) }))

/** `archive a.zip`, `text a.om`, or `folder name: path path`. */
async function written(files: readonly SourceFile[]): Promise<string[]> {
  return (await sourcesOf(files)).map(source =>
    source.kind === 'folder'
      ? `folder ${source.name}: ${source.files.map(({ path }) => path).join(' ')}`
      : `${source.kind} ${source.name}`,
  )
}

test.each<[string, string[], string[]]>([
  ['an archive', ['a.zip'], ['archive a.zip']],
  [
    'each archive by itself',
    ['a.tar', 'b.TGZ', 'c.tar.gz'],
    ['archive a.tar', 'archive b.TGZ', 'archive c.tar.gz'],
  ],
  ['a folder', ['01A/meta.json', '01A/chunks/000001'], ['folder 01A: 01A/meta.json 01A/chunks/000001']],
  ['folders together', ['01A/index', '01B/index'], ['folder 01A and 1 more: 01A/index 01B/index']],
  ['an archive inside a folder as a file of it', ['data/old.zip'], ['folder data: data/old.zip']],
  ['both', ['data/index', 'a.zip'], ['archive a.zip', 'folder data: data/index']],
  [
    'loose files as those of a block',
    ['meta.json', 'index'],
    ['folder meta.json and 1 more: meta.json index'],
  ],
  [
    'text by its name',
    ['a.txt', 'b.OM', 'c.prom', 'd.openmetrics'],
    ['text a.txt', 'text b.OM', 'text c.prom', 'text d.openmetrics'],
  ],
  ['text inside a folder as a file of it', ['data/a.txt'], ['folder data: data/a.txt']],
  [
    'segments and chunks by their names',
    ['00000012', '000001'],
    ['folder 00000012 and 1 more: 00000012 000001'],
  ],
  ['nothing', [], []],
])('%s is what is taken in', async (_, paths, sources) => {
  expect(await written(files(...paths))).toEqual(sources)
})

const tar = () => Uint8Array.from(Buffer.from(`${'a'.padEnd(257, '\0')}ustar`))

test.each<[string, BlobPart, string]>([
  ['a zip', Uint8Array.of(0x50, 0x4b, 3, 4, 0), 'archive snapshot'],
  ['something gzipped', Uint8Array.of(0x1f, 0x8b, 8), 'archive snapshot'],
  ['a tar', tar(), 'archive snapshot'],
  ['OpenMetrics text', 'up 1 1700000000\n# EOF\n', 'text snapshot'],
  ['text of a metric that begins as a zip does', 'PK_total 1 1700000000\n', 'text snapshot'],
  ['bytes of another kind', Uint8Array.of(1, 0, 2), 'folder snapshot: snapshot'],
])('%s without a telling name is known by how it begins', async (_, content, source) => {
  expect(await written([{ path: 'snapshot', bytes: new Blob([content]) }])).toEqual([source])
})

test('a file without a telling name that cannot be read is named', async () => {
  const bytes = new Blob()
  bytes.slice = () => {
    throw new DOMException('gone', 'NotReadableError')
  }
  await expect(sourcesOf([{ path: 'gone', bytes }])).rejects.toThrow('gone cannot be read')
})

test('a picked file has its path when it came with a folder, otherwise its name', () => {
  const inFolder = Object.assign(new File([], 'index'), { webkitRelativePath: '01A/index' })
  const alone = Object.assign(new File([], 'a.zip'), { webkitRelativePath: '' })
  expect(pickedFiles([inFolder, alone]).map(({ path }) => path)).toEqual(['01A/index', 'a.zip'])
})

type Tree = { readonly [name: string]: Tree | string }

/** Entries as a drop has them; a folder tells two children at a time, a text is a file and `!` one that fails. */
function entry(fullPath: string, node: Tree | string): FileSystemEntry {
  const fail = (failed?: (error: DOMException) => void) => failed?.(new DOMException('gone', 'NotFoundError'))
  if (typeof node === 'string') {
    const file: FileSystemFileEntry['file'] = (found, failed) =>
      node === '!' ? fail(failed) : found(new File([node], fullPath))
    return { fullPath, isDirectory: false, file } as unknown as FileSystemEntry
  }
  const children = Object.entries(node).map(([name, child]) => entry(`${fullPath}/${name}`, child))
  const createReader = () => {
    let at = 0
    const readEntries: FileSystemDirectoryReader['readEntries'] = found =>
      found(children.slice(at, (at += 2)))
    return { readEntries }
  }
  return { fullPath, isDirectory: true, createReader } as unknown as FileSystemEntry
}

test('a dropped folder gives all files below it with their paths', async () => {
  const tree = {
    '01A': { 'meta.json': '{}', index: 'i', tombstones: 't', chunks: { '000001': 'c', '000002': 'd' } },
  }
  const found = await filesBelow([entry('/data', tree)])
  expect(found.map(({ path }) => path)).toEqual([
    'data/01A/chunks/000001',
    'data/01A/chunks/000002',
    'data/01A/index',
    'data/01A/meta.json',
    'data/01A/tombstones',
  ])
  expect(await found[1]?.bytes.text()).toBe('d')
})

test('a folder of too many files is not searched to its end', async () => {
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [String(i), 'x']))
  await expect(filesBelow([entry('/home', many)], 20)).rejects.toThrow('more than 20 files and folders')
})

test('a file that cannot be read is named', async () => {
  await expect(filesBelow([entry('/01A', { index: '!' })])).rejects.toThrow('01A/index cannot be read')
})

test('a drop without entries, as from a program, gives its files', async () => {
  const file = Object.assign(new File(['x'], 'a.zip'), { webkitRelativePath: '' })
  const items = [
    { webkitGetAsEntry: () => null, getAsFile: () => file },
    { webkitGetAsEntry: () => entry('/b.zip', 'y'), getAsFile: () => null },
    { webkitGetAsEntry: () => null, getAsFile: () => null },
  ] as unknown as DataTransferItem[]
  expect((await droppedFiles(items)).map(({ path }) => path)).toEqual(['a.zip', 'b.zip'])
})
