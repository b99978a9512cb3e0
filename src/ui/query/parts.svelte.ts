import type { EngineClient } from '../../engine/api/connection.ts'
import type { QueryNode } from '../../engine/api/service.ts'

/** The parts of an expression, as the engine reads it. */
export interface Parts {
  readonly expr: string
  /** None when it cannot be read; why is told where it is run. */
  readonly nodes: readonly QueryNode[]
}

/** Asks for the parts of the last expression; those of the one before stay until then. */
export class PartsFeed {
  parts = $state.raw<Parts | null>(null)
  private wanted = ''
  private readonly client: Pick<EngineClient, 'queryNodes'>

  constructor(client: Pick<EngineClient, 'queryNodes'>) {
    this.client = client
  }

  async load(expr: string): Promise<void> {
    this.wanted = expr
    const nodes = expr.trim() === '' ? [] : await this.client.queryNodes(expr).catch(() => [])
    if (this.wanted === expr) this.parts = { expr, nodes }
  }
}
