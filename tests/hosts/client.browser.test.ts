import { expose } from 'comlink'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { EngineGoneError, type Connection } from '../../src/engine/api/connection.ts'
import { QueryError } from '../../src/engine/model/errors.ts'
import { Client } from '../../src/hosts/client.ts'
import { toWire } from '../../src/hosts/errors.ts'
import { namesFor, type Names } from '../../src/hosts/names.ts'
import { protocol, type Door, type Hello, type Notice, type Outcome } from '../../src/hosts/protocol.ts'
import { sharedWorkerName, type Starter, type StarterEvents } from '../../src/hosts/starters.ts'
import { wayOver } from '../../src/hosts/way.ts'

/** An engine of a few lines: it holds the lock, answers notices, and serves doors. */
class FakeEngine {
  readonly hello: Hello
  readonly calls: string[] = []
  readonly cancelled: number[] = []
  answer: (method: string) => Promise<Outcome> = async method => ({ ok: true, value: method })
  /** A hung engine hears nothing. */
  hung = false
  private readonly names: Names
  private readonly notices: BroadcastChannel
  private release: (() => void) | undefined
  private readonly joined: BroadcastChannel[] = []

  constructor(names: Names, hello: Partial<Hello> = {}) {
    this.names = names
    this.hello = {
      engineId: crypto.randomUUID(),
      build: __BUILD__,
      protocol,
      host: 'shared',
      worker: 'mine',
      since: Date.now(),
      ...hello,
    }
    this.notices = new BroadcastChannel(names.channel)
    this.notices.onmessage = ({ data }: MessageEvent<Notice>) => this.hear(data)
  }

  get door(): Door {
    return {
      hello: async () => this.hello,
      call: async (_, method) => {
        this.calls.push(method)
        return this.answer(method)
      },
      cancel: id => void this.cancelled.push(id),
    }
  }

  async start(): Promise<this> {
    await new Promise<void>(resolve => {
      const hold = () =>
        new Promise<void>(release => {
          this.release = release
          resolve()
        })
      navigator.locks.request(this.names.lock, hold).catch(() => undefined)
    })
    this.announce()
    return this
  }

  announce(): void {
    this.post({ kind: 'engine', open: true, hello: this.hello })
  }

  post(notice: Notice): void {
    this.notices.postMessage(notice)
  }

  /** Without a word. */
  die(): void {
    this.notices.close()
    for (const channel of this.joined) channel.close()
    this.release?.()
  }

  private hear(notice: Notice): void {
    if (this.hung) return
    if (notice.kind === 'who') this.announce()
    if (notice.kind !== 'join' || notice.engineId !== this.hello.engineId) return
    const channel = new BroadcastChannel(this.names.door(notice.door))
    this.joined.push(channel)
    expose(this.door, channel)
    this.post({ kind: 'joined', door: notice.door })
  }
}

/** Starts nothing by itself: a test says which engine its worker has become. */
class FakeStarter implements Starter {
  worker: string | null = 'mine'
  shares = true
  started = 0
  startedAnew = 0
  replaced = 0
  private readonly events: StarterEvents

  constructor(events: StarterEvents) {
    this.events = events
  }

  become(engine: FakeEngine): void {
    const { port1, port2 } = new MessageChannel()
    expose(engine.door, port2)
    this.events.way(wayOver(port1, () => port1.close()))
  }

  start(): void {
    this.started++
  }
  startAnew(): void {
    this.startedAnew++
  }
  async replace(): Promise<void> {
    this.replaced++
    await navigator.locks.request(names.lock, { steal: true }, () => undefined)
  }
  stop(): void {
    this.worker = null
  }
}

let names: Names
let client: Client
let starter: FakeStarter
let reloads = 0
let engines: FakeEngine[] = []
let states: string[] = []

