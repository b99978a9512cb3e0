import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | undefined

export interface Address {
  /** A name or an IP address, without brackets. */
  readonly host: string
  readonly port: number
}

export interface Listening {
  readonly port: number
  /** Stops accepting, lets running answers end for a second, then closes what is still open. */
  close(): Promise<void>
}

/** The port belongs to another program. */
export class PortInUseError extends Error {
  override readonly name = 'PortInUseError'
  constructor(port: number) {
    super(`port ${port} is in use`)
  }
}

/** Listens on both loopback addresses, since `localhost` may mean either; on 127.0.0.1 alone where the machine has
 *  no IPv6. Port 0 takes a free one. */
export async function listen(handler: Handler, port: number): Promise<Listening> {
  const v4 = await bind(handler, port, '127.0.0.1')
  const bound = (v4.address() as AddressInfo).port
  try {
    const v6 = await bind(handler, bound, '::1').catch(unlessNoIPv6)
    const servers = v6 ? [v4, v6] : [v4]
    return {
      port: bound,
      close: async () => {
        await Promise.all(servers.map(end))
      },
    }
  } catch (error) {
    await end(v4)
    // The free port of one address was taken on the other: another one is as good.
    if (port === 0 && error instanceof PortInUseError) return listen(handler, 0)
    throw error
  }
}

/** Listens on one address, a name or an IP address. Port 0 takes a free one. */
export async function listenAt(handler: Handler, { host, port }: Address): Promise<Listening> {
  const server = await bind(handler, port, host)
  return { port: (server.address() as AddressInfo).port, close: () => end(server) }
}

function bind(handler: Handler, port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((request, response) => void handler(request, response))
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new PortInUseError(port) : error)
    })
    server.listen(port, host, () => resolve(server))
  })
}

function unlessNoIPv6(error: NodeJS.ErrnoException): null {
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') return null
  throw error
}

function end(server: Server): Promise<void> {
  return new Promise(resolve => {
    const impatience = setTimeout(() => server.closeAllConnections(), 1000)
    server.close(() => {
      clearTimeout(impatience)
      resolve()
    })
    server.closeIdleConnections()
  })
}
