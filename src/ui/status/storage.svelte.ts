import { messageOf } from '../feed.svelte.ts'
import { poll } from '../poll.ts'

/** How this browser keeps what the page stores (`navigator.storage`). */
export class BrowserStorage {
  /** Bytes that the origin uses; null where the browser does not tell. */
  usage = $state<number | null>(null)
  /** Whether it is safe from being cleared when space runs short; null where the browser does not tell. */
  persisted = $state<boolean | null>(null)
  refused = $state(false)
  problem = $state<string | null>(null)

  /** Asks until the returned function is called. */
  start(): () => void {
    return poll(() => this.refresh(), 5000)
  }

  private async refresh(): Promise<void> {
    if (!('storage' in navigator)) return
    try {
      this.persisted = await navigator.storage.persisted()
      this.usage = (await navigator.storage.estimate()).usage ?? null
    } catch (error) {
      this.problem = messageOf(error)
    }
  }

  async persist(): Promise<void> {
    this.refused = !(await navigator.storage.persist())
    await this.refresh()
  }
}
