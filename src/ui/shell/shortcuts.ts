import { createKeybindingsHandler, type KeyBindingMap } from 'tinykeys'
import type { Page } from '../route.ts'

export interface ShortcutActions {
  help(): void
  page(page: Page): void
  /** Puts the cursor into the expression. */
  edit(): void
}

/** Keys that work everywhere but where somebody types. */
export function shortcuts(actions: ShortcutActions): (event: KeyboardEvent) => void {
  const keys: KeyBindingMap = {
    // On some keyboards ? needs Shift, on others it does not.
    '(\\?)': () => actions.help(),
    'Shift+(\\?)': () => actions.help(),
    'g q': () => actions.page('query'),
    'g t': () => actions.page('targets'),
    'g b': () => actions.page('blocks'),
    'g s': () => actions.page('status'),
    '(/)': event => {
      event.preventDefault()
      actions.edit()
    },
  }
  const handle = createKeybindingsHandler(keys)
  return event => {
    if (!typing(event.target)) handle(event)
  }
}

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('input, select, textarea, [contenteditable=true], dialog') !== null
  )
}
