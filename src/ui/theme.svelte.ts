export const themes = ['auto', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]
/** What a theme comes to: `auto` follows the system. */
export type Scheme = 'light' | 'dark'

const key = 'brazier-theme'

/** Light or dark, kept in this browser and put on the document as `data-theme` for tokens.css. */
export class ThemeChoice {
  choice = $state<Theme>(stored())
  private systemDark = $state(false)
  readonly scheme: Scheme = $derived(
    this.choice === 'auto' ? (this.systemDark ? 'dark' : 'light') : this.choice,
  )

  /** Follows the system's setting until the returned function is called. */
  start(): () => void {
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const follow = () => (this.systemDark = dark.matches)
    follow()
    this.show()
    dark.addEventListener('change', follow)
    return () => dark.removeEventListener('change', follow)
  }

  choose(theme: Theme): void {
    this.choice = theme
    this.show()
    remember(theme)
  }

  private show(): void {
    document.documentElement.dataset.theme = this.choice
  }
}

function stored(): Theme {
  const found = recall()
  return themes.find(theme => theme === found) ?? 'auto'
}

// A browser that forbids storage throws at the first touch; the theme then lasts as long as the page.
function recall(): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function remember(theme: Theme): void {
  try {
    localStorage.setItem(key, theme)
  } catch {
    return
  }
}
