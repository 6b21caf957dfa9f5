/** Takes exact amounts from a stream of chunks. */
export interface Intake {
  /** At most `most` bytes, at least one; undefined at the end. They are lent: good until the source is asked for its next chunk. */
  some(most: number): Promise<Uint8Array | undefined>;
  /** Exactly `size` bytes, a copy; undefined if the stream ends before the first. @throws what `cutOff` throws if it ends before the last */
  exactly(size: number): Promise<Buffer | undefined>;
  /** What has come and is not taken yet; it may be nothing. Lent, as above. */
  ahead(): Buffer;
  /** Everything up to the end. */
  rest(): AsyncGenerator<Uint8Array, void, void>;
  /** Lets the source go, so that files and streams behind it are closed. */
  close(): Promise<void>;
}

export const createIntake = (chunks: AsyncIterable<Uint8Array>, cutOff: () => never): Intake => {
  const source = chunks[Symbol.asyncIterator]();
  let chunk: Uint8Array = new Uint8Array();

  const some = async (most: number): Promise<Uint8Array | undefined> => {
    while (chunk.length === 0) {
      const next = await source.next();
      if (next.done) return undefined;
      chunk = next.value;
    }
    const taken = chunk.subarray(0, most);
    chunk = chunk.subarray(taken.length);
    return taken;
  };

  return {
    some,
    async exactly(size) {
      if (chunk.length >= size) return Buffer.from((await some(size))!);
      const parts: Uint8Array[] = [];
      for (let missing = size; missing > 0;) {
        const part = await some(missing);
        if (part === undefined) return parts.length === 0 ? undefined : cutOff();
        parts.push(Buffer.from(part));
        missing -= part.length;
      }
      return Buffer.concat(parts);
    },
    ahead: () => Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length),
    async *rest() {
      for (let part = await some(Infinity); part !== undefined; part = await some(Infinity)) yield part;
    },
    async close() {
      await source.return?.();
    },
  };
};
