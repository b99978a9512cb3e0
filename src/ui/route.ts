// Addresses inside the page: `#/query?g0.expr=up`. They live behind the hash so that any static host, under any
// path, can serve the page.

export const pages = ['query', 'targets', 'blocks', 'status'] as const
export type Page = (typeof pages)[number]

export interface Route {
  readonly page: Page
  /** Parameters as written in the address, without the question mark. */
  readonly search: string
}

/** Reads `location.hash`; an unknown page is the query page. */
export function parseRoute(hash: string): Route {
  const [, name = '', search = ''] = /^#?\/?([^?]*)(?:\?(.*))?$/s.exec(hash) ?? []
  const page = pages.find(p => p === name.replace(/\/$/, ''))
  return page ? { page, search } : { page: 'query', search: '' }
}

export function formatRoute(route: Route): string {
  return `#/${route.page}${route.search && `?${route.search}`}`
}
