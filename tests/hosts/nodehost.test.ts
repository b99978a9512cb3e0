import { statfs } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import type { Host } from '../../src/engine/model/host.ts'
import { diagnose } from '../../src/engine/scrape/diagnose.ts'
import { nodeHost } from '../../src/hosts/nodehost.ts'
import { freePort } from '../programs.ts'

const lines: string[] = []
const host = nodeHost({
  userAgent: 'Brazier/1.2.3',
  folder: tmpdir(),
  write: line => lines.push(line),
})

/** Runs a test against a server that answers with `answer`. */
async function withServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  action: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer(answer)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    await action(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`)
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}

const signal = () => new AbortController().signal

describe('time', () => {
  test('a callback comes once, not before its time, and not when it was prevented', async () => {
    const calls: string[] = []
    const start = host.monotonic()
    const prevent = host.after(1, () => calls.push('prevented'))
    prevent()
    await new Promise<void>(resolve => {
      host.after(20, () => {
        calls.push('came')
        resolve()
      })
    })
    expect(calls).toEqual(['came'])
    expect(host.monotonic() - start).toBeGreaterThan(15)
  })

  test('a delay beyond 32 bits does not fire at once', async () => {
    let fired = false
    const prevent = host.after(2 ** 40, () => (fired = true))
    await new Promise(resolve => setTimeout(resolve, 20))
    prevent()
    expect(fired).toBe(false)
  })

  test('yielding lets input and output have their turn', async () => {
    let answered = false
    await withServer(
      (_, response) => void response.end('x'),
      async url => {
        const fetched = host.fetch(url, { signal: signal() }).then(() => (answered = true))
        while (!answered) await host.yield()
        await fetched
      },
    )
    expect(answered).toBe(true)
  })
})

describe('the network', () => {
  test('targets are told who asks, and get the headers that the engine wants', async () => {
    await withServer(
      ({ headers }, response) => void response.end(`${headers['user-agent']} ${headers.accept}`),
      async url => {
        const response = await host.fetch(url, { headers: { accept: 'text/plain' }, signal: signal() })
        expect(await response.text()).toBe('Brazier/1.2.3 text/plain')
      },
    )
  })

  test('a request that is aborted rejects with the reason', async () => {
    await withServer(
      () => undefined,
      async url => {
        const abort = new AbortController()
        const reason = new Error('too late')
        const fetched = host.fetch(url, { signal: abort.signal })
        setTimeout(() => abort.abort(reason), 10)
        await expect(fetched).rejects.toBe(reason)
        await expect(host.fetch(url, { signal: abort.signal })).rejects.toBe(reason)
      },
    )
  })

  test('nothing that answers is a TypeError with its cause', async () => {
    const fetched = host.fetch(`http://127.0.0.1:${await freePort()}/metrics`, { signal: signal() })
    await expect(fetched).rejects.toBeInstanceOf(TypeError)
    await expect(fetched).rejects.toHaveProperty('cause.code', 'ECONNREFUSED')
  })
})

describe('why a target cannot be read', () => {
  const around = { host, selfMetrics: null } as unknown as Parameters<typeof diagnose>[1]
  const why = (url: string, within: Host = host) =>
    diagnose({ url, timeoutMs: 1000 } as unknown as Parameters<typeof diagnose>[0], {
      ...around,
      host: within,
    })

  test('is its status or its absence, never CORS', async () => {
    await withServer(
      (_, response) => void response.writeHead(404).end(),
      async url => {
        expect(await why(url)).toEqual({ kind: 'http', status: 404 })
      },
    )
    expect(await why(`http://127.0.0.1:${await freePort()}/`)).toEqual({ kind: 'unreachable' })
  })

  test('a target that comes up in between is not said to be hidden', async () => {
    let asked = 0
    const flaky = nodeHost({ userAgent: 'x', folder: tmpdir(), write: () => undefined })
    const failsOnce: Host = {
      ...flaky,
      fetch: (url, init) => (asked++ === 0 ? Promise.reject(new TypeError('down')) : flaky.fetch(url, init)),
    }
    await withServer(
      (_, response) => void response.end('up 1\n'),
      async url => {
        expect(await why(url, failsOnce)).toEqual({ kind: 'unreachable' })
        expect(asked).toBe(2)
      },
    )
  })
})

test('the store may use the whole file system that its folder is on', async () => {
  const { bsize, blocks } = await statfs(tmpdir())
  expect(await host.capacity()).toBe(bsize * blocks)
  expect(await host.capacity()).toBeGreaterThan(0)
  const nowhere = nodeHost({ userAgent: 'x', folder: '/nowhere/at/all', write: () => undefined })
  await expect(nowhere.capacity()).rejects.toThrow('/nowhere/at/all')
})

describe('the log', () => {
  test('is logfmt: what does not read as one word is quoted', () => {
    lines.length = 0
    host.log('warn', 'scrape failed', {
      target: 'http://a/metrics',
      error: 'a "b"\nc',
      n: 7,
      none: '',
      eq: 'a=b',
    })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(
      /^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=WARN msg="scrape failed" target=http:\/\/a\/metrics error="a \\"b\\"\\nc" n=7 none="" eq="a=b"$/,
    )
  })

  test('leaves out what is for debugging', () => {
    lines.length = 0
    host.log('debug', 'x')
    expect(lines).toEqual([])
  })
})
