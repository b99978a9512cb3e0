import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { standardBench } from '../src/promqltest/bench.ts'
import { scriptHost } from '../src/promqltest/host.ts'
import { runFiles, type ScriptFile } from '../src/promqltest/report.ts'

// npm run -s promqltest -- PATH… [--tsdb]

const usage = `usage: promqltest PATH… [--tsdb]

Runs the PromQL test scripts PATH, or *.test in the folder PATH.

  --tsdb   load the samples into the store, and ask its head and a block of it`

try {
  const { values, positionals } = parseArgs({
    options: { tsdb: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  })
  if (values.help) console.log(usage)
  else if (positionals.length === 0) refuse(`want a PATH, found none\n\n${usage}`)
  else await run(positionals.flatMap(scriptsAt), values.tsdb)
} catch (error) {
  refuse(error instanceof Error ? error.message : String(error))
}

async function run(files: readonly ScriptFile[], tsdb: boolean): Promise<void> {
  const total = await runFiles(files, standardBench({ host: scriptHost, tsdb }), line => {
    console.log(line)
  })
  if (!total.clean) process.exitCode = 1
}

/** The script at the path, or those in the folder there. */
function scriptsAt(path: string): ScriptFile[] {
  if (!statSync(path).isDirectory()) return [{ path, text: readFileSync(path, 'utf8') }]
  const names = readdirSync(path).filter(name => name.endsWith('.test'))
  if (names.length === 0) throw new Error(`want *.test in ${path}, found none`)
  return names.sort().flatMap(name => scriptsAt(join(path, name)))
}

function refuse(reason: string): void {
  console.error(`promqltest: ${reason}`)
  process.exitCode = 2
}
