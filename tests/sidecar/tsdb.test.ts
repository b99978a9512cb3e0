import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import { parseTsdbFlags } from '../../sidecar/tsdbflags.ts'
import { runTask, TaskError } from '../../sidecar/tsdbtasks.ts'
import { openNodeStore } from '../../src/hosts/nodestore.ts'

const all = { minT: -(2 ** 52) + 1, maxT: 2 ** 52 - 1 }

describe('flags', () => {
  test.each([
    [['list', 'd'], { kind: 'list', dir: 'd' }],
    [['dump', 'd'], { kind: 'dump', dir: 'd', match: [], times: all }],
    [
      [
        'dump',
        '--match',
        'up',
        'd',
        '--match={a="b"}',
        '--min-time=-5',
        '--max-time',
        '1970-01-01T00:00:01Z',
      ],
      { kind: 'dump', dir: 'd', match: ['up', '{a="b"}'], times: { minT: -5, maxT: 1000 } },
    ],
    [['backfill', '-', 'd'], { kind: 'backfill', file: '-', dir: 'd' }],
    [['import', 's', 'd'], { kind: 'import', source: 's', dir: 'd' }],
    [['export', 'd', 'f.zip'], { kind: 'export', dir: 'd', file: 'f.zip', format: 'zip' }],
    [['export', 'd', 'f.tar.gz'], { kind: 'export', dir: 'd', file: 'f.tar.gz', format: 'tar.gz' }],
    [['snapshot', 'd'], { kind: 'snapshot', dir: 'd', skipHead: false }],
    [['snapshot', 'd', '--skip-head'], { kind: 'snapshot', dir: 'd', skipHead: true }],
    [['delete', 'd', '--match', 'up'], { kind: 'delete', dir: 'd', match: ['up'], times: all }],
    [['clean', 'd'], { kind: 'clean', dir: 'd' }],
    [['compact', 'd'], { kind: 'compact', dir: 'd' }],
  ])('%j', (args, task) => {
    expect(parseTsdbFlags(args, '1.2.3')).toEqual({ kind: 'run', task })
  })

  test('--help names every command and flag, --version the version', () => {
    const help = JSON.stringify(parseTsdbFlags(['--help'], '1.2.3'))
    const commands = [
      'list',
      'dump',
      'backfill',
      'import',
      'export',
      'snapshot',
      'delete',
      'clean',
      'compact',
    ]
    for (const command of commands) expect(help).toContain(`tsdb ${command} `)
    for (const flag of ['--match', '--min-time', '--max-time', '--skip-head', '--version'])
      expect(help).toContain(flag)
    expect(parseTsdbFlags(['--version'], '1.2.3')).toEqual({ kind: 'print', text: 'brazier 1.2.3' })
  })

  test.each([
    [[], 'want a command, one of list, dump'],
    [['analyze', 'd'], "found 'analyze'"],
    [['list'], 'want DIR behind list, found nothing'],
    [['list', ''], "found ''"],
    [['list', 'd', 'e'], "want DIR behind list, found 'd' 'e'"],
    [['backfill', 'f'], "want FILE DIR behind backfill, found 'f'"],
    [['list', 'd', '--match', 'up'], 'list has no flag --match'],
    [['dump', 'd', '--nonsense'], "'--nonsense'"],
    [
      ['dump', 'd', '--min-time', 'yesterday'],
      "--min-time wants milliseconds since the epoch, or a date such as 2026-11-24T10:00:00Z, found 'yesterday'",
    ],
    [['dump', 'd', '--max-time', '1.5'], "found '1.5'"],
    [['dump', 'd', '--max-time', '2026-13-24T10:00:00Z'], "found '2026-13-24T10:00:00Z'"],
    [['dump', 'd', '--min-time', '2', '--max-time', '1'], 'want --min-time not to be after --max-time'],
    [['export', 'd', 'f.tar'], "want a FILE that ends in .tar.gz or .zip, found 'f.tar'"],
    [['delete', 'd'], 'want --match SELECTOR'],
  ])('%j is refused with one line', (args, reason) => {
    const command = parseTsdbFlags(args, '1.2.3')
    expect(command).toMatchObject({ kind: 'refuse', reason: expect.stringContaining(reason) })
    expect(JSON.stringify(command)).not.toContain('\\n')
  })
})

