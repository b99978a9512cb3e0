// From what the user picked or dropped to what the engine takes in.
import type { ImportSource, SourceFile } from '../../engine/api/service.ts'
import { texts } from '../texts.ts'

/** Files and folders that are looked at, at most: the folder of blocks may have been mistaken for another. A
 *  Prometheus that keeps a year has some hundreds of files. */
const entriesAtMost = 20_000

const archive = /\.(?:zip|tar|tar\.gz|tgz)$/i
const text = /\.(?:txt|om|prom|openmetrics)$/i

/** What the file picker offers. */
export const pickedSuffixes = '.zip,.tar,.tar.gz,.tgz,.txt,.om,.prom,.openmetrics'

/** Files of a block or a log as they are called when somebody chooses them without their folder. */
const part = /^(?:meta\.json|index|tombstones|\d{6,8})$/

/** Each archive and each text is a source of its own; everything else together is one, so that the files of a block
 *  folder stay together however they were chosen. Only archives and texts on top count: one in a folder is a file
 *  like any other. */
export async function sourcesOf(files: readonly SourceFile[]): Promise<ImportSource[]> {
  const kinds = await Promise.all(files.map(kindOf))
  const loose = files.filter((_, i) => kinds[i] === 'folder')
  const single = files.flatMap(({ path, bytes }, i): ImportSource[] => {
    const kind = kinds[i] ?? 'folder'
    return kind === 'folder' ? [] : [{ kind, name: path, bytes }]
  })
  return [
    ...single,
    ...(loose.length > 0 ? [{ kind: 'folder', name: nameOf(loose), files: loose } as const] : []),
  ]
}

/** By its place, its name, or else its first bytes. */
async function kindOf({ path, bytes }: SourceFile): Promise<ImportSource['kind']> {
  if (path.includes('/') || part.test(path)) return 'folder'
  if (archive.test(path)) return 'archive'
  if (text.test(path)) return 'text'
  try {
    return kindOfBytes(new Uint8Array(await bytes.slice(0, beginning).arrayBuffer()))
  } catch (error) {
    throw new Error(texts.blocks.unreadable(path), { cause: error })
  }
}

/** As far as a tar goes before it says that it is one. */
const beginning = 512

/** No text has a zero byte, and most of what has none is one. */
function kindOfBytes(bytes: Uint8Array): ImportSource['kind'] {
  const has = (at: number, ...magic: readonly number[]) => magic.every((byte, i) => bytes[at + i] === byte)
  const [zip, gzip, ustar] = [has(0, 0x50, 0x4b), has(0, 0x1f, 0x8b), has(257, 0x75, 0x73, 0x74, 0x61, 0x72)]
  if ((zip && bytes.includes(0)) || gzip || ustar) return 'archive'
  return bytes.includes(0) ? 'folder' : 'text'
}

/** The folder's name, as long as it is one folder. */
function nameOf(files: readonly SourceFile[]): string {
  const tops = new Set(files.map(({ path }) => path.split('/', 1)[0] ?? ''))
  const [first = ''] = tops
  return tops.size === 1 ? first : texts.blocks.andMore(first, tops.size - 1)
}

/** The files of an `<input type="file">`, with their paths if it was one for folders. */
export function pickedFiles(list: Iterable<File>): SourceFile[] {
  return Array.from(list, file => ({ path: file.webkitRelativePath || file.name, bytes: file }))
}

/** The files of a drop, and those of its folders with everything below. To be called while the drop is being
 *  handled: afterwards its items are empty. */
export async function droppedFiles(items: Iterable<DataTransferItem>): Promise<SourceFile[]> {
  const entries: FileSystemEntry[] = []
  const bare: File[] = []
  for (const item of items) {
    const entry = item.webkitGetAsEntry()
    const file = entry ? null : item.getAsFile()
    if (entry) entries.push(entry)
    if (file) bare.push(file)
  }
  return [...pickedFiles(bare), ...(await filesBelow(entries))]
}

/** All files at and below the entries, by path. Throws when there are more than `atMost` entries. */
export async function filesBelow(
  entries: readonly FileSystemEntry[],
  atMost = entriesAtMost,
): Promise<SourceFile[]> {
  const open = [...entries]
  const files: SourceFile[] = []
  let seen = 0
  for (let entry = open.pop(); entry; entry = open.pop()) {
    if (++seen > atMost) throw new Error(texts.blocks.tooMany(atMost))
    if (isFolder(entry)) open.push(...(await childrenOf(entry, atMost)))
    else files.push({ path: pathOf(entry), bytes: await fileOf(entry as FileSystemFileEntry) })
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory
}

function pathOf({ fullPath }: FileSystemEntry): string {
  return fullPath.replace(/^\//, '')
}

async function childrenOf(folder: FileSystemDirectoryEntry, atMost: number): Promise<FileSystemEntry[]> {
  const reader = folder.createReader()
  const children: FileSystemEntry[] = []
  // Chromium tells a hundred at a time.
  while (children.length <= atMost) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, () => reject(unreadable(folder)))
    })
    if (some.length === 0) break
    children.push(...some)
  }
  return children
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, () => reject(unreadable(entry))))
}

function unreadable(entry: FileSystemEntry): Error {
  return new Error(texts.blocks.unreadable(pathOf(entry)))
}
