// Archives as no honest program writes them.
import { crc32 } from '../../../src/engine/archive/crc32.ts'
import { utf8 } from './files.ts'

interface ForgedTarEntry {
  readonly name: string
  readonly body?: Uint8Array
  readonly size?: number
  readonly type?: string
  readonly link?: string
}

/** A ustar archive; sizes and types are what the entry says. */
export function forgeTar(...entries: ForgedTarEntry[]): Blob {
  return new Blob([...entries.flatMap(tarEntry), new Uint8Array(1024)])
}

export function tarEntry(entry: ForgedTarEntry): Uint8Array<ArrayBuffer>[] {
  const { name, body = new Uint8Array(0), size = body.length, type = '0', link = '' } = entry
  const header = new Uint8Array(512)
  header.set(utf8(name), 0)
  header.set(utf8('0000644'), 100)
  header.set(utf8(size.toString(8).padStart(11, '0')), 124)
  header.set(utf8('00000000000'), 136)
  header.set(utf8(type), 156)
  header.set(utf8(link), 157)
  header.set(utf8('ustar\u000000'), 257)
  header.fill(0x20, 148, 156)
  const sum = header.reduce((sum, byte) => sum + byte, 0)
  header.set(utf8(sum.toString(8).padStart(6, '0') + '\0 '), 148)
  return [header, new Uint8Array(body), new Uint8Array(-body.length & 511)]
}

/** A pax header that gives the next entry these records. */
export function paxEntry(records: Readonly<Record<string, string>>): ForgedTarEntry {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`
    const length = (digits: number) => utf8(rest).length + digits
    return `${length(String(length(2)).length)}${rest}`
  })
  return { name: 'PaxHeader', type: 'x', body: utf8(lines.join('')) }
}

interface ForgedZipEntry {
  readonly name: string
  readonly body?: Uint8Array
  readonly method?: number
  readonly flags?: number
  readonly crc?: number
  readonly size?: number
  readonly packed?: number
  readonly at?: number
  /** Of its local header. */
  readonly localName?: string
  /** Unix mode. */
  readonly mode?: number
  /** In the directory. */
  readonly extra?: Uint8Array
}

interface ForgedZipEnd {
  readonly count?: number
  readonly size?: number
  readonly from?: number
  readonly disk?: number
}

/** A zip archive; sizes, checksums and places are what the entries and the end say. */
export function forgeZip(entries: readonly ForgedZipEntry[], end: ForgedZipEnd = {}): Blob {
  const parts: Uint8Array<ArrayBuffer>[] = []
  const directory: Uint8Array<ArrayBuffer>[] = []
  let at = 0
  for (const entry of entries) {
    const { name, body = utf8('x'), method = 0, flags = 0, crc = crc32(body) } = entry
    const { size = body.length, packed = body.length, extra = new Uint8Array(0), mode } = entry
    const localName = utf8(entry.localName ?? name)
    const common = [u16(flags), u16(method), u32(0), u32(crc), u32(packed), u32(size)]
    const local = [u32(0x04034b50), u16(20), ...common, u16(localName.length), u16(0), localName, body]
    const madeBy = mode === undefined ? 20 : 20 | (3 << 8)
    const lengths = [u16(utf8(name).length), u16(extra.length), u16(0), u16(0), u16(0)]
    const place = [u32(((mode ?? 0) << 16) >>> 0), u32(entry.at ?? at), utf8(name), extra]
    directory.push(joined([u32(0x02014b50), u16(madeBy), u16(20), ...common, ...lengths, ...place]))
    parts.push(joined(local))
    at += joined(local).length
  }
  const records = joined(directory)
  const { count = entries.length, size = records.length, from = at, disk = 0 } = end
  const last = [u16(disk), u16(disk), u16(count), u16(count), u32(size), u32(from), u16(0)]
  return new Blob([...parts, records, joined([u32(0x06054b50), ...last])])
}

export function u16(n: number): Uint8Array {
  return Uint8Array.of(n, n >>> 8)
}

export function u32(n: number): Uint8Array {
  return Uint8Array.of(n, n >>> 8, n >>> 16, n >>> 24)
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts))
}
