import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export interface App {
  /** URL of its metrics, without a CORS header, as most programs serve them. */
  readonly url: string
  stop(): Promise<void>
}

/** A program instrumented with prom-client, busy with made-up requests: counters, a gauge and a histogram that
 *  move all the time. */
export async function startApp(): Promise<App> {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'app_requests_total',
    help: 'Requests served.',
    labelNames: ['code', 'method'],
    registers,
  })
  const temperature = new Gauge({
    name: 'app_temperature_celsius',
    help: 'Temperature by sensor.',
    labelNames: ['sensor'],
    registers,
  })
  const latency = new Histogram({
    name: 'app_latency_seconds',
    help: 'Latency of requests.',
    buckets: [0.1, 0.5, 1, 2],
    registers,
  })
  let turn = 0
  const work = () => {
    turn++
    for (const [i, code] of ['200', '404', '500'].entries()) {
      for (const [j, method] of ['GET', 'POST', 'DELETE'].entries()) {
        requests.inc({ code, method }, (turn * (i + 2) * (j + 3)) % 7)
      }
    }
    for (const [i, sensor] of ['inside', 'outside'].entries()) {
      temperature.set({ sensor }, 20 + 7 * Math.sin(turn / 9 + i))
    }
    latency.observe(((turn * 37) % 250) / 100)
  }
  work()
  const working = setInterval(work, 100)
  const server = createServer((_, response) => {
    void registry.metrics().then(text => {
      response.writeHead(200, { 'content-type': registry.contentType }).end(text)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`,
    stop: () => {
      clearInterval(working)
      return new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}