const scratch = mkdtempSync(join(tmpdir(), 'brazier-tsdb-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
const place = (name: string) => join(scratch, name)

/** What the program prints.
 *  @param input of the standard input */
async function tsdb(
  args: readonly string[],
  input = '',
  signal = new AbortController().signal,
): Promise<string> {
  const command = parseTsdbFlags(args, 'test')
  if (command.kind !== 'run') throw new Error(JSON.stringify(command))
  let printed = ''
  const out = new Writable({
    write(chunk, _, done) {
      printed += String(chunk)
      done()
    },
  })
  await runTask(command.task, {
    open: folder => openNodeStore({ folder, version: 'test', build: 0, log: () => undefined }),
    ...{ out, input: Readable.from([Buffer.from(input)]), signal },
  })
  return printed
}

const samples = 'a{b="c"} 1 1000.000\na{b="c"} 2 8000.000\nd 3 8000.500\n# EOF\n'

/** A store with these samples in two blocks. */
async function filled(name: string): Promise<string> {
  const dir = place(name)
  await tsdb(['backfill', '-', dir], samples)
  return dir
}

const ulid = /[0-7][0-9A-Z]{25}/g

describe('a folder', () => {
  test('takes in OpenMetrics text from a file or from outside, and gives it back', async () => {
    const file = place('samples.om')
    writeFileSync(file, samples)
    const printed = await tsdb(['backfill', file, place('from-file')])
    expect(printed.match(ulid)).toHaveLength(2)
    expect(await tsdb(['dump', place('from-file')])).toBe(samples)
    expect(await tsdb(['dump', await filled('from-input')])).toBe(samples)
  })

  test('lists its blocks', async () => {
    const [heading, first, second, ...more] = (await tsdb(['list', await filled('listed')])).split('\n')
    expect(heading).toMatch(/^BLOCK +FROM +UP TO +LEVEL +SERIES +SAMPLES +CHUNKS +BYTES +PINNED$/)
    expect(first).toMatch(
      /^\w{26} +1970-01-01T00:16:40.000Z +1970-01-01T00:16:40.001Z +1 +1 +1 +1 +\d+ +yes$/,
    )
    expect(second).toContain('1970-01-01T02:13:20.501Z')
    expect(more).toEqual([''])
  })

  test('gives only the series and times that are asked for', async () => {
    const dir = await filled('selected')
    expect(await tsdb(['dump', dir, '--match', 'd', '--match', 'a', '--min-time', '8000000'])).toBe(
      'a{b="c"} 2 8000.000\nd 3 8000.500\n# EOF\n',
    )
    expect(await tsdb(['dump', dir, '--max-time', '1000000'])).toBe('a{b="c"} 1 1000.000\n# EOF\n')
    expect(await tsdb(['dump', dir, '--max-time', '999999'])).toBe('# EOF\n')
  })

  test.each(['zip', 'tar.gz'])('is written into a .%s, and taken in again', async format => {
    const file = place(`store.${format}`)
    await tsdb(['export', await filled(`exported-${format}`), file])
    expect((await tsdb(['import', file, place(`imported-${format}`)])).match(ulid)).not.toBeNull()
    expect(await tsdb(['dump', place(`imported-${format}`)])).toBe(samples)
  })

  test('is taken in as it is, once', async () => {
    const source = await filled('source')
    expect((await tsdb(['import', source, place('taken')])).match(ulid)).toHaveLength(2)
    expect(await tsdb(['import', source, place('taken')])).toContain('was there already\n')
    expect(await tsdb(['dump', place('taken')])).toBe(samples)
  })

  test('is put aside', async () => {
    const dir = await filled('kept')
    const path = (await tsdb(['snapshot', dir, '--skip-head'])).trim()
    expect(path.startsWith(join(dir, 'snapshots'))).toBe(true)
    expect(readdirSync(path)).toHaveLength(2)
  })

  test('lets go of what is deleted', async () => {
    const dir = await filled('deleted')
    await tsdb(['delete', dir, '--match', 'a', '--max-time', '1000000'])
    const left = 'a{b="c"} 2 8000.000\nd 3 8000.500\n# EOF\n'
    expect(await tsdb(['dump', dir])).toBe(left)
    await tsdb(['clean', dir])
    expect((await tsdb(['list', dir])).match(ulid)).toHaveLength(1)
    await tsdb(['compact', dir])
    expect(await tsdb(['dump', dir])).toBe(left)
  })
})

describe('what cannot be done is told', () => {
  test.each([
    [['list', place('nowhere')], `there is no ${place('nowhere')}`],
    [['backfill', place('nothing.om'), place('untouched')], `there is no ${place('nothing.om')}`],
    [['import', place('nothing.zip'), place('untouched')], `there is no ${place('nothing.zip')}`],
  ])('%j', async (args, message) => {
    await expect(tsdb(args)).rejects.toThrow(message)
    expect(readdirSync(scratch)).not.toContain('untouched')
    expect(readdirSync(scratch)).not.toContain('nowhere')
  })

  test('a file is no folder', async () => {
    writeFileSync(place('file'), '')
    await expect(tsdb(['dump', place('file')])).rejects.toThrow('want a folder, have the file')
  })

  test('a text that is none, with its line', async () => {
    await expect(tsdb(['backfill', '-', place('bad')], 'a 1 1\nb\n# EOF\n')).rejects.toThrow(
      'line 2, column 2: ',
    )
    expect((await tsdb(['list', place('bad')])).match(ulid)).toBeNull()
  })

  test('a selector that is none, before anything is written', async () => {
    const dir = await filled('selector')
    await expect(tsdb(['dump', dir, '--match', 'a{'])).rejects.toThrow('parse error')
  })

  test('an export that fails leaves no file', async () => {
    const dir = await filled('unwritten')
    mkdirSync(place('folder.zip'))
    await expect(tsdb(['export', dir, place('folder.zip')])).rejects.toThrow('EISDIR')
    const stopped = AbortSignal.abort(new TaskError('enough'))
    await expect(tsdb(['export', dir, place('stopped.zip')], '', stopped)).rejects.toThrow('enough')
    expect(readdirSync(scratch)).not.toContain('stopped.zip')
  })
})

describe('the program', () => {
  const root = join(import.meta.dirname, '../..')
  const program = (args: readonly string[], input = '') =>
    spawnSync(process.execPath, ['--import', 'tsx', join(root, 'sidecar/tsdb.ts'), ...args], {
      cwd: root,
      encoding: 'utf8',
      input,
    })

  test('ends with 0, 1 or 2, and says why in one line', () => {
    const good = program(['backfill', '-', place('program')], samples)
    expect(good).toMatchObject({ status: 0, stderr: '' })
    expect(good.stdout.match(ulid)).toHaveLength(2)
    expect(program(['backfill', '-', place('program')], 'a 1\n# EOF\n')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'tsdb: -: line 1: want a timestamp for each sample, have none for a\n',
    })
    expect(program(['list'])).toMatchObject({
      status: 2,
      stderr: 'tsdb: want DIR behind list, found nothing (--help lists the commands)\n',
    })
  })
})

test('the text of a big series comes out whole', async () => {
  const lines = Array.from({ length: 30_000 }, (_, i) => `big ${i} ${i}.000\n`).join('') + '# EOF\n'
  await tsdb(['backfill', '-', place('big')], lines)
  const printed = await tsdb(['dump', place('big')])
  expect(printed.length).toBeGreaterThan(400_000)
  expect(printed).toBe(lines)
})
