import { parseArgs } from 'node:util'

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'serve'; readonly port: number }
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'refuse'; readonly reason: string }

const defaultPort = 9099

const help = `Brazier: Prometheus in a browser tab.

Serves the page at http://localhost:PORT, to this machine only.

  --port PORT   TCP port of the page (default ${defaultPort}; 0 takes a free one)
  --version     print the version and end
  --help        print this text and end`

/** Reads the arguments that follow the program's name. Nothing is thrown: a mistake is a reason to refuse. */
export function parseFlags(args: readonly string[], version: string): Command {
  let flags
  try {
    flags = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string', default: String(defaultPort) },
        version: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    return { kind: 'refuse', reason: `${firstSentence(error)} (--help lists the flags)` }
  }
  if (flags.help) return { kind: 'print', text: help }
  if (flags.version) return { kind: 'print', text: `brazier ${version}` }
  if (!/^\d{1,5}$/.test(flags.port) || Number(flags.port) > 65535)
    return { kind: 'refuse', reason: `--port wants a number from 0 to 65535, found '${flags.port}'` }
  return { kind: 'serve', port: Number(flags.port) }
}

/** What is wrong with the arguments: Node explains itself over several sentences; the first one says it. */
export function firstSentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split(/\.?(?:\s*\n|\. )/)[0] ?? text
}
