// The package has types, but its export map hides them.
declare module 'tinykeys' {
  /** Keys as `Shift+a`, `g t` for one after the other, or `(regex)`; each with what it does. */
  export type KeyBindingMap = Record<string, (event: KeyboardEvent) => void>
  export function createKeybindingsHandler(keys: KeyBindingMap): (event: Event) => void
}
