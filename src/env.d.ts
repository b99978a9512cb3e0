/** Release, as in package.json. */
declare const __APP_VERSION__: string
/** Seconds since the epoch at the time of the build: a larger number is a newer build. */
declare const __BUILD__: number

// Chromium ≥ 148; not yet in TypeScript's lib.dom.
interface WorkerOptions {
  extendedLifetime?: boolean
}

/** Only in sw/service-worker.ts: every file of the build, relative to the page, and a version that changes when
 *  any of them does. Empty while developing. */
declare const __PRECACHE__: { readonly version: string; readonly files: readonly string[] }
