// npm run bench -- NAME [--quick]: prints a table and writes it into bench/RESULTS.md.
import { parseArgs } from 'node:util'
import { faultsOf, tableOf, type Section } from './frame/report.ts'
import { writeResults } from './frame/results.ts'
import { storeBench } from './store/bench.ts'

/** What can be measured beside a real Prometheus. */
interface Bench {
  readonly title: string
  /** @param quick small and rough: is it as fast as it should be, give or take a factor? */
  run(options: { readonly quick: boolean; readonly say: (text: string) => void }): Promise<Section>
}

const benches: Readonly<Record<string, Bench>> = { store: storeBench }

/** On machines that are busy or slow, a quick run may be that far off. */
const quickSlack = 4

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { quick: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const [name = ''] = positionals
  const bench = benches[name]
  if (!bench) {
    console.error(`usage: npm run bench -- ${Object.keys(benches).join('|')} [--quick]`)
    return 2
  }
  const { quick } = values
  const began = Date.now()
  const section = await bench.run({ quick, say: text => console.error(text) })
  const seconds = Math.round((Date.now() - began) / 1000)
  const table = tableOf(section)
  console.log([table, '', ...section.notes].join('\n'))
  if (!quick) {
    const command = `npm run bench -- ${name}`
    const date = new Date().toISOString().slice(0, 10)
    const made = `Made on ${date} by \`${command}\` in ${seconds} s.`
    const notes = section.notes.map(note => `- ${note}`).join('\n')
    writeResults(name, `## ${bench.title}\n\n${made}\n\n${table}\n\n${notes}`)
  }
  const faults = faultsOf(section, quick ? quickSlack : 1)
  for (const fault of faults) console.error(fault)
  return faults.length > 0 ? 1 : 0
}

// What still runs would keep the process: a bench ends all that it starts, and this makes sure.
process.exit(await main())
