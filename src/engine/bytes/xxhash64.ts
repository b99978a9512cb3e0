// XXH64 with seed 0 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). BigInts wrapped at once are as fast as words.

const prime1 = 0x9e3779b185ebca87n
const prime2 = 0xc2b2ae3d27d4eb4fn
const prime3 = 0x165667b19e3779f9n
const prime4 = 0x85ebca77c2b2ae63n
const prime5 = 0x27d4eb2f165667c5n

/** The 64-bit hash of some bytes. */
export function xxhash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const striped = bytes.length - (bytes.length % 32)
  let hash = add(striped > 0 ? hashStripes(view, striped) : prime5, BigInt(bytes.length))
  let at = striped
  for (; at + 8 <= bytes.length; at += 8) {
    hash ^= round(0n, view.getBigUint64(at, true))
    hash = add(multiply(rotate(hash, 27n), prime1), prime4)
  }
  for (; at + 4 <= bytes.length; at += 4) {
    hash ^= multiply(BigInt(view.getUint32(at, true)), prime1)
    hash = add(multiply(rotate(hash, 23n), prime2), prime3)
  }
  for (; at < bytes.length; at++) {
    hash ^= multiply(BigInt(view.getUint8(at)), prime5)
    hash = multiply(rotate(hash, 11n), prime1)
  }
  return avalanche(hash)
}

/** Four lanes, 32 bytes a time. */
function hashStripes(view: DataView, end: number): bigint {
  let a = add(prime1, prime2)
  let b = prime2
  let c = 0n
  let d = BigInt.asUintN(64, -prime1)
  for (let at = 0; at < end; at += 32) {
    a = round(a, view.getBigUint64(at, true))
    b = round(b, view.getBigUint64(at + 8, true))
    c = round(c, view.getBigUint64(at + 16, true))
    d = round(d, view.getBigUint64(at + 24, true))
  }
  const hash = add(add(rotate(a, 1n), rotate(b, 7n)), add(rotate(c, 12n), rotate(d, 18n)))
  return [a, b, c, d].reduce((merged, lane) => add(multiply(merged ^ round(0n, lane), prime1), prime4), hash)
}

function round(lane: bigint, input: bigint): bigint {
  return multiply(rotate(add(lane, multiply(input, prime2)), 31n), prime1)
}

function avalanche(hash: bigint): bigint {
  const first = multiply(hash ^ (hash >> 33n), prime2)
  const second = multiply(first ^ (first >> 29n), prime3)
  return second ^ (second >> 32n)
}

function add(a: bigint, b: bigint): bigint {
  return BigInt.asUintN(64, a + b)
}

function multiply(a: bigint, b: bigint): bigint {
  return BigInt.asUintN(64, a * b)
}

function rotate(a: bigint, by: bigint): bigint {
  return BigInt.asUintN(64, a << by) | (a >> (64n - by))
}
