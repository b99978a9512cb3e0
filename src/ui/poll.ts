/** What polling needs of the document: whether somebody looks at it. */
export interface Visibility extends EventTarget {
  readonly visibilityState: DocumentVisibilityState
}

/** Runs `task` now and then `everyMs` after each run has ended; rests while the page is hidden and runs at once
 *  when it is shown again. The task handles its own errors. Answers the function that ends it. */
export function poll(
  task: () => Promise<void>,
  everyMs: number,
  visibility: Visibility = document,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let running = false
  let ended = false

  const run = async () => {
    if (running || ended || visibility.visibilityState === 'hidden') return
    running = true
    await task()
    running = false
    again()
  }
  const again = () => {
    clearTimeout(timer)
    if (!ended) timer = setTimeout(() => void run(), everyMs)
  }
  const shown = () => void run()

  visibility.addEventListener('visibilitychange', shown)
  void run()
  return () => {
    ended = true
    clearTimeout(timer)
    visibility.removeEventListener('visibilitychange', shown)
  }
}
