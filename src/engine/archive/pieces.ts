/** The same bytes in views of at most `size` bytes. */
export async function* split<B extends ArrayBufferLike>(
  source: AsyncIterable<Uint8Array<B>>,
  size: number,
): AsyncGenerator<Uint8Array<B>> {
  for await (const piece of source) {
    for (let from = 0; from < piece.length; from += size) yield piece.subarray(from, from + size)
  }
}

/** The same bytes in pieces of `size` bytes, the last one shorter. Each owns its buffer, which may so be transferred
 *  to another thread. */
export async function* regroup(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let group = new Uint8Array(size)
  let filled = 0
  for await (const piece of split(source, size)) {
    const head = piece.subarray(0, size - filled)
    group.set(head, filled)
    filled += head.length
    if (filled < size) continue
    yield group
    group = new Uint8Array(size)
    group.set(piece.subarray(head.length))
    filled = piece.length - head.length
  }
  if (filled > 0) yield group.slice(0, filled)
}
