import { compress, uncompress } from '../src/engine/bytes/snappy.ts'

// Prometheus's remote read (prompb/remote.proto, types.proto): the only question that it answers with stale markers. Of
// native histograms 2.42 says nothing here.

interface RemoteSeries {
  readonly labels: readonly (readonly [name: string, value: string])[]
  /** In time order. */
  readonly samples: readonly { readonly t: number; readonly v: number; readonly stale: boolean }[]
}

const largestAnswer = 2 ** 30

/** Everything that it has in [minT, maxT], in milliseconds. */
export async function remoteRead(url: string, minT: number, maxT: number): Promise<RemoteSeries[]> {
  const response = await fetch(`${url}/api/v1/read`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy' },
    body: new Uint8Array(compress(requestOf(minT, maxT))),
  })
  const body = new Uint8Array(await response.arrayBuffer())
  if (!response.ok)
    throw new Error(`remote read: ${response.status} ${new TextDecoder().decode(body.subarray(0, 500))}`)
  const results = all(uncompress(body, largestAnswer), 1).map(bytesOf)
  return results.flatMap(result => all(result, 1)).map(value => seriesOf(bytesOf(value)))
}

const regexMatcher = 2

function requestOf(minT: number, maxT: number): Buffer {
  const matcher = Buffer.concat([varintField(1, regexMatcher), textField(2, '__name__'), textField(3, '.+')])
  const query = Buffer.concat([varintField(1, minT), varintField(2, maxT), nestedField(3, matcher)])
  return nestedField(1, query)
}

function seriesOf(bytes: Uint8Array): RemoteSeries {
  return {
    labels: all(bytes, 1).map(value => {
      const pair = bytesOf(value)
      return [textOf(last(pair, 1)), textOf(last(pair, 2))]
    }),
    samples: all(bytes, 2).map(value => {
      const sample = bytesOf(value)
      return { t: integerOf(last(sample, 2)), ...doubleOf(last(sample, 1)) }
    }),
  }
}

// Protobuf: a field is its number and wire type as a varint, then a varint, eight bytes, or a length and bytes.

type Value = bigint | Uint8Array

function* fields(bytes: Uint8Array): Generator<readonly [number: number, value: Value]> {
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const take = (length: number) => bytes.subarray(at, (at += length))
  while (at < bytes.length) {
    const key = Number(varint())
    const wireType = key & 7
    if (wireType === 0) yield [key >> 3, varint()]
    else if (wireType === 1) yield [key >> 3, take(8)]
    else if (wireType === 2) yield [key >> 3, take(Number(varint()))]
    else throw new Error(`want wire type 0, 1 or 2, have ${wireType} before byte ${at}`)
  }
}

function all(bytes: Uint8Array, number: number): Value[] {
  return [...fields(bytes)].filter(([found]) => found === number).map(([, value]) => value)
}

/** Undefined stands for a zero. */
function last(bytes: Uint8Array, number: number): Value | undefined {
  return all(bytes, number).at(-1)
}

function bytesOf(value: Value | undefined): Uint8Array {
  if (value === undefined) return new Uint8Array(0)
  if (typeof value === 'bigint') throw new Error(`want bytes, have the number ${value}`)
  return value
}

function bigOf(value: Value | undefined): bigint {
  if (value === undefined) return 0n
  if (typeof value !== 'bigint') throw new Error(`want a number, have ${value.length} bytes`)
  return value
}

function textOf(value: Value | undefined): string {
  return new TextDecoder().decode(bytesOf(value))
}

function integerOf(value: Value | undefined): number {
  return Number(BigInt.asIntN(64, bigOf(value)))
}

function doubleOf(value: Value | undefined): { v: number; stale: boolean } {
  if (value === undefined) return { v: 0, stale: false }
  const bytes = bytesOf(value)
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8)
  return { v: view.getFloat64(0, true), stale: view.getBigUint64(0, true) === 0x7ff0000000000002n }
}

function varintField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)])
}

function textField(field: number, text: string): Buffer {
  return nestedField(field, Buffer.from(text))
}

function nestedField(field: number, body: Uint8Array): Buffer {
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 128)
  }
}
