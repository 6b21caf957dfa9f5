import type { ServerResponse } from 'node:http';
import { STREAM_EVENTS } from '@pinlane/contracts/processor';

// Proxies close a connection on which nothing was sent for a minute.
const HEARTBEAT_MS = 15_000;

/** One event of a server-sent stream, with its data as JSON on one line. */
export const sseEvent = (event: keyof typeof STREAM_EVENTS, data: unknown): string => `event: ${STREAM_EVENTS[event]}\ndata: ${JSON.stringify(data)}\n\n`;

export const SSE_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' } as const;

/** An open stream. Nothing more is written after `end`. */
export interface SseStream {
  /** Resolves when the caller is ready for more, or has gone away. */
  progress(data: unknown): Promise<void>;
  end(event: 'done' | 'error', data: unknown): void;
}

/** Opens a stream on an answer to which nothing was written yet. */
export const openStream = (response: ServerResponse): SseStream => {
  response.writeHead(200, SSE_HEADERS);
  const heartbeat = setInterval(() => response.write(': still here\n\n'), HEARTBEAT_MS);
  const stop = () => clearInterval(heartbeat);
  response.once('close', stop);
  let ended = false;

  const drained = (): Promise<void> =>
    new Promise((resolve) => {
      const done = () => {
        response.off('drain', done).off('close', done);
        resolve();
      };
      response.on('drain', done).on('close', done);
    });

  return {
    progress: async (data) => {
      if (ended || response.destroyed) return;
      if (!response.write(sseEvent('progress', data))) await drained();
    },
    end: (event, data) => {
      if (ended) return;
      ended = true;
      stop();
      response.end(sseEvent(event, data));
    },
  };
};
