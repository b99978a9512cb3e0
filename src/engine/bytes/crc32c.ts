// CRC-32C (Castagnoli), the checksum of all of Prometheus's formats, eight bytes a turn ("slicing by 8"): a byte's
// share in the remainder depends on how far it is from the end, so there is a table for each distance 0 … 7.

const polynomial = 0x82f63b78

/** The tables behind each other. Distance 7 is the first byte of eight: the further away the end, the higher the table. */
const tables = makeTables()

/** CRC-32C of the bytes as an unsigned 32-bit number.
 *  @param before the checksum of the bytes in front of them, when they come in parts */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  let i = 0
  if (bytes.length >= 64) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (const end = bytes.length - 7; i < end; i += 8) {
      // The remainder so far goes into the first four of the eight bytes.
      const a = crc ^ view.getInt32(i, true)
      const b = view.getInt32(i + 4, true)
      crc =
        entry(0x700 | (a & 0xff)) ^
        entry(0x600 | ((a >>> 8) & 0xff)) ^
        entry(0x500 | ((a >>> 16) & 0xff)) ^
        entry(0x400 | (a >>> 24)) ^
        entry(0x300 | (b & 0xff)) ^
        entry(0x200 | ((b >>> 8) & 0xff)) ^
        entry(0x100 | ((b >>> 16) & 0xff)) ^
        entry(b >>> 24)
    }
  }
  for (; i < bytes.length; i++) crc = entry((crc ^ (bytes[i] as number)) & 0xff) ^ (crc >>> 8)
  return ~crc >>> 0
}

function entry(i: number): number {
  return tables[i] as number
}

function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) made[byte] = remainder(byte)
  for (let i = 256; i < made.length; i++) {
    const nearer = made[i - 256] as number
    made[i] = (made[nearer & 0xff] as number) ^ (nearer >>> 8)
  }
  return made
}

function remainder(byte: number): number {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
  return crc
}
