import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fail } from '@pinlane/contracts';
import type { Content } from './entry.ts';

const CHUNK = 256 * 1024;

/**
 * One file on disk that holds the bytes of many, so that a tree can be sorted without being held in memory. Reads and writes are synchronous:
 * they go to the page cache, and thousands of small asynchronous ones would each wait in the thread pool behind gzip.
 */
export class Spool {
  readonly #descriptor: number;
  #end = 0;

  /** @param file a path at which nothing is yet */
  constructor(file: string) {
    this.#descriptor = openSync(file, 'wx+', 0o600);
  }

  /** Takes in a stream and answers where to find it again. */
  async keep(stream: AsyncIterable<Uint8Array>): Promise<Content> {
    const start = this.#end;
    for await (const chunk of stream) {
      for (let written = 0; written < chunk.length;) written += writeSync(this.#descriptor, chunk, written, chunk.length - written, this.#end + written);
      this.#end += chunk.length;
    }
    const size = this.#end - start;
    return { size, open: () => (size <= CHUNK ? this.#read(start, size) : Readable.from(this.#chunks(start, size), { objectMode: false })) };
  }

  #read(start: number, size: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(size);
    for (let done = 0; done < size;) {
      const count = readSync(this.#descriptor, bytes, done, size - done, start + done);
      if (count === 0) fail('ERR_INTERNAL', 'the spool is shorter than what was written to it');
      done += count;
    }
    return bytes;
  }

  *#chunks(start: number, size: number): Generator<Uint8Array> {
    for (let done = 0; done < size; done += CHUNK) yield this.#read(start + done, Math.min(CHUNK, size - done));
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
