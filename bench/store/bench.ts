import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../frame/bundle.ts'
import { openLab, type Lab } from '../frame/chromium.ts'
import { describeMachine } from '../frame/machine.ts'
import { nodeRealm } from '../frame/node.ts'
import type { Realm } from '../frame/realm.ts'
import type { Row, Section } from '../frame/report.ts'
import { best, middle, type Pick } from '../frame/statistics.ts'
import type { StoreCases } from './cases.ts'
import { ingestRow, memoryRows, replayRows, startRows, type DiskReplays } from './rows.ts'
import { peerReplayAndCut, peerScrapes, peerStart } from './peer.ts'
import type { LogShape } from './shapes.ts'

interface Sizes {
  readonly repeats: number
  /** Which of the repeats is judged. */
  readonly pick: Pick
  /** Whether a figure that must be reached on a good machine is compared with Prometheus's instead. */
  readonly relative: boolean
  readonly log: LogShape
  readonly ingest: { readonly targets: number; readonly shards: number; readonly rounds: number }
  readonly occupyTargets: number
  /** Heaps hardly differ from one turn to the next. */
  readonly occupyRepeats: number
  /** Null: not measured. */
  readonly startBytes: number | null
}

// A chunk of 120 samples is finished within these rounds.
const rounds = 126
const whole: Sizes = {
  repeats: 7,
  pick: middle,
  relative: false,
  log: { targets: 100 },
  ingest: { targets: 100, shards: 10, rounds },
  occupyTargets: 100,
  occupyRepeats: 3,
  startBytes: 100_000_000,
}
const rough: Sizes = {
  repeats: 3,
  pick: best,
  relative: true,
  log: { targets: 20 },
  ingest: { targets: 10, shards: 10, rounds },
  occupyTargets: 20,
  occupyRepeats: 1,
  startBytes: null,
}

type Say = (text: string) => void

