import { Chromium, WorkerProbe } from '../../tests/e2e/browser.ts'
import { startSite } from '../../tests/e2e/servers.ts'
import type { Cases, Realm } from './realm.ts'

/** A Chromium that runs bundles in shared workers, as the product does. */
export interface Lab {
  readonly version: string
  /** Where the folder is served. */
  readonly url: string
  /** Starts a worker of its own. Nothing of what another one compiled is in it; what it stored is. */
  realm<C extends Cases>(script: string): Promise<Realm<C>>
  stop(): Promise<void>
}

/** @param folder with the bundles and whatever else their cases fetch */
export async function openLab(folder: string): Promise<Lab> {
  const site = await startSite({ root: folder })
  const chromium = await Chromium.start()
  let workers = 0
  return {
    version: chromium.browser.version(),
    url: site.url,
    realm: script => startRealm(chromium, `${site.url}${script}?${++workers}`, site.url),
    async stop() {
      await chromium.stop()
      await site.stop()
    },
  }
}

async function startRealm<C extends Cases>(
  chromium: Chromium,
  script: string,
  home: string,
): Promise<Realm<C>> {
  const page = await chromium.newPage()
  await page.goto(home)
  await page.evaluate(url => {
    const worker = new SharedWorker(url, { type: 'module', name: url })
    Object.assign(window, { worker })
  }, script)
  const probe = await WorkerProbe.attach(chromium.browser, script)
  await loaded(probe, script)
  return {
    call: (name, ...args) => probe.evaluate(`bench.${name}(...${JSON.stringify(args)})`),
    heapBytes: () => heapBytes(probe),
    async stop() {
      await probe.end()
      await page.close()
    },
  }
}

async function loaded(probe: WorkerProbe, script: string): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!(await probe.evaluate<boolean>(`'bench' in globalThis`))) {
    if (Date.now() > deadline) throw new Error(`${script} was not loaded within a minute`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

async function heapBytes(probe: WorkerProbe): Promise<number> {
  // What only a finalizer lets go of goes with the second.
  for (let i = 0; i < 2; i++) await probe.send('HeapProfiler.collectGarbage')
  const usage = (await probe.send('Runtime.getHeapUsage')) as {
    usedSize: number
    backingStorageSize?: number
  }
  if (usage.backingStorageSize === undefined) throw new Error('this Chromium does not tell of buffers')
  return usage.usedSize + usage.backingStorageSize
}
