import type { EngineClient } from '../../engine/api/connection.ts'
import type { BlockInfo } from '../../engine/api/service.ts'
import { messageOf } from '../feed.svelte.ts'
import { formatBytes } from '../format/number.ts'
import { texts } from '../texts.ts'
import { cleanedText, compactedText } from './rewritten.ts'

export type StoreJob = 'compact' | 'clean' | 'snapshot'

/** How something ended, and the card where it was begun. */
export interface StoreOutcome {
  readonly card: 'store' | 'snapshots'
  readonly failed: boolean
  readonly text: string
}

/** What this tab has the engine do with the store, one thing at a time. It goes on while another page is looked at, so
 *  the app owns it. */
export class StoreWork {
  running = $state<StoreJob | null>(null)
  outcome = $state.raw<StoreOutcome | null>(null)
  private readonly client: EngineClient

  constructor(client: EngineClient) {
    this.client = client
  }

  compact(): Promise<void> {
    return this.rewrite('compact', () => this.client.compact(), compactedText, texts.store.compactFailed)
  }

  clean(): Promise<void> {
    return this.rewrite('clean', () => this.client.cleanTombstones(), cleanedText, texts.store.cleanFailed)
  }

  snapshot(skipHead: boolean): Promise<void> {
    const { snapshots: t } = texts.store
    return this.perform('snapshot', 'snapshots', t.failed, async () => {
      const { name, blocks, bytes } = await this.client.snapshot({ skipHead })
      return t.made(name, texts.blocks.someBlocks(blocks), formatBytes(bytes))
    })
  }

  /** Something else has ended well. */
  tell(text: string, card: StoreOutcome['card'] = 'store'): void {
    this.outcome = { card, failed: false, text }
  }

  /** What has come of it is told from the blocks before and after. */
  private rewrite(
    job: StoreJob,
    act: () => Promise<void>,
    text: (before: readonly BlockInfo[], after: readonly BlockInfo[]) => string,
    failure: string,
  ): Promise<void> {
    return this.perform(job, 'store', failure, async () => {
      const before = await this.client.blocks()
      await act()
      return text(before.blocks, (await this.client.blocks()).blocks)
    })
  }

  private async perform(
    job: StoreJob,
    card: StoreOutcome['card'],
    failure: string,
    act: () => Promise<string>,
  ): Promise<void> {
    if (this.running) return
    this.running = job
    this.outcome = null
    try {
      this.tell(await act(), card)
    } catch (error) {
      this.outcome = { card, failed: true, text: `${failure} ${messageOf(error)}` }
    } finally {
      this.running = null
    }
  }
}
