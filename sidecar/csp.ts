/** What the page and its workers may load and run. Builds carry it in a `<meta>`; the sidecar also sends it as a
 *  header, because a worker obeys only the header that came with its script. CodeMirror needs style elements,
 *  WebAssembly its keyword, and targets are reached wherever they are. */
export const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  'connect-src *',
  "img-src 'self' data: blob:",
  "object-src 'none'",
  "base-uri 'none'",
].join('; ')
