import { OpenMetricsCursor } from '../../exposition/openmetrics.ts'
import { newline } from '../../exposition/scan.ts'
import { ImportError, SyntaxProblem } from '../../model/errors.ts'
import type { Pace } from '../block/pace.ts'

/** A line, or one whose names in quotes go over several. */
const longestEntry = 4 * 1024 * 1024

export interface TextOptions {
  /** By the specification of OpenMetrics 1.0 rather than as Prometheus reads it. */
  readonly strict: boolean
  readonly pace: Pace
  /** Told bytes that were read. */
  readonly progress: (done: number) => void
}

/** Reads OpenMetrics piece by piece; only a piece and a line are in memory.
 *  @param visit is called for each sample with the cursor that stands at it; nothing goes on before its promise, if it
 *  gives one, is kept
 *  @throws ImportError that names line and column, what `visit` throws, or what ends the pace */
export async function readText(
  source: ReadableStream<Uint8Array>,
  { strict, pace, progress }: TextOptions,
  visit: (cursor: OpenMetricsCursor) => void | Promise<void>,
): Promise<void> {
  const cursor = new OpenMetricsCursor(new Uint8Array(0), { strict, partial: true })
  const reader = source.getReader()
  let unread = new Uint8Array(0)
  let done = 0
  try {
    for (;;) {
      const piece = await reader.read()
      pace.check()
      if (piece.done) break
      done += piece.value.length
      progress(done)
      unread = await step(cursor, joined(unread, piece.value), true, visit)
      if (pace.due) await pace.pause()
    }
    await step(cursor, unread, false, visit)
  } catch (error) {
    await reader.cancel(error).catch(() => undefined)
    if (error instanceof SyntaxProblem) throw new ImportError(error.message, { cause: error })
    throw error
  }
}

/** Visits the samples of the whole lines; answers what has to be read again together with what follows. */
async function step(
  cursor: OpenMetricsCursor,
  bytes: Uint8Array<ArrayBuffer>,
  partial: boolean,
  visit: (cursor: OpenMetricsCursor) => void | Promise<void>,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = partial ? bytes.lastIndexOf(newline) + 1 : bytes.length
  if (whole > 0 || !partial) {
    cursor.goOn(bytes.subarray(0, whole), partial)
    await visitAll(cursor, partial, visit)
    bytes = bytes.subarray(cursor.at)
  }
  if (bytes.length <= longestEntry) return bytes
  throw new ImportError(`line ${cursor.line}: want lines of at most ${longestEntry} bytes, have a longer one`)
}

async function visitAll(
  cursor: OpenMetricsCursor,
  partial: boolean,
  visit: (cursor: OpenMetricsCursor) => void | Promise<void>,
): Promise<void> {
  try {
    for (let entry = cursor.next(); entry !== 'end'; entry = cursor.next()) {
      if (entry !== 'series') continue
      const visited = visit(cursor)
      if (visited) await visited
    }
  } catch (error) {
    // A name in quotes may go on in lines that are still to come.
    if (error instanceof SyntaxProblem && partial && cursor.ranOut) return
    throw error
  }
}

function joined(a: Uint8Array<ArrayBuffer>, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
