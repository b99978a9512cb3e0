import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resetHint, type Histogram } from '../src/engine/model/histogram.ts'

// A target that speaks Prometheus's protobuf exposition, the only one that has native histograms
// (io.prometheus.client.MetricFamily, each with its length in front).

export interface NativeFamily {
  readonly name: string
  readonly metrics: readonly NativeMetric[]
}

/** A sample: a histogram, or a number as an untyped metric. Those of a family are all of one kind; the first histogram
 *  has buckets, or a zero threshold, as that is how Prometheus tells native histograms. */
interface NativeMetric {
  readonly labels: Readonly<Record<string, string>>
  /** Milliseconds; without it the sample gets the time of the scrape. Prometheus takes samples of one series one after
   *  the other out of one body, as long as they are not older than half a chunk range. */
  readonly t?: number
  readonly value: number | Histogram
}

export interface NativeExporter {
  /** host:port, as a target is written. */
  readonly address: string
  /** Bodies that were asked for so far. */
  scrapes(): number
  stop(): Promise<void>
}

/** Starts a target on a free port of 127.0.0.1.
 *  @param bodyOf the families of the nth scrape, from 0 on */
export async function startNativeExporter(
  bodyOf: (scrape: number) => readonly NativeFamily[],
): Promise<NativeExporter> {
  let scrapes = 0
  const server = createServer((_, response) => {
    const body = Buffer.concat(bodyOf(scrapes++).map(family => delimited(familyOf(family))))
    response.setHeader('Content-Type', contentType).end(body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const stop = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    scrapes: () => scrapes,
    stop,
  }
}

const contentType =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited'

// MetricType of the protocol.
const untyped = 3
const histogram = 4
const gaugeHistogram = 5

function familyOf({ name, metrics }: NativeFamily): Buffer {
  const first = metrics[0]?.value ?? 0
  const gauge = typeof first !== 'number' && first.hint === resetHint.gauge
  const type = typeof first === 'number' ? untyped : gauge ? gaugeHistogram : histogram
  return message([
    text(1, name),
    text(2, `What ${name} says.`),
    integer(3, type),
    ...metrics.map(metric => nested(4, metricOf(metric))),
  ])
}

function metricOf({ labels, t, value }: NativeMetric): Buffer {
  const pairs = Object.entries(labels).map(([name, of]) => nested(1, message([text(1, name), text(2, of)])))
  const sample = typeof value === 'number' ? nested(5, double(1, value)) : nested(7, histogramOf(value))
  return message([...pairs, sample, t === undefined ? nothing : integer(6, t)])
}

function histogramOf(h: Histogram): Buffer {
  const { layout } = h
  return message([
    // Only a count tells Prometheus that it is a float histogram; beside a stale marker nothing else is looked at.
    h.float ? double(4, h.stale ? 1 : h.count) : integer(1, h.count),
    h.stale ? Buffer.concat([key(2, fixed64), staleSum]) : double(2, h.sum),
    signed(5, layout.schema),
    double(6, layout.zeroThreshold),
    h.float ? double(8, h.zeroCount) : integer(7, h.zeroCount),
    ...spansOf(9, layout.negativeSpans),
    h.float ? doubles(11, h.negative) : deltas(10, h.negative),
    ...spansOf(12, layout.positiveSpans),
    h.float ? doubles(14, h.positive) : deltas(13, h.positive),
  ])
}

/** Upstream's `value.StaleNaN`, little-endian: as a number it might lose its payload. */
const staleSum = Buffer.from('020000000000f07f', 'hex')

function spansOf(field: number, spans: Int32Array): Buffer[] {
  return Array.from({ length: spans.length / 2 }, (_, i) =>
    nested(field, message([signed(1, spans[2 * i]!), integer(2, spans[2 * i + 1]!)])),
  )
}

function deltas(field: number, counts: Float64Array): Buffer {
  const each = Array.from(counts, (count, i) => varint(zigzag(count - (counts[i - 1] ?? 0))))
  return each.length === 0 ? nothing : nested(field, Buffer.concat(each))
}

function doubles(field: number, counts: Float64Array): Buffer {
  const each = Array.from(counts, littleEndian)
  return each.length === 0 ? nothing : nested(field, Buffer.concat(each))
}

// Wire types of protobuf.
const varints = 0
const fixed64 = 1
const lengthFirst = 2

const nothing = Buffer.alloc(0)

function message(fields: readonly Buffer[]): Buffer {
  return Buffer.concat(fields)
}

function text(field: number, value: string): Buffer {
  return nested(field, Buffer.from(value))
}

function nested(field: number, body: Buffer): Buffer {
  return Buffer.concat([key(field, lengthFirst), delimited(body)])
}

function delimited(body: Buffer): Buffer {
  return Buffer.concat([varint(body.length), body])
}

function integer(field: number, value: number): Buffer {
  return Buffer.concat([key(field, varints), varint(value)])
}

function signed(field: number, value: number): Buffer {
  return integer(field, zigzag(value))
}

function double(field: number, value: number): Buffer {
  return Buffer.concat([key(field, fixed64), littleEndian(value)])
}

function key(field: number, wireType: number): Buffer {
  return varint(field * 8 + wireType)
}

function littleEndian(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 128)
  }
}
