import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContext, type CDPSession, type Page } from '@playwright/test'
import { chromiumArgs, findChromium } from '../../scripts/chromium.mjs'

/** A Chromium on a profile of its own that can be killed as by a crash of the machine's desktop, and started again
 *  on what it had written. Unlike Playwright's own it keeps bfcache and background throttling, as users have them. */
export class Chromium {
  readonly #profile: string
  readonly #args: readonly string[]
  #process: ChildProcess | null = null
  #browser: Browser | null = null

  private constructor(profile: string, args: readonly string[]) {
    this.#profile = profile
    this.#args = args
  }

  /** Makes a fresh profile and starts a browser on it. */
  static async start(args: readonly string[] = []): Promise<Chromium> {
    const made = new Chromium(mkdtempSync(join(tmpdir(), 'brazier-profile-')), args)
    await made.restart()
    return made
  }

  get browser(): Browser {
    if (!this.#browser) throw new Error('the browser is not running')
    return this.#browser
  }

  /** The profile's own context: what it stores outlives the browser. */
  get context(): BrowserContext {
    const context = this.browser.contexts()[0]
    if (!context) throw new Error('the browser has no default context')
    return context
  }

  newPage(): Promise<Page> {
    return this.context.newPage()
  }

  /** Starts the browser on its profile. It must not be running. */
  async restart(): Promise<void> {
    if (this.#process) throw new Error('the browser is running')
    const path = await findChromium()
    if (!path) throw new Error('no Chromium found; npm run chromium gets one')
    const args = [
      ...chromiumArgs,
      '--headless=new',
      '--remote-debugging-port=0',
      `--user-data-dir=${this.#profile}`,
      '--password-store=basic',
      '--no-default-browser-check',
      '--hide-crash-restore-bubble',
      ...this.#args,
      'about:blank',
    ]
    // A group of its own: its dozen processes die together.
    const child = spawn(path, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = child
    process.once('exit', this.#killGroup)
    this.#browser = await chromium.connectOverCDP(await devtoolsAddress(child), {
      timeout: 120_000,
    })
  }

  /** SIGKILL to every process of the browser at once. */
  async kill(): Promise<void> {
    const child = this.#process
    if (!child) return
    const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
    this.#killGroup()
    await gone
    process.off('exit', this.#killGroup)
    this.#process = null
    this.#browser = null
  }

  /** Kills the browser and removes its profile. */
  async stop(): Promise<void> {
    await this.kill()
    // Children of the killed browser may still be writing.
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }

  readonly #killGroup = () => {
    const pid = this.#process?.pid
    if (pid === undefined || this.#process?.exitCode !== null) return
    process.kill(-pid, 'SIGKILL')
  }
}

/** Chromium tells its DevTools address on stderr. */
function devtoolsAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const late = setTimeout(() => reject(new Error(`Chromium told no DevTools address:\n${text}`)), 120_000)
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`Chromium ended with ${String(code)}:\n${text}`)))
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const address = /DevTools listening on (ws:\S+)/.exec(text)?.[1]
      if (address === undefined) return
      clearTimeout(late)
      resolve(address)
    })
  })
}

/** A SharedWorker seen from inside, over the DevTools protocol: Playwright itself neither sees it nor its requests. */
export class WorkerProbe {
  readonly #cdp: CDPSession
  readonly #targetId: string
  readonly #sessionId: string
  #lastId = 0

  private constructor(cdp: CDPSession, targetId: string, sessionId: string) {
    this.#cdp = cdp
    this.#targetId = targetId
    this.#sessionId = sessionId
  }

  /** Attaches to the one running SharedWorker whose URL starts with `url`, waiting up to 60 s for it. */
  static async attach(browser: Browser, url: string): Promise<WorkerProbe> {
    const cdp = await browser.newBrowserCDPSession()
    const targetId = await findWorker(cdp, url)
    const { sessionId } = await cdp.send('Target.attachToTarget', { targetId, flatten: false })
    return new WorkerProbe(cdp, targetId, sessionId)
  }

  /** Value of an expression inside the worker; promises are awaited, the value must survive JSON. */
  async evaluate<T>(expression: string): Promise<T> {
    const params = { expression, returnByValue: true, awaitPromise: true }
    const { result, exceptionDetails } = (await this.send('Runtime.evaluate', params)) as {
      result: { value: T }
      exceptionDetails?: { text: string; exception?: { description?: string } }
    }
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }

  /** Any DevTools method inside the worker (`HeapProfiler.startSampling`, `Network.emulateNetworkConditions` …). */
  send(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#lastId
    const answered = new Promise<unknown>((resolve, reject) => {
      const listener = (event: { sessionId: string; message: string }) => {
        if (event.sessionId !== this.#sessionId) return
        const answer = JSON.parse(event.message) as {
          id?: number
          result?: unknown
          error?: { message: string }
        }
        if (answer.id !== id) return
        this.#cdp.off('Target.receivedMessageFromTarget', listener)
        if (answer.error) reject(new Error(`${method}: ${answer.error.message}`))
        else resolve(answer.result)
      }
      this.#cdp.on('Target.receivedMessageFromTarget', listener)
    })
    const message = JSON.stringify({ id, method, params })
    return this.#cdp
      .send('Target.sendMessageToTarget', { sessionId: this.#sessionId, message })
      .then(() => answered)
  }

  /** Ends the worker without a word to anyone, as the browser does when it needs memory. The debugger lets go of it
   *  first: Chromium would hand it the next worker of that name, stopped before its first line. */
  async end(): Promise<void> {
    await this.#cdp.send('Target.detachFromTarget', { sessionId: this.#sessionId })
    await this.#cdp.send('Target.closeTarget', { targetId: this.#targetId })
    await this.detach()
  }

  /** Lets go of it: a debugger keeps Service Workers alive and may change lifetimes. */
  async detach(): Promise<void> {
    await this.#cdp.detach()
  }
}

async function findWorker(cdp: CDPSession, url: string): Promise<string> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const { targetInfos } = await cdp.send('Target.getTargets')
    const found = targetInfos.filter(t => t.type === 'shared_worker' && t.url.startsWith(url))
    if (found[0] && found.length === 1) return found[0].targetId
    if (Date.now() > deadline)
      throw new Error(
        `want one SharedWorker at ${url}, found ${targetInfos.map(t => `${t.type} ${t.url}`).join(', ')}`,
      )
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

/** Collects what a page should never say: errors and warnings on the console (violations of the
 *  Content-Security-Policy among them) and uncaught exceptions. Expected network failures are left out by `ignore`. */
export function complaintsOf(page: Page, ignore: RegExp | null = null): string[] {
  const complaints: string[] = []
  const add = (text: string) => {
    if (!ignore?.test(text)) complaints.push(text)
  }
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') add(message.text())
  })
  page.on('pageerror', error => add(error.message))
  return complaints
}

/** Waits until the Service Worker answers for the page. */
export async function controlled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready
    if (navigator.serviceWorker.controller) return
    await new Promise(resolve =>
      navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }),
    )
  })
}
