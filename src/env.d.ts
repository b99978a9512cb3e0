/** Release, as in package.json. */
declare const __APP_VERSION__: string
/** Seconds since the epoch at the time of the build: a larger number is a newer build. */
declare const __BUILD__: number

// Chromium ≥ 148; not yet in TypeScript's lib.dom.
interface WorkerOptions {
  extendedLifetime?: boolean
}
