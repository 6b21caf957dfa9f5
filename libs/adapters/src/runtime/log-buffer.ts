type Stream = 'stdout' | 'stderr';

/** Keeps what a processor wrote, in the order in which it came, up to a limit; the oldest goes first. */
export interface LogBuffer {
  add(stream: Stream, chunk: Uint8Array): void;
  /** Both streams together. If something is not kept any more, the first line says so. */
  all(): string;
  /** One of the streams, from its first whole line. */
  of(stream: Stream): string;
  /** How many bytes are not kept any more. */
  unkept(): number;
}

/** How much is kept of what one processor writes to stdout and stderr, in bytes. */
export const LOG_BYTES_AT_MOST = 4 * 1024 * 1024;

/** Pieces are joined up to this size: each of them takes memory, be it of one byte. */
const PIECE = 4096;
/** What a piece takes besides its bytes. */
const OVERHEAD = 256;

/** How much a processor may write in all, in bytes, before it is ended: whoever writes without end is listened to no longer. */
export const LOG_FLOOD_BYTES = 64 * 1024 * 1024;

export interface LogOptions {
  readonly maxBytes?: number;
  readonly floodBytes?: number;
  /** Called once more than `floodBytes` have come, with what is to be said of it. */
  readonly onFlood?: (why: string) => void;
}

export const createLogBuffer = ({ maxBytes = LOG_BYTES_AT_MOST, floodBytes = LOG_FLOOD_BYTES, onFlood }: LogOptions = {}): LogBuffer => {
  let received = 0;
  let pieces: { readonly stream: Stream; readonly bytes: Uint8Array }[] = [];
  /** Those before it are gone; they are taken out of the list together, since taking out the first moves all others. */
  let first = 0;
  let size = 0;
  let unkept = 0;
  const cut = new Set<Stream>();
  const text = (wanted?: Stream): string =>
    Buffer.concat(pieces.slice(first).flatMap(({ stream, bytes }) => (wanted === undefined || stream === wanted ? [bytes] : []))).toString('utf8');
  const drop = (): void => {
    const oldest = pieces[first] as (typeof pieces)[number];
    first += 1;
    size -= oldest.bytes.byteLength + OVERHEAD;
    unkept += oldest.bytes.byteLength;
    cut.add(oldest.stream);
    if (first < pieces.length / 2) return;
    pieces = pieces.slice(first);
    first = 0;
  };
  return {
    add: (stream, chunk) => {
      const before = received;
      received += chunk.byteLength;
      if (before <= floodBytes && received > floodBytes) onFlood?.(`was ended, because it wrote more than ${floodBytes} bytes to its log`);
      const last = pieces.at(-1);
      if (last?.stream === stream && last.bytes.byteLength + chunk.byteLength <= PIECE) {
        pieces[pieces.length - 1] = { stream, bytes: Buffer.concat([last.bytes, chunk]) };
        size += chunk.byteLength;
      } else {
        pieces.push({ stream, bytes: chunk });
        size += chunk.byteLength + OVERHEAD;
      }
      while (size > maxBytes && pieces.length - first > 1) drop();
    },
    all: () => `${unkept === 0 ? '' : `[the first ${unkept} bytes are not kept; of a log the last ${maxBytes} are]\n`}${text()}`,
    of: (stream) => (cut.has(stream) ? text(stream).replace(/^[^\n]*\n?/, '') : text(stream)),
    unkept: () => unkept,
  };
};

/** How much is kept of what a processor writes that runs without end, in bytes: enough for the message of a start that fails. */
const TAIL_BYTES = 256 * 1024;

/** The buffer of one start. What is taken elsewhere as it comes may go on without end, and ends nobody. */
export const logBufferFor = (onOutput: ((chunk: Uint8Array) => void) | undefined, onFlood: (why: string) => void): LogBuffer => {
  if (onOutput === undefined) return createLogBuffer({ onFlood });
  const buffer = createLogBuffer({ maxBytes: TAIL_BYTES, floodBytes: Infinity });
  return {
    ...buffer,
    add: (stream, chunk) => {
      buffer.add(stream, chunk);
      onOutput(chunk);
    },
  };
};
