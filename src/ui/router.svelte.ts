import { formatRoute, pages, parseRoute, type Page, type Route } from './route.ts'

/** The address of the page as state. The address is the only place where a page keeps what it shows, so that
 *  links, reloading and the back button work of themselves. */
export class Router {
  route = $state.raw<Route>(parseRoute(location.hash))
  /** The last parameters of each page, so that going there again shows the same. */
  private readonly searches = $state<Record<Page, string>>({ query: '', targets: '', blocks: '', status: '' })

  /** Follows the address until the returned function is called. */
  start(): () => void {
    const follow = () => this.follow()
    addEventListener('hashchange', follow)
    addEventListener('popstate', follow)
    follow()
    return () => {
      removeEventListener('hashchange', follow)
      removeEventListener('popstate', follow)
    }
  }

  /** Changes the parameters of a page and goes there. */
  go(route: Route): void {
    if (formatRoute(route) === formatRoute(this.route)) return
    history.pushState(null, '', formatRoute(route))
    this.follow()
  }

  /** Where a link to the page leads. */
  href(page: Page): string {
    return formatRoute({ page, search: this.searches[page] })
  }

  private follow(): void {
    const route = parseRoute(location.hash)
    // A click on a link is told twice, by hashchange and by popstate.
    if (formatRoute(route) !== formatRoute(this.route)) this.route = route
    for (const page of pages) if (page === this.route.page) this.searches[page] = this.route.search
  }
}
