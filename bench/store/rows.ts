import type { Judged, Row } from '../frame/report.ts'
import { median, spread, type Pick } from '../frame/statistics.ts'
import type { StoreCases } from './cases.ts'
import type { peerReplayAndCut, peerScrapes, peerStart } from './peer.ts'
import type { LogShape } from './shapes.ts'

// From what was measured to lines of the table; answers are compared on the way.

type Answer<Name extends keyof StoreCases> = Awaited<ReturnType<StoreCases[Name]>>
type Peer<F extends (...args: never[]) => unknown> = Awaited<ReturnType<F>>

const millions = (perSecond: number) => `${(perSecond / 1e6).toFixed(2)} M/s`
const milliseconds = (seconds: number) => `${(seconds * 1000).toFixed(0)} ms`
const ratio = (value: number) => `${value.toFixed(2)}×`
const bytes = (value: number) => `${value.toFixed(0)} B`

/** @param relative judges by Prometheus's rate: on any machine, but roughly, since ours is by the clock and its is by CPU */
export function ingestRow(
  ours: readonly Answer<'ingest'>[],
  peers: readonly Peer<typeof peerScrapes>[],
  pick: Pick,
  relative: boolean,
): Row[] {
  const wrong = ours.find(({ expected, found }) => expected !== found)
  const fault = wrong ? `want ${wrong.expected}, have ${wrong.found}` : null
  const rates = ours.map(({ steadySamples, steadySeconds }) => steadySamples / steadySeconds)
  const firsts = ours.map(({ perRound, firstSeconds }) => perRound / firstSeconds)
  const perCpu = peers.map(({ samples, cpuSeconds }) => samples / cpuSeconds)
  const scrapes = peers.flatMap(({ seconds }) => seconds)
  const rate = pick(rates, 'more')
  const judged: Judged = relative
    ? { value: rate / pick(perCpu, 'more'), better: 'more', must: 1, aim: 10, show: ratio }
    : { value: rate, better: 'more', must: 2e6, aim: 4.5e6, show: millions }
  const [one] = ours
  const size = one
    ? `, ${one.bytesPerLine.toFixed(0)} B a line → ${one.logBytesPerSample.toFixed(1)} B in the log`
    : ''
  return [
    {
      what: `scraped bytes → head + WAL${size}`,
      ours: spread(rates, millions),
      peer: `${spread(perCpu, millions)} of CPU; a scrape ${spread(scrapes, milliseconds)}`,
      judged,
      fault,
    },
    { what: 'the same, first scrape', ours: spread(firsts, millions), peer: '', judged: null, fault },
  ]
}

export interface DiskReplays {
  readonly chromium: readonly Answer<'replayFrom'>[]
  readonly node: readonly Answer<'replayFrom'>[]
}

interface Replays {
  readonly expected: string
  readonly log: LogShape
  readonly ours: readonly Answer<'replayAndCut'>[]
  readonly peers: readonly Peer<typeof peerReplayAndCut>[]
  readonly disks: DiskReplays
}

export function replayRows({ expected, log, ours, peers, disks }: Replays, pick: Pick): Row[] {
  const samples = log.targets * 48_000
  const fault = firstFault([
    ...ours.map(({ replayed }) => ['replayed', replayed, expected] as const),
    ...ours.map(({ series, wantedSeries }) => ['series', series, wantedSeries] as const),
    ...peers.map(({ found }) => ['replayed by Prometheus', found ?? expected, expected] as const),
  ])
  const cutFault = firstFault([
    ...ours.map(({ cut }) => ['after the cut', cut, expected] as const),
    ...ours.map(({ blocks }) => ['samples of the block', blocks[0]?.samples, samples] as const),
    ...peers.map(peer => ["samples of Prometheus's block", peer.samples, samples] as const),
  ])
  const replays = ours.map(({ replaySeconds }) => replaySeconds)
  const peerReplays = peers.map(({ replaySeconds }) => replaySeconds)
  const cuts = ours.map(({ cutSeconds }) => cutSeconds)
  const peerCuts = peers.map(({ cutSeconds }) => cutSeconds)
  const upkeep = ours.map(({ upkeepSeconds }) => upkeepSeconds)
  return [
    compared('WAL replay, bytes in memory', replays, peerReplays, pick, fault),
    diskRow('WAL replay, from IndexedDB', disks.chromium, expected),
    diskRow('WAL replay, Node, from files', disks.node, expected),
    compared('head → block', cuts, peerCuts, pick, cutFault),
    {
      what: 'head → block, with head and WAL truncated',
      ...{ ours: spread(upkeep, milliseconds), peer: '', judged: null, fault: cutFault },
    },
  ]
}

