// CRC-32C (Castagnoli), the checksum of all of Prometheus's formats, eight bytes a turn ("slicing by 8"): a byte's
// share in the remainder depends on how far it is from the end, so there is a table for each distance 0 … 7.

const polynomial = 0x82f63b78

const tables = makeTables()
// Distance 7 is the first byte of eight: the further away the end, the higher the table.
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables

/** CRC-32C of the bytes as an unsigned 32-bit number.
 *  @param before the checksum of the bytes in front of them, when they come in parts */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  let i = 0
  for (const end = bytes.length - 7; i < end; i += 8) {
    // The remainder so far goes into the first four of the eight bytes.
    crc ^= at(bytes, i) | (at(bytes, i + 1) << 8) | (at(bytes, i + 2) << 16) | (at(bytes, i + 3) << 24)
    crc =
      at(t7, crc & 0xff) ^
      at(t6, (crc >>> 8) & 0xff) ^
      at(t5, (crc >>> 16) & 0xff) ^
      at(t4, crc >>> 24) ^
      at(t3, at(bytes, i + 4)) ^
      at(t2, at(bytes, i + 5)) ^
      at(t1, at(bytes, i + 6)) ^
      at(t0, at(bytes, i + 7))
  }
  for (; i < bytes.length; i++) crc = at(t0, (crc ^ at(bytes, i)) & 0xff) ^ (crc >>> 8)
  return ~crc >>> 0
}

/** An element that is known to be there; costs nothing once compiled. */
function at(array: Uint8Array | Int32Array, i: number): number {
  return array[i] as number
}

type Tables = [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array]

function makeTables(): Tables {
  const first = Int32Array.from({ length: 256 }, (_, byte) => remainder(byte))
  const made: Int32Array[] = [first]
  for (let distance = 1; distance < 8; distance++) {
    const nearer = made[distance - 1] as Int32Array
    made.push(nearer.map(crc => at(first, crc & 0xff) ^ (crc >>> 8)))
  }
  return made as Tables
}

function remainder(byte: number): number {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
  return crc
}
