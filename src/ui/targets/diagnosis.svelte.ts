import type { EngineClient } from '../../engine/api/connection.ts'
import type { Diagnosis } from '../../engine/api/service.ts'
import { messageOf } from '../feed.svelte.ts'

/** Finds out why one target cannot be read: once when it goes down, and when asked to. */
export class DiagnosisRun {
  found = $state.raw<Diagnosis | null>(null)
  problem = $state<string | null>(null)
  asking = $state(false)
  private readonly client: Pick<EngineClient, 'diagnose'>
  private readonly id: string

  constructor(client: Pick<EngineClient, 'diagnose'>, id: string) {
    this.client = client
    this.id = id
  }

  async ask(): Promise<void> {
    if (this.asking) return
    this.asking = true
    try {
      this.found = await this.client.diagnose(this.id)
      this.problem = null
    } catch (error) {
      this.problem = messageOf(error)
    } finally {
      this.asking = false
    }
  }
}