function compared(
  what: string,
  ours: readonly number[],
  peer: readonly number[],
  pick: Pick,
  fault: string | null,
): Row {
  const value = pick(ours, 'less') / pick(peer, 'less')
  const judged: Judged = { value, better: 'less', must: 1, aim: 0.6, show: ratio }
  return { what, ours: spread(ours, milliseconds), peer: spread(peer, milliseconds), judged, fault }
}

function diskRow(what: string, all: readonly Answer<'replayFrom'>[], expected: string): Row {
  const fault = firstFault(all.map(({ replayed }) => ['replayed', replayed, expected] as const))
  const seconds = all.map(({ replaySeconds }) => replaySeconds)
  return { what, ours: spread(seconds, milliseconds), peer: '', judged: null, fault }
}

interface Heap {
  readonly series: number
  readonly head: number
  readonly withCaches: number
}

export function memoryRows(measured: readonly Heap[]): Row[] {
  const heads = measured.map(({ head }) => head)
  const all = measured.map(({ withCaches }) => withCaches)
  const judged: Judged = { value: median(all), better: 'less', must: 1200, aim: 600, show: bytes }
  return [
    {
      what: `heap per active series, ${measured[0]?.series} of 10 labels, scrape cache included`,
      ...{ ours: spread(all, bytes), peer: '', judged, fault: null },
    },
    {
      what: 'the same, head alone',
      ...{ ours: spread(heads, bytes), peer: '', judged: null, fault: null },
    },
  ]
}

interface Starts {
  readonly chromium: readonly Answer<'startAndQuery'>[]
  readonly node: readonly Answer<'startAndQuery'>[]
  readonly peers: readonly Peer<typeof peerStart>[]
}

export function startRows(made: Answer<'fillStore'>, { chromium, node, peers }: Starts): Row[] {
  const [want] = peers
  const fault = firstFault([
    ...[...chromium, ...node].map(({ rows }) => ['rows', rows, want?.rows] as const),
    ...[...chromium, ...node].map(({ points }) => ['points', points, want?.points] as const),
    ...[...chromium, ...node].map(
      ({ sum }) => ['sum', sum.toPrecision(9), want?.sum.toPrecision(9)] as const,
    ),
  ])
  const size = `${made.blocksCount} blocks, ${megabytes(made.blocks)}, and ${megabytes(made.log)} of WAL`
  const peer = spread(
    peers.map(({ seconds }) => seconds),
    milliseconds,
  )
  return [
    startRow(`start to first answer, Chromium, ${size}`, chromium, peer, fault),
    startRow('the same, Node', node, '', fault),
  ]
}

function startRow(what: string, all: Starts['chromium'], peer: string, fault: string | null): Row {
  const part = (pick: (one: Starts['chromium'][number]) => number) => milliseconds(median(all.map(pick)))
  const seconds = all.map(one => one.seconds)
  const parts = [
    `disk ${part(one => one.diskSeconds)}`,
    `engine ${part(one => one.engineSeconds)}`,
    `query ${part(one => one.querySeconds)}`,
  ]
  return { what, ours: `${spread(seconds, milliseconds)}: ${parts.join(', ')}`, peer, judged: null, fault }
}

function megabytes(n: number): string {
  return `${(n / 1e6).toFixed(0)} MB`
}

function firstFault(
  all: readonly (readonly [
    what: string,
    have: string | number | undefined,
    want: string | number | undefined,
  ])[],
): string | null {
  const wrong = all.find(([, have, want]) => have !== want)
  return wrong ? `${wrong[0]}: want ${wrong[2]}, have ${wrong[1]}` : null
}
