import { isIPv6 } from 'node:net'
import { parseArgs } from 'node:util'
import { firstSentence } from './flags.ts'
import type { Address } from './listen.ts'

/** What the command line asks for. */
export type ServeCommand =
  | {
      readonly kind: 'serve'
      /** Folder of the data. */
      readonly data: string
      readonly address: Address
      /** Path of a prometheus.yml; null for none. */
      readonly config: string | null
    }
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'refuse'; readonly reason: string }

const defaultAddress = '127.0.0.1:9090'

const help = `Brazier's engine on a folder, without a browser: scrapes, stores in Prometheus's own formats, and answers its
HTTP API (query, query_range, series, labels, label/<name>/values under /api/v1, /metrics, /-/ready, /-/healthy).

  --data DIR          folder of the data, which Prometheus can open, too, when this program has ended
  --listen HOST:PORT  address to answer at (default ${defaultAddress}; port 0 takes a free one). There is no password:
                      an address that others reach lets them read everything
  --config FILE       prometheus.yml whose targets are scraped; without it none are
  --version           print the version and end
  --help              print this text and end`

/** Reads the arguments that follow the program's name. Nothing is thrown: a mistake is a reason to refuse. */
export function parseServeFlags(args: readonly string[], version: string): ServeCommand {
  let flags
  try {
    flags = parseArgs({
      args: [...args],
      options: {
        data: { type: 'string' },
        listen: { type: 'string', default: defaultAddress },
        config: { type: 'string' },
        version: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    return refuse(firstSentence(error))
  }
  if (flags.help) return { kind: 'print', text: help }
  if (flags.version) return { kind: 'print', text: `brazier ${version}` }
  if (!flags.data) return refuse('want --data DIR, the folder of the data')
  if (flags.config === '') return refuse('--config wants a file')
  const address = parseAddress(flags.listen)
  if (!address) return refuse(`--listen wants HOST:PORT such as ${defaultAddress}, found '${flags.listen}'`)
  return { kind: 'serve', data: flags.data, address, config: flags.config ?? null }
}

function refuse(problem: string): ServeCommand {
  return { kind: 'refuse', reason: `${problem} (--help lists the flags)` }
}

/** `HOST:PORT`, with brackets around the host when it is an IPv6 address. */
function parseAddress(text: string): Address | null {
  const [, bracketed, plain, digits = ''] = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || port > 65535 || (bracketed !== undefined && !isIPv6(bracketed))) return null
  return { host, port }
}
