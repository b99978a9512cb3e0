import { openAsBlob } from 'node:fs'
import { expect, test } from 'vitest'
import { digests, noise, unpack, utf8 } from './files.ts'

const at = (name: string) => new URL(`archives/${name}`, import.meta.url)

const block = {
  '01J0000000000000000000000A/meta.json': utf8('{"version":1}\n'),
  '01J0000000000000000000000A/chunks/000001': noise(3000),
  '01J0000000000000000000000A/tombstones': new Uint8Array(0),
}

test.each([
  'infozip.zip',
  'infozip-zip64.zip',
  'infozip-descriptors.zip',
  'infozip-comment.zip',
  'python.zip',
  'python-stream.zip',
])('%s is read', async name => {
  expect(digests(await unpack(await openAsBlob(at(name))))).toEqual(digests(block))
})

test.each([
  ['infozip-symlink.zip', 'link: want a file or a folder, have a symbolic link'],
  ['infozip-encrypted.zip', '01J0000000000000000000000A/meta.json: want a plain file, have an encrypted one'],
])('%s is refused', async (name, message) => {
  await expect(unpack(await openAsBlob(at(name)))).rejects.toThrow(message)
})