export const storeBench = {
  title: 'The store',
  async run({ quick, say }: { readonly quick: boolean; readonly say: Say }): Promise<Section> {
    const folder = mkdtempSync(join(tmpdir(), 'brazier-bench-'))
    try {
      return await runIn(folder, quick ? rough : whole, say)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

async function runIn(folder: string, sizes: Sizes, say: Say): Promise<Section> {
  say('building')
  const node = join(folder, 'node')
  await bundle('bench/store/worker.ts', folder, 'worker')
  await bundle('bench/store/node.ts', node, 'node')
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>bench</title>')
  const lab = await openLab(folder)
  const bench = new StoreBench(folder, join(node, 'node.js'), lab, sizes, say)
  try {
    const rows = await bench.rows()
    return { rows, notes: [describeMachine(lab.version), ...notesOf(sizes)] }
  } finally {
    await lab.stop()
  }
}

function notesOf({ repeats, ingest, log }: Sizes): string[] {
  const perTarget = ingest.shards * 100
  return [
    `Medians of ${repeats}; Prometheus and Brazier take turns. Brazier runs in a shared worker of Chromium, in one ` +
      'thread; Prometheus may use all processors.',
    `Scraping: ${ingest.targets} targets of ${perTarget} series, ${ingest.rounds} scrapes of each; every body is in ` +
      'memory, and so is the disk under the log. Prometheus scrapes one body of as many series over HTTP; its ' +
      'samples are per second of CPU, and the requests are part of it.',
    `Log: ${log.targets * 100} series, two hours at 15 s, ${log.targets * 48_000} samples, written by Brazier; both ` +
      'replay the same bytes. Prometheus reads them from the page cache, Brazier from a disk in memory.',
    'Head → block: `prometheus_tsdb_compaction_duration_seconds` here, the same measurement from the log there. ' +
      'Prometheus writes files, Brazier to a disk in memory.',
    'Every sample is read back in each turn here, and once there; a wrong one voids the row.',
  ]
}

class StoreBench {
  private readonly folder: string
  private readonly nodeScript: string
  private readonly lab: Lab
  private readonly sizes: Sizes
  private readonly say: Say

  constructor(folder: string, nodeScript: string, lab: Lab, sizes: Sizes, say: Say) {
    this.folder = folder
    this.nodeScript = nodeScript
    this.lab = lab
    this.sizes = sizes
    this.say = say
  }

  async rows(): Promise<Row[]> {
    return [
      ...(await this.ingestion()),
      ...(await this.replay()),
      ...(await this.memory()),
      ...(await this.start()),
    ]
  }

  private async ingestion(): Promise<Row[]> {
    const { repeats, ingest } = this.sizes
    const { targets, shards } = ingest
    const ours = []
    const peers = []
    for (let i = 0; i < repeats; i++) {
      this.say(`scraping, ${i + 1} of ${repeats}`)
      peers.push(await peerScrapes(targets * shards, 3))
      ours.push(await this.inWorker(worker => worker.call('ingest', targets, shards, ingest.rounds)))
    }
    return ingestRow(ours, peers, this.sizes.pick, this.sizes.relative)
  }

  private async replay(): Promise<Row[]> {
    const { repeats, log } = this.sizes
    this.say('writing a log')
    const store = join(this.folder, 'log')
    const expected = await this.inNode(node => node.call('writeLog', store, log))
    const wal = join(store, 'wal')
    const names = readdirSync(wal).filter(name => /^\d+$/.test(name))
    const worker = await this.worker()
    try {
      await worker.call('fetchLog', `${this.lab.url}log/wal/`, names)
      const ours = []
      const peers = []
      for (let i = 0; i < repeats; i++) {
        this.say(`replaying, ${i + 1} of ${repeats}`)
        peers.push(await peerReplayAndCut(wal, log, i === 0))
        ours.push(await worker.call('replayAndCut', log))
      }
      const disks = await this.replayFromDisks(worker, store)
      return replayRows({ expected, log, ours, peers, disks }, this.sizes.pick)
    } finally {
      await worker.stop()
    }
  }

  private async replayFromDisks(worker: Realm<StoreCases>, store: string): Promise<DiskReplays> {
    const { repeats, log } = this.sizes
    await worker.call('storeLog', 'replay')
    const chromium = []
    const node = []
    const realm = await nodeRealm<StoreCases>(this.nodeScript)
    try {
      for (let i = 0; i < repeats; i++) {
        this.say(`replaying from disk, ${i + 1} of ${repeats}`)
        chromium.push(await worker.call('replayFrom', 'replay', log))
        node.push(await realm.call('replayFrom', store, log))
      }
    } finally {
      await realm.stop()
    }
    return { chromium, node }
  }

  private async memory(): Promise<Row[]> {
    const { occupyTargets, occupyRepeats } = this.sizes
    const measured = []
    for (let i = 0; i < occupyRepeats; i++) {
      this.say(`memory, ${i + 1}`)
      measured.push(await this.inWorker(worker => heapPerSeries(worker, occupyTargets)))
    }
    return memoryRows(measured)
  }

  private async start(): Promise<Row[]> {
    const { startBytes, repeats } = this.sizes
    if (startBytes === null) return []
    this.say('filling two stores')
    const store = join(this.folder, 'store')
    mkdirSync(store)
    const made = await this.inNode(node => node.call('fillStore', store, startBytes))
    await this.inWorker(worker => worker.call('fillStore', 'start', startBytes))
    const expr = 'sum by (job) (rate(http_requests_total[5m]))'
    const chromium = []
    const node = []
    const peers = []
    for (let i = 0; i < repeats; i++) {
      this.say(`starting, ${i + 1} of ${repeats}`)
      peers.push(await peerStart(store, expr, made.end))
      chromium.push(await this.inWorker(worker => worker.call('startAndQuery', 'start', expr, made.end)))
      node.push(await this.inNode(realm => realm.call('startAndQuery', store, expr, made.end)))
    }
    return startRows(made, { chromium, node, peers })
  }

  private worker(): Promise<Realm<StoreCases>> {
    return this.lab.realm('worker.js')
  }

  private async inWorker<T>(act: (worker: Realm<StoreCases>) => Promise<T>): Promise<T> {
    const worker = await this.worker()
    return act(worker).finally(() => worker.stop())
  }

  private async inNode<T>(act: (node: Realm<StoreCases>) => Promise<T>): Promise<T> {
    const node = await nodeRealm<StoreCases>(this.nodeScript)
    return act(node).finally(() => node.stop())
  }
}

/** Half of a chunk of 120 samples. */
const openSamples = 60

/** Bytes a series, without and with what scrapes remember of it. */
async function heapPerSeries(worker: Realm<StoreCases>, targets: number) {
  // What is compiled or made once is there before it is measured.
  await worker.call('occupy', 1, openSamples, true)
  await worker.call('release')
  const empty = await worker.heapBytes()
  const series = targets * 1000
  const measure = async (withCaches: boolean) => {
    await worker.call('occupy', targets, openSamples, withCaches)
    const bytes = (await worker.heapBytes()) - empty
    await worker.call('release')
    return bytes / series
  }
  return { series, head: await measure(false), withCaches: await measure(true) }
}
