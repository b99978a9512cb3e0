import { expect, test } from 'vitest'
import { jobOf, readDraft } from '../../../src/ui/targets/newtarget.ts'

const read = (url: string, job = '', interval = '') => readDraft({ url, job, interval })

test.each([
  ['localhost:9100', 'http://localhost:9100/metrics'],
  ['  localhost:9100  ', 'http://localhost:9100/metrics'],
  ['localhost:9100/', 'http://localhost:9100/metrics'],
  ['example.org', 'http://example.org/metrics'],
  ['http://localhost:8080/actuator/prometheus', 'http://localhost:8080/actuator/prometheus'],
  ['https://example.org', 'https://example.org/metrics'],
  ['HTTPS://Example.ORG/m?a=b', 'https://example.org/m?a=b'],
  ['[::1]:9100', 'http://[::1]:9100/metrics'],
  ['localhost:9100/metrics#frag', 'http://localhost:9100/metrics'],
])('%j is the target %s', (text, url) => {
  expect(read(text)).toMatchObject({ target: { url } })
})

test.each([
  ['', 'Want an address, such as localhost:9100.'],
  ['   ', 'Want an address, such as localhost:9100.'],
  ['http://', 'This is no address. Want host:port or a URL.'],
  ['localhost:99999', 'This is no address. Want host:port or a URL.'],
  ['two words', 'This is no address. Want host:port or a URL.'],
  ['ftp://localhost/metrics', 'Want http or https, found ftp.'],
  ['http://me:secret@localhost:9100', 'A browser cannot send a user and password that stand in the URL.'],
])('%j is refused', (text, message) => {
  expect(read(text)).toEqual({ errors: { url: message } })
})

test.each([
  ['', 15_000],
  ['5s', 5000],
  ['1m30s', 90_000],
])('an interval of %j is %d ms', (interval, intervalMs) => {
  expect(read('localhost:9100', 'node', interval)).toMatchObject({ target: { intervalMs } })
})

test.each(['0', '0s', '500ms', '5', 'soon', '-1s'])('an interval of %j is refused', interval => {
  expect(read('localhost:9100', 'node', interval)).toMatchObject({ errors: { interval: expect.any(String) } })
})

test('every wrong field is told at once', () => {
  expect(read('', '', 'soon')).toMatchObject({
    errors: { url: expect.any(String), interval: expect.any(String) },
  })
})

test('the job is as written, or the name of the host', () => {
  expect(read('localhost:9100', ' node ')).toMatchObject({ target: { job: 'node' } })
  expect(read('example.org:9100')).toMatchObject({ target: { job: 'example.org' } })
  expect(jobOf({ url: 'example.org:9100', job: '', interval: '' })).toBe('example.org')
  expect(jobOf({ url: '', job: '', interval: '' })).toBe('')
})
