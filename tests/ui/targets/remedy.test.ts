import { expect, test } from 'vitest'
import type { Diagnosis } from '../../../src/engine/api/service.ts'
import { adviceFor } from '../../../src/ui/targets/remedy.ts'

const url = 'http://example.org:9100/stats'
const said = (diagnosis: Diagnosis, target = url, origin = 'http://localhost:9099') =>
  adviceFor(diagnosis, target, origin)
    .map(({ text, code }) => [text, code ?? ''].join('\n'))
    .join('\n')

test.each(['Access-Control-Allow-Origin: *', '*'])('for CORS (%s) the exact header can be copied', header => {
  const [first, ...examples] = adviceFor({ kind: 'cors', header, proxy: true }, url, 'http://localhost:9099')
  expect(first?.code).toBe('Access-Control-Allow-Origin: *')
  expect(examples.map(({ code }) => code).join('\n')).toContain(
    'add_header Access-Control-Allow-Origin "*" always;',
  )
})

test('a header that names the page’s own origin stays whole', () => {
  const [first] = adviceFor({ kind: 'cors', header: 'http://localhost:9099', proxy: false }, url, '')
  expect(first?.code).toBe('Access-Control-Allow-Origin: http://localhost:9099')
})

test.each([
  [{ kind: 'unreachable' }, 'Nothing answers at example.org:9100'],
  [{ kind: 'proxy', error: 'self-signed certificate' }, 'and that fails: self-signed certificate'],
  [{ kind: 'proxy', error: 'nobody there' }, 'npm start brings it back'],
  [{ kind: 'readable' }, 'can be read now'],
  [{ kind: 'http', status: 404 }, 'nothing at /stats'],
  [{ kind: 'http', status: 401 }, 'user, a password or a token'],
  [{ kind: 'http', status: 403 }, 'HTTP status 403'],
  [{ kind: 'http', status: 503 }, 'its own log'],
  [{ kind: 'http', status: 301 }, 'HTTP status 301 instead of 200'],
] as [Diagnosis, string][])('for %j it is said: %s', (diagnosis, words) => {
  expect(said(diagnosis)).toContain(words)
})

test('an https page is told that it may not read http', () => {
  const words = 'This page came over https'
  expect(said({ kind: 'unreachable' }, url, 'https://example.com')).toContain(words)
  expect(said({ kind: 'unreachable' }, 'https://example.org/metrics', 'https://example.com')).not.toContain(
    words,
  )
  expect(said({ kind: 'unreachable' })).not.toContain(words)
})
