import type { EngineClient } from '../../engine/api/connection.ts'
import type { LabelQuery, LanguageTerm, Metadata } from '../../engine/api/service.ts'
import { metricName } from '../../engine/model/labels.ts'

/** What the editor asks of the engine to help with an expression. */
export type KnowledgeClient = Pick<
  EngineClient,
  'labelNames' | 'labelValues' | 'metadata' | 'languageTerms' | 'queryProblems'
>

const freshMs = 10_000
/** Answers that are kept at most; most are small, those about all metrics are not. */
const keptAnswers = 100

interface Kept {
  readonly answer: Promise<unknown>
  readonly until: number
}

/** What is known of the metrics and of the language. An answer serves again at once, however old; when it is no longer
 *  fresh the next one is fetched behind it. A failure and an empty answer are not kept: it is the query's business to tell
 *  what is wrong. */
export class Knowledge {
  private readonly kept = new Map<string, Kept>()
  private readonly client: KnowledgeClient

  constructor(client: KnowledgeClient) {
    this.client = client
  }

  metricNames(): Promise<readonly string[]> {
    return this.labelValues(metricName, null)
  }

  /** @param selector of the series in question; null for all */
  labelNames(selector: string | null): Promise<readonly string[]> {
    return this.keep(`names ${selector ?? ''}`, [], () => this.client.labelNames(matching(selector)))
  }

  labelValues(name: string, selector: string | null): Promise<readonly string[]> {
    const ask = () => this.client.labelValues(name, matching(selector))
    return this.keep(`values ${name} ${selector ?? ''}`, [], ask)
  }

  metadata(): Promise<ReadonlyMap<string, readonly Metadata[]>> {
    return this.keep('metadata', new Map<string, readonly Metadata[]>(), () => this.client.metadata())
  }

  terms(): Promise<readonly LanguageTerm[]> {
    return this.keep('terms', [], () => this.client.languageTerms())
  }

  /** The same object as before as long as nothing is new, so that what is made of it can be kept, too. */
  private keep<T extends Sized>(key: string, nothing: T, ask: () => Promise<T>): Promise<T> {
    const found = this.kept.get(key)
    if (!found) return this.fetch(key, nothing, ask)
    const answer = found.answer as Promise<T>
    if (found.until < performance.now()) {
      this.kept.set(key, { answer, until: performance.now() + freshMs })
      void this.refresh(key, ask)
    }
    return answer
  }

  private async fetch<T extends Sized>(key: string, nothing: T, ask: () => Promise<T>): Promise<T> {
    const answer = ask().catch(() => nothing)
    if (this.kept.size >= keptAnswers) this.kept.clear()
    this.kept.set(key, { answer, until: performance.now() + freshMs })
    const found = await answer
    if (sizeOf(found) === 0) this.kept.delete(key)
    return found
  }

  private async refresh<T extends Sized>(key: string, ask: () => Promise<T>): Promise<void> {
    const newer = await ask().catch(() => null)
    if (newer === null) return
    if (sizeOf(newer) === 0) this.kept.delete(key)
    else this.kept.set(key, { answer: Promise.resolve(newer), until: performance.now() + freshMs })
  }
}

type Sized = { readonly length: number } | { readonly size: number }

function sizeOf(sized: Sized): number {
  return 'length' in sized ? sized.length : sized.size
}

function matching(selector: string | null): LabelQuery {
  return selector === null ? {} : { match: [selector] }
}