beforeEach(async () => {
  names = namesFor(`/${crypto.randomUUID()}/`)
  reloads = 0
  states = []
  engines = []
  client = new Client({
    names,
    starter: events => (starter = new FakeStarter(events)),
    reload: async () => {
      reloads++
    },
  })
  client.watch(connection => states.push(connection.state))
})
afterEach(() => {
  vi.useRealTimers()
  client.suspend()
  for (const engine of engines) engine.die()
  sessionStorage.clear()
})

async function newEngine(hello: Partial<Hello> = {}): Promise<FakeEngine> {
  const engine = await new FakeEngine(names, hello).start()
  engines.push(engine)
  return engine
}

async function tied(hello: Partial<Hello> = {}): Promise<FakeEngine> {
  await client.resume()
  const engine = await newEngine(hello)
  starter.become(engine)
  await reached('ready')
  return engine
}

function reached(state: Connection['state']): Promise<unknown> {
  return vi.waitUntil(() => states.at(-1) === state, { timeout: 60_000 })
}

const never = () => new Promise<Outcome>(() => undefined)

test('a call that is made before there is an engine waits for it', async () => {
  const call = client.labelValues('job')
  await client.resume()
  const engine = await newEngine()
  starter.become(engine)
  expect(await call).toBe('labelValues')
  expect(states).toEqual(['waiting', 'ready'])
})

test('errors arrive with their class', async () => {
  const engine = await tied()
  engine.answer = async () => ({ ok: false, error: toWire(new QueryError('bad_data', 'no', null)) })
  await expect(client.query({ expr: '(', time: 0 })).rejects.toBeInstanceOf(QueryError)
})

test('the death of the engine ends its calls, and the next engine answers', async () => {
  const engine = await tied()
  engine.answer = never
  const call = client.targets()
  await vi.waitUntil(() => engine.calls.length > 0)
  engine.die()
  await expect(call).rejects.toBeInstanceOf(EngineGoneError)
  await reached('waiting')
  expect(starter.started).toBe(2)
  const next = client.status()
  starter.become(await newEngine())
  expect(await next).toBe('status')
})

test('while no worker asks for the lock the connection is made anew', async () => {
  await client.resume()
  await vi.waitUntil(() => starter.startedAnew > 1, { timeout: 60_000 })
  await tied()
  const before = starter.startedAnew
  await new Promise(resolve => setTimeout(resolve, 1500))
  expect(starter.startedAnew).toBe(before)
})

test('an engine that is heard under the name of the own worker, but not through it, is connected anew', async () => {
  await client.resume()
  const engine = await newEngine({ worker: 'mine' })
  const before = starter.startedAnew
  await vi.waitUntil(() => starter.startedAnew > before, { timeout: 60_000 })
  starter.become(engine)
  await reached('ready')
})

test('another engine that speaks up is the end of this one, even when its lock was missed', async () => {
  const engine = await tied({ since: 1 })
  engine.answer = never
  const call = client.targets()
  await vi.waitUntil(() => engine.calls.length > 0)
  engine.post({ kind: 'engine', open: false, hello: { ...engine.hello, engineId: 'other', since: 2 } })
  await expect(call).rejects.toBeInstanceOf(EngineGoneError)
})

test('an engine that was replaced and wakes does not take the tab back', async () => {
  const engine = await tied({ since: 2 })
  engine.post({ kind: 'engine', open: true, hello: { ...engine.hello, engineId: 'old', since: 1 } })
  expect(await client.status()).toBe('status')
  expect(states).toEqual(['waiting', 'ready'])
})

test('an engine that another tab hosts is reached over a channel', async () => {
  await client.resume()
  const engine = await newEngine({ host: 'dedicated', worker: 'of another tab' })
  await reached('ready')
  expect(await client.metrics()).toBe('metrics')
  expect(engine.calls).toEqual(['metrics'])
  engine.die()
  await reached('waiting')
})

