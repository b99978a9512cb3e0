import { parseArgs, type ParseArgsConfig } from 'node:util'
import { firstSentence } from './flags.ts'

/** Milliseconds since the epoch; both ends belong to it. */
interface Times {
  readonly minT: number
  readonly maxT: number
}

type ExportFormat = 'zip' | 'tar.gz'

/** What the command line asks to do with the store in the folder `dir`. */
export type TsdbTask =
  | { readonly kind: 'list'; readonly dir: string }
  | { readonly kind: 'dump'; readonly dir: string; readonly match: readonly string[]; readonly times: Times }
  | { readonly kind: 'backfill'; readonly dir: string; readonly file: string }
  | { readonly kind: 'import'; readonly dir: string; readonly source: string }
  | { readonly kind: 'export'; readonly dir: string; readonly file: string; readonly format: ExportFormat }
  | { readonly kind: 'snapshot'; readonly dir: string; readonly skipHead: boolean }
  | {
      readonly kind: 'delete'
      readonly dir: string
      readonly match: readonly string[]
      readonly times: Times
    }
  | { readonly kind: 'clean'; readonly dir: string }
  | { readonly kind: 'compact'; readonly dir: string }

export type TsdbCommand =
  | { readonly kind: 'run'; readonly task: TsdbTask }
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'refuse'; readonly reason: string }

// Times that the store keeps.
const earliest = -(2 ** 52) + 1
const latest = 2 ** 52 - 1

const help = `Works on the store in the folder DIR, which is a data directory of Prometheus, too. No other program may have it open.

  tsdb list DIR                     list the blocks
  tsdb dump DIR                     print samples as OpenMetrics text, which backfill reads
       --match SELECTOR               only series that match; may be given several times
       --min-time T, --max-time T     only samples from T on, up to T
  tsdb backfill FILE DIR            make blocks of OpenMetrics text in which every sample has a timestamp; FILE may be -
  tsdb import SOURCE DIR            take in an archive (.zip, .tar, .tar.gz) or folder of blocks, or a data directory
  tsdb export DIR FILE              write the store into FILE, a .tar.gz or .zip, as a data directory
  tsdb snapshot DIR                 put a copy of the blocks and of the head into DIR/snapshots
       --skip-head                    of the blocks alone
  tsdb delete DIR --match SELECTOR  delete samples of series that match; SELECTOR is as in PromQL, such as '{job="a"}'
       --min-time T, --max-time T     only from T on, up to T
  tsdb clean DIR                    rewrite the blocks of which something was deleted
  tsdb compact DIR                  make blocks of what is old in the head, and merge blocks; nothing goes for its age

  T is in milliseconds since the epoch, or a date such as 2026-11-24T10:00:00Z.
  --version                         print the version and end
  --help                            print this text and end

It ends with 0, with 1 when it could not be done, with 2 when the arguments are wrong.`

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const
const flags = {
  match: { type: 'string', multiple: true },
  'min-time': text,
  'max-time': text,
  'skip-head': flag,
  version: flag,
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsConfig['options']

type Flags = {
  readonly match?: readonly string[]
  readonly 'min-time'?: string
  readonly 'max-time'?: string
  readonly 'skip-head'?: boolean
}

interface Form {
  /** What stands behind the command. */
  readonly places: readonly ('DIR' | 'FILE' | 'SOURCE')[]
  readonly flags: readonly (keyof Flags)[]
  make(places: readonly string[], flags: Flags): TsdbTask
}

const forms: Readonly<Record<TsdbTask['kind'], Form>> = {
  list: { places: ['DIR'], flags: [], make: ([dir = '']) => ({ kind: 'list', dir }) },
  dump: {
    places: ['DIR'],
    flags: ['match', 'min-time', 'max-time'],
    make: ([dir = ''], given) => ({ kind: 'dump', dir, match: given.match ?? [], times: timesOf(given) }),
  },
  backfill: {
    places: ['FILE', 'DIR'],
    flags: [],
    make: ([file = '', dir = '']) => ({ kind: 'backfill', file, dir }),
  },
  import: {
    places: ['SOURCE', 'DIR'],
    flags: [],
    make: ([source = '', dir = '']) => ({ kind: 'import', source, dir }),
  },
  export: {
    places: ['DIR', 'FILE'],
    flags: [],
    make: ([dir = '', file = '']) => ({ kind: 'export', dir, file, format: formatOf(file) }),
  },
  snapshot: {
    places: ['DIR'],
    flags: ['skip-head'],
    make: ([dir = ''], given) => ({ kind: 'snapshot', dir, skipHead: given['skip-head'] === true }),
  },
  delete: {
    places: ['DIR'],
    flags: ['match', 'min-time', 'max-time'],
    make: ([dir = ''], given) => ({ kind: 'delete', dir, match: someOf(given.match), times: timesOf(given) }),
  },
  clean: { places: ['DIR'], flags: [], make: ([dir = '']) => ({ kind: 'clean', dir }) },
  compact: { places: ['DIR'], flags: [], make: ([dir = '']) => ({ kind: 'compact', dir }) },
}

/** A mistake in the arguments. */
class Mistake extends Error {}

/** Reads the arguments that follow the program's name. Nothing is thrown: a mistake is a reason to refuse. */
export function parseTsdbFlags(args: readonly string[], version: string): TsdbCommand {
  try {
    const { values, positionals } = parsed(args)
    const { version: wantsVersion, help: wantsHelp, ...given } = values
    if (wantsHelp) return { kind: 'print', text: help }
    if (wantsVersion) return { kind: 'print', text: `brazier ${version}` }
    return { kind: 'run', task: taskOf(positionals, given) }
  } catch (error) {
    if (!(error instanceof Mistake)) throw error
    return { kind: 'refuse', reason: `${error.message} (--help lists the commands)` }
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: true })
  } catch (error) {
    throw new Mistake(firstSentence(error), { cause: error })
  }
}

