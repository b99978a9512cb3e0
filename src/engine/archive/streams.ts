// Between the streams of the platform and async iteration, with back-pressure and with errors that keep their origin.

/** Both ends of something that changes what passes through. */
export interface Transform<In, Out> {
  readonly readable: ReadableStream<Out>
  readonly writable: WritableStream<In>
}

/** Remembers whether it was the source that failed: at the far end of a transform its error arrives as anything. */
export class Watched<T> {
  private readonly source: AsyncIterable<T>
  private failure: { readonly error: unknown } | null = null

  constructor(source: AsyncIterable<T>) {
    this.source = source
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      yield* this.source
    } catch (error) {
      this.failure = { error }
      throw error
    }
  }

  /** What is to be thrown when a transform of this source reports `echo`: the source's error, or else what `name`
   *  makes of the transform's own. */
  errorFor(echo: unknown, name: (cause: unknown) => Error): unknown {
    return this.failure ? this.failure.error : name(echo)
  }
}

/** What comes out of a transform that is fed with a source. At most a few pieces are on their way.
 *  @param name makes an error of the transform's own, such as a checksum's, fit to be read */
export async function* through<In, Out>(
  source: Watched<In>,
  { readable, writable }: Transform<In, Out>,
  name: (cause: unknown) => Error,
): AsyncGenerator<Out> {
  // Whatever ends it is told by the readable end.
  const feeding = feed(source, writable).catch(() => undefined)
  try {
    yield* drain(readable)
  } catch (echo) {
    throw source.errorFor(echo, name)
  } finally {
    await feeding
  }
}

/** The pieces of a stream. Whoever stops early cancels it. */
export async function* drain<T>(readable: ReadableStream<T>): AsyncGenerator<T> {
  const reader = readable.getReader()
  let ended = false
  try {
    for (;;) {
      const next = await reader.read()
      ended = next.done
      if (next.done) return
      yield next.value
    }
  } finally {
    // An errored stream answers with its error, which has been thrown already.
    if (!ended) await reader.cancel().catch(() => undefined)
  }
}

async function feed<T>(source: AsyncIterable<T>, writable: WritableStream<T>): Promise<void> {
  const writer = writable.getWriter()
  try {
    for await (const piece of source) await writer.write(piece)
    await writer.close()
  } catch (error) {
    await writer.abort(error)
    throw error
  }
}