test('a shared engine is reached over a channel by a tab whose own worker waits for the lock', async () => {
  starter.shares = false
  await client.resume()
  const started = starter.started
  const engine = await newEngine({ worker: sharedWorkerName(names) })
  await reached('ready')
  expect(await client.targets()).toBe('targets')
  expect(engine.calls).toEqual(['targets'])
  expect(starter.started).toBe(started)
})

test('an aborted call rejects with the reason and is cancelled over there', async () => {
  const engine = await tied()
  engine.answer = never
  const controller = new AbortController()
  const call = client.query({ expr: 'up', time: 0 }, controller.signal)
  await vi.waitUntil(() => engine.calls.length > 0)
  const reason = new Error('enough')
  controller.abort(reason)
  await expect(call).rejects.toBe(reason)
  await vi.waitUntil(() => engine.cancelled.length === 1)
})

test('a call that waits for an engine can be aborted, too', async () => {
  const controller = new AbortController()
  const call = client.query({ expr: 'up', time: 0 }, controller.signal)
  controller.abort(new Error('enough'))
  await expect(call).rejects.toThrow('enough')
  await expect(client.query({ expr: 'up', time: 0 }, controller.signal)).rejects.toThrow('enough')
})

test('a call does not wait for an engine for ever', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const call = client.targets()
  const rejected = expect(call).rejects.toThrow('no engine within 60 s: none has started')
  await vi.advanceTimersByTimeAsync(60_000)
  await rejected
})

test('an engine that does not answer for seven ticks is replaced; one that does is not', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const engine = await tied()
  const tick = async () => {
    vi.advanceTimersByTime(2000)
    await new Promise(resolve => setTimeout(resolve, 30))
  }
  for (let i = 0; i < 10; i++) await tick()
  expect(starter.replaced).toBe(0)
  engine.hung = true
  engine.answer = never
  const call = client.targets()
  const rejected = expect(call).rejects.toBeInstanceOf(EngineGoneError)
  for (let i = 0; i < 7; i++) await tick()
  expect(starter.replaced).toBe(0)
  await tick()
  await rejected
  await vi.waitUntil(() => starter.replaced === 1)
  expect(states.at(-1)).toBe('waiting')
})

test('a newer engine makes the tab outdated, and load anew once', async () => {
  const engine = await tied()
  engine.answer = never
  const call = client.targets()
  const rejected = expect(call).rejects.toBeInstanceOf(EngineGoneError)
  engine.post({ kind: 'retired', engineId: engine.hello.engineId, build: __BUILD__ + 1 })
  await rejected
  await reached('outdated')
  expect(reloads).toBe(1)
  await expect(client.targets()).rejects.toBeInstanceOf(EngineGoneError)

  // The same old page again: its host has nothing newer.
  const again = new Client({
    names,
    starter: events => (starter = new FakeStarter(events)),
    reload: async () => {
      reloads++
    },
  })
  await again.resume()
  engine.post({ kind: 'engine', open: true, hello: { ...engine.hello, build: __BUILD__ + 1 } })
  let state = ''
  again.watch(connection => (state = connection.state))
  await vi.waitUntil(() => state === 'outdated')
  expect(reloads).toBe(1)
})

test('an older engine is left alone: it is about to retire', async () => {
  await client.resume()
  await newEngine({ build: __BUILD__ - 1, worker: 'older' })
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(states).toEqual(['waiting'])
})

test('a page that is put away lets go of its locks, and comes back', async () => {
  const engine = await tied()
  const ours = async () => {
    const { held = [], pending = [] } = await navigator.locks.query()
    return [...held, ...pending].filter(({ name }) => name?.startsWith(names.store)).map(({ mode }) => mode)
  }
  // The engine's own, the tab's, and the death notice.
  expect((await ours()).length).toBe(3)
  client.suspend()
  await vi.waitUntil(async () => (await ours()).length === 1, { timeout: 60_000 })
  expect(states.at(-1)).toBe('waiting')
  await client.resume()
  starter.become(engine)
  await reached('ready')
  expect(await client.status()).toBe('status')
})