function taskOf([command = '', ...places]: readonly string[], given: Flags): TsdbTask {
  const names = Object.keys(forms) as TsdbTask['kind'][]
  const kind = names.find(name => name === command)
  if (!kind) {
    throw new Mistake(
      `want a command, one of ${names.join(', ')}, found ${command === '' ? 'none' : `'${command}'`}`,
    )
  }
  const form = forms[kind]
  if (places.length !== form.places.length || places.includes('')) {
    const found = places.length === 0 ? 'nothing' : places.map(place => `'${place}'`).join(' ')
    throw new Mistake(`want ${form.places.join(' ')} behind ${kind}, found ${found}`)
  }
  const foreign = (Object.keys(given) as (keyof Flags)[]).find(name => !form.flags.includes(name))
  if (foreign) throw new Mistake(`${kind} has no flag --${foreign}`)
  return form.make(places, given)
}

function someOf(match: readonly string[] = []): readonly string[] {
  if (match.length > 0) return match
  throw new Mistake('want --match SELECTOR, of the series to delete from, such as --match \'up{job="a"}\'')
}

function formatOf(file: string): ExportFormat {
  if (/\.zip$/i.test(file)) return 'zip'
  if (/\.(tar\.gz|tgz)$/i.test(file)) return 'tar.gz'
  throw new Mistake(`want a FILE that ends in .tar.gz or .zip, found '${file}'`)
}

function timesOf(given: Flags): Times {
  const times = { minT: timeOf(given, 'min-time', earliest), maxT: timeOf(given, 'max-time', latest) }
  if (times.minT <= times.maxT) return times
  throw new Mistake('want --min-time not to be after --max-time')
}

function timeOf(given: Flags, name: 'min-time' | 'max-time', otherwise: number): number {
  const value = given[name]
  if (value === undefined) return otherwise
  const t = /^-?\d+$/.test(value) ? Number(value) : /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : NaN
  if (t >= earliest && t <= latest) return t
  throw new Mistake(
    `--${name} wants milliseconds since the epoch, or a date such as 2026-11-24T10:00:00Z, found '${value}'`,
  )
}
