import { CorruptionError } from '../../bytes/corruption.ts'
import { isUlid } from './ulid.ts'

/** meta.json of a block (upstream `tsdb.BlockMeta`). */
export interface BlockMeta {
  readonly ulid: string
  /** Milliseconds; the block covers [minTime, maxTime). */
  readonly minTime: number
  readonly maxTime: number
  readonly stats: BlockStats
  readonly compaction: BlockCompaction
  readonly version: 1
}

interface BlockStats {
  readonly numSamples: number
  readonly numFloatSamples?: number
  readonly numHistogramSamples?: number
  readonly numSeries: number
  readonly numChunks: number
  readonly numTombstones?: number
}

interface BlockCompaction {
  /** 1 for a block cut from a head. */
  readonly level: number
  /** ULIDs of the blocks cut from heads that went into this one, itself if it is one. */
  readonly sources: readonly string[]
  /** Compacted to nothing: to be deleted. */
  readonly deletable?: boolean
  readonly parents?: readonly { readonly ulid: string; readonly minTime: number; readonly maxTime: number }[]
  readonly failed?: boolean
  readonly hints?: readonly string[]
}

/** A block of years has some thousand sources. */
export const maxMetaBytes = 1024 * 1024

/** Reads a meta.json. Fields that upstream does not know are left out, as other programs add some.
 *  @throws CorruptionError */
export function parseMeta(bytes: Uint8Array): BlockMeta {
  if (bytes.length > maxMetaBytes) {
    throw new CorruptionError(`want at most ${maxMetaBytes} bytes, have ${bytes.length}`, maxMetaBytes)
  }
  const text = new TextDecoder().decode(bytes)
  const top = new Fields(text, '', parseJson(text))
  const version = top.count('version')
  if (version !== 1) throw top.wrong('version', '1')
  const minTime = top.integer('minTime')
  const maxTime = top.integer('maxTime')
  if (maxTime < minTime) throw top.wrong('maxTime', `at least minTime ${minTime}`)
  return {
    ulid: top.ulid('ulid'),
    minTime,
    maxTime,
    stats: parseStats(top.fields('stats')),
    compaction: parseCompaction(top.fields('compaction')),
    version,
  }
}

function parseStats(stats: Fields): BlockStats {
  return {
    numSamples: stats.optional('numSamples') ?? 0,
    ...given('numFloatSamples', stats.optional('numFloatSamples')),
    ...given('numHistogramSamples', stats.optional('numHistogramSamples')),
    numSeries: stats.optional('numSeries') ?? 0,
    numChunks: stats.optional('numChunks') ?? 0,
    ...given('numTombstones', stats.optional('numTombstones')),
  }
}

function parseCompaction(compaction: Fields): BlockCompaction {
  const parents = compaction.list('parents', (parent, i) => {
    const fields = new Fields(compaction.text, `compaction.parents[${i}].`, parent)
    return {
      ulid: fields.ulid('ulid'),
      minTime: fields.integer('minTime'),
      maxTime: fields.integer('maxTime'),
    }
  })
  const sources = compaction.list('sources', (source, i) => compaction.asUlid(source, `sources[${i}]`))
  const hints = compaction.list('hints', (hint, i) => compaction.asText(hint, `hints[${i}]`))
  return {
    level: compaction.count('level'),
    sources: sources ?? [],
    ...given('deletable', compaction.flag('deletable')),
    ...given('parents', parents),
    ...given('failed', compaction.flag('failed')),
    ...given('hints', hints),
  }
}

/** The field when it is there: an object to be spread. */
function given<K extends string, T>(name: K, value: T | undefined): Partial<Record<K, T>> {
  const field: Partial<Record<K, T>> = {}
  if (value !== undefined) field[name] = value
  return field
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const place = Number(/position (\d+)/.exec(reason)?.[1] ?? 0)
    throw new CorruptionError(`want JSON, have ${reason}`, place, { cause })
  }
}

/** A JSON object whose fields are read by name and type. */
class Fields {
  /** The whole file, to find places in. */
  readonly text: string
  private readonly prefix: string
  private readonly values: Readonly<Record<string, unknown>>

  constructor(text: string, prefix: string, value: unknown) {
    this.text = text
    this.prefix = prefix
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const name = prefix.slice(0, -1)
      throw new CorruptionError(`want an object${name && ` for ${name}`}, have ${show(value)}`, 0)
    }
    this.values = value as Record<string, unknown>
  }

  fields(name: string): Fields {
    return new Fields(this.text, `${this.prefix}${name}.`, this.values[name])
  }

  integer(name: string): number {
    const value = this.values[name]
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      throw this.wrong(name, 'an integer within 2^53')
    return value
  }

  count(name: string): number {
    const value = this.integer(name)
    if (value < 0) throw this.wrong(name, 'an integer ≥ 0')
    return value
  }

  optional(name: string): number | undefined {
    return this.values[name] === undefined ? undefined : this.count(name)
  }

  flag(name: string): boolean | undefined {
    const value = this.values[name]
    if (value === undefined || typeof value === 'boolean') return value
    throw this.wrong(name, 'true or false')
  }

  ulid(name: string): string {
    return this.asUlid(this.values[name], name)
  }

  list<T>(name: string, parse: (value: unknown, i: number) => T): T[] | undefined {
    const value = this.values[name]
    // Go writes null for a list that was never made.
    if (value === undefined || value === null) return undefined
    if (!Array.isArray(value)) throw this.wrong(name, 'a list')
    return value.map((one: unknown, i) => parse(one, i))
  }

  asUlid(value: unknown, name: string): string {
    if (typeof value !== 'string' || !isUlid(value)) throw this.wrong(name, 'a ULID', value)
    return value
  }

  asText(value: unknown, name: string): string {
    if (typeof value !== 'string') throw this.wrong(name, 'a text', value)
    return value
  }

  wrong(name: string, wanted: string, found = this.values[name]): CorruptionError {
    const place = this.text.indexOf(`"${name.replace(/\[.*/, '')}"`)
    return new CorruptionError(
      `want ${wanted} for ${this.prefix}${name}, have ${show(found)}`,
      Math.max(0, place),
    )
  }
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** The bytes as Go's `json.MarshalIndent` with a tab writes them: fields in upstream's order, those that are zero
 *  left out, no newline at the end. */
export function formatMeta({ ulid, minTime, maxTime, stats, compaction, version }: BlockMeta): Uint8Array {
  const written = {
    ulid,
    minTime,
    maxTime,
    stats: {
      numSamples: orNothing(stats.numSamples),
      numFloatSamples: orNothing(stats.numFloatSamples),
      numHistogramSamples: orNothing(stats.numHistogramSamples),
      numSeries: orNothing(stats.numSeries),
      numChunks: orNothing(stats.numChunks),
      numTombstones: orNothing(stats.numTombstones),
    },
    compaction: {
      level: compaction.level,
      sources: listOrNothing(compaction.sources),
      deletable: orNothing(compaction.deletable),
      parents: listOrNothing(
        compaction.parents?.map(parent => ({
          ulid: parent.ulid,
          minTime: parent.minTime,
          maxTime: parent.maxTime,
        })),
      ),
      failed: orNothing(compaction.failed),
      hints: listOrNothing(compaction.hints),
    },
    version,
  }
  return new TextEncoder().encode(JSON.stringify(written, null, '\t'))
}

/** JSON.stringify leaves undefined fields out. */
function orNothing<T extends number | boolean>(value: T | undefined): T | undefined {
  return value ? value : undefined
}

function listOrNothing<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list?.length ? list : undefined
}
