import { describe, expect, test } from 'vitest'
import { CorruptionError } from '../../../../src/engine/bytes/corruption.ts'
import { formatMeta, parseMeta } from '../../../../src/engine/tsdb/block/meta.ts'
import { isUlid, newUlid } from '../../../../src/engine/tsdb/block/ulid.ts'

const ulid = '01HF8ZQ8Z0000000000000000A'
const other = '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'

/** As Go's encoder wrote it, line by line. */
const full = `{
	"ulid": "${ulid}",
	"minTime": -5,
	"maxTime": 1700007200000,
	"stats": {
		"numSamples": 96000,
		"numFloatSamples": 95000,
		"numHistogramSamples": 1000,
		"numSeries": 200,
		"numChunks": 800,
		"numTombstones": 3
	},
	"compaction": {
		"level": 2,
		"sources": [
			"${ulid}",
			"${other}"
		],
		"deletable": true,
		"parents": [
			{
				"ulid": "${other}",
				"minTime": 0,
				"maxTime": 7
			}
		],
		"failed": true,
		"hints": [
			"from-out-of-order"
		]
	},
	"version": 1
}`

const least = `{
	"ulid": "${ulid}",
	"minTime": 0,
	"maxTime": 0,
	"stats": {},
	"compaction": {
		"level": 1
	},
	"version": 1
}`

const bytesOf = (text: string) => new TextEncoder().encode(text)

test.each([
  ['with every field', full],
  ['with none that may be left out', least],
])('a meta.json %s is written as it was read', (_, text) => {
  expect(new TextDecoder().decode(formatMeta(parseMeta(bytesOf(text))))).toBe(text)
})

test('fields that are zero are left out, and those of other programs dropped', () => {
  const text = least.replace(
    '"stats": {}',
    '"stats": {"numSamples": 0, "numTombstones": 0}, "thanos": {"a": []}',
  )
  expect(new TextDecoder().decode(formatMeta(parseMeta(bytesOf(text))))).toBe(least)
})

describe('an error says what was wanted and where', () => {
  test.each([
    ['no JSON', least.slice(0, -3), /^want JSON, have .* at byte \d+$/],
    ['nothing', '', /^want JSON/],
    ['a list', '[]', /^want an object, have \[\] at byte 0$/],
    ['no ULID', least.replace(ulid, 'hello'), /^want a ULID for ulid, have "hello" at byte 3$/],
    ['a path', least.replace(ulid, '../../../../../etc/passwd0'), /^want a ULID for ulid/],
    ['a small ULID', least.replace(ulid, ulid.toLowerCase()), /^want a ULID for ulid/],
    [
      'another version',
      least.replace('version": 1', 'version": 2'),
      /^want 1 for version, have 2 at byte \d+$/,
    ],
    [
      'no version',
      least.replace('"version": 1', '"a": 1'),
      /^want an integer within 2\^53 for version, have nothing/,
    ],
    [
      'a text',
      least.replace('minTime": 0', 'minTime": "0"'),
      /^want an integer within 2\^53 for minTime, have "0"/,
    ],
    ['a fraction', least.replace('minTime": 0', 'minTime": 0.5'), /for minTime, have 0.5/],
    [
      'a large time',
      least.replace('maxTime": 0', 'maxTime": 9223372036854775807'),
      /for maxTime, have 92233720/,
    ],
    ['no range', least.replace('minTime": 0', 'minTime": 7'), /^want at least minTime 7 for maxTime, have 0/],
    ['no stats', least.replace('"stats": {},', ''), /^want an object for stats, have nothing/],
    ['a count below 0', full.replace('96000', '-1'), /^want an integer ≥ 0 for stats.numSamples, have -1/],
    ['a level', least.replace('"level": 1', '"level": null'), /for compaction.level, have null/],
    ['a source', full.replace(`"${other}"\n`, '7\n'), /^want a ULID for compaction.sources\[1\], have 7/],
    [
      'a parent',
      full.replace('"maxTime": 7', '"maxTime": {}'),
      /for compaction.parents\[0\].maxTime, have \{\}/,
    ],
    [
      'a flag',
      full.replace('"failed": true', '"failed": 1'),
      /^want true or false for compaction.failed, have 1/,
    ],
    ['a long text', least.replace(ulid, 'x'.repeat(500)), /have "x{59}… at byte/],
  ])('%s', (_, text, message) => {
    expect(() => parseMeta(bytesOf(text))).toThrow(CorruptionError)
    expect(() => parseMeta(bytesOf(text))).toThrow(message)
  })

  test('more than a mebibyte', () => {
    expect(() => parseMeta(new Uint8Array(2 ** 20 + 1))).toThrow('want at most 1048576 bytes, have 1048577')
  })

  test('lists that are opened a million times', () => {
    expect(() => parseMeta(bytesOf('['.repeat(2 ** 20)))).toThrow(CorruptionError)
  })
})

describe('a ULID', () => {
  test('has the time in front and chance behind', () => {
    const at = (now: number, random: number) => newUlid({ now: () => now, random: () => random })
    expect(at(1_699_920_000_000, 0)).toBe('01HF5J1D000000000000000000')
    expect(at(1_699_920_000_000, 0.999)).toBe('01HF5J1D00ZZZZZZZZZZZZZZZZ')
    expect(at(1_699_920_000_001, 0) > at(1_699_920_000_000, 0.999)).toBe(true)
  })

  test.each([
    [ulid, true],
    [other, true],
    ['8ZZZZZZZZZZZZZZZZZZZZZZZZZ', false],
    ['01HF8ZQ8Z000000000000000U', false],
    ['01HF8ZQ8Z0000000000000000U', false],
    ['wal', false],
    ['', false],
  ])('%s: %s', (name, expected) => expect(isUlid(name)).toBe(expected))
})
