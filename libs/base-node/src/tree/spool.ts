import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { fail, type Digest } from '@pinlane/contracts';
import { aboutFile, createSha256 } from '@pinlane/oci';

const CHUNK = 256 * 1024;

/** A content that a spool holds: the part of a file's entry that depends on it. */
export interface Kept {
  /** In bytes. */
  readonly size: number;
  readonly sha256: Digest;
  /** Its bytes; a chunk is valid until the next one is asked for. */
  open(): AsyncGenerator<Uint8Array, void, void>;
}

/**
 * One file on disk that holds the bytes of many, so that a tree can be sorted without being held in memory. Reads and writes are synchronous:
 * they go to the page cache, and thousands of small asynchronous ones would each wait in the thread pool behind gzip.
 */
export class Spool {
  readonly #file: string;
  readonly #descriptor: number;
  #end = 0;

  /** @param file a path at which nothing is yet */
  constructor(file: string) {
    this.#file = file;
    this.#descriptor = openSync(file, 'wx+', 0o600);
  }

  /** Takes in a stream, one at a time. */
  async keep(stream: AsyncIterable<Uint8Array>): Promise<Kept> {
    const start = this.#end;
    const hash = createSha256();
    await aboutFile(this.#file, async () => {
      for await (const chunk of stream) {
        hash.update(chunk);
        for (let written = 0; written < chunk.length;) written += writeSync(this.#descriptor, chunk, written, chunk.length - written, this.#end + written);
        this.#end += chunk.length;
      }
    });
    const { size } = hash;
    return { size, sha256: hash.digest(), open: () => this.#chunks(start, size) };
  }

  async *#chunks(start: number, size: number): AsyncGenerator<Uint8Array, void, void> {
    // One buffer for all chunks: hundreds of megabytes of new ones would keep the garbage collector busy.
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size));
    for (let done = 0; done < size;) {
      const count = readSync(this.#descriptor, chunk, 0, Math.min(chunk.length, size - done), start + done);
      if (count === 0) fail('ERR_INTERNAL', 'the spool is shorter than what was written to it');
      done += count;
      yield chunk.subarray(0, count);
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
