/** Keeps what a processor wrote, in the order in which it came, up to a limit; the oldest goes first. */
export interface LogBuffer {
  add(stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  /** Both streams together. */
  all(): string;
  of(stream: 'stdout' | 'stderr'): string;
}

const MAX_BYTES = 4 * 1024 * 1024;

export const createLogBuffer = (maxBytes = MAX_BYTES): LogBuffer => {
  const chunks: { readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }[] = [];
  let size = 0;
  const text = (wanted?: 'stdout' | 'stderr'): string => {
    const parts = chunks.filter(({ stream }) => wanted === undefined || stream === wanted).map(({ bytes }) => bytes);
    return Buffer.concat(parts).toString('utf8');
  };
  return {
    add: (stream, chunk) => {
      chunks.push({ stream, bytes: chunk });
      size += chunk.byteLength;
      while (size > maxBytes && chunks.length > 1) size -= chunks.shift()?.bytes.byteLength ?? 0;
    },
    all: () => text(),
    of: text,
  };
};
