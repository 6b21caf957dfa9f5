import type { ProcessorRequest, ProcessorResponse } from '@pinlane/contracts';

/** What is taken of one answer of a processor. An answer that is more is none. */
export const ANSWER_LIMITS = {
  /** Bytes of its body. */
  bodyBytes: 8 * 2 ** 20,
  /** Bytes of its header. */
  headerBytes: 16 * 1024,
  /** Answers of the kind `100 Continue` before it. */
  interim: 16,
} as const;

const DEFAULT_TIMEOUT_MS = 60_000;

/** Thrown if a processor did not answer in time. */
export class AnswerTimeout extends Error {}

/**
 * Sends one request on a connection of its own and reads the whole answer, of {@link ANSWER_LIMITS} at most and within the time of the request, however the
 * answer comes. Rejects if there is none: with an AnswerTimeout, the signal's reason, or an error that says what is wrong with it. Nothing is redirected.
 */
export const sendRequest = (
  to: { readonly socketPath: string } | { readonly port: number } | { readonly url: URL },
  request: ProcessorRequest,
): Promise<ProcessorResponse> =>
  new Promise((resolve, reject) => {
    const { method, path, headers = {}, body, timeoutMs = DEFAULT_TIMEOUT_MS, onData, signal } = request;
    signal?.throwIfAborted();
    const bytes = body === undefined ? undefined : Buffer.from(body as Uint8Array);
    const length = bytes === undefined ? {} : { 'content-length': String(bytes.byteLength) };
    const { bodyBytes, headerBytes, interim } = ANSWER_LIMITS;
    // An import would read every export of the module, and one of them loads all of fetch.
    const { url } = { url: undefined, ...to };
    const target = url === undefined ? to : { protocol: url.protocol, hostname: url.hostname, port: url.port };
    const outgoing = process.getBuiltinModule(url?.protocol === 'https:' ? 'node:https' : 'node:http').request({
      ...target,
      method,
      path: `${url?.pathname.replace(/\/+$/, '') ?? ''}${path}`,
      agent: false,
      maxHeaderSize: headerBytes,
      headers: { host: url?.host ?? 'processor', connection: 'close', ...length, ...headers },
    });
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      settle();
      outgoing.destroy();
    };
    const giveUp = (error: Error): void => end(() => reject(error));
    const tooMuch = (what: string): void => giveUp(new Error(`the answer to ${method} ${path} has ${what}`));
    const abort = (): void => giveUp(signal?.reason as Error);
    const timer = setTimeout(() => giveUp(new AnswerTimeout(`no whole answer to ${method} ${path} within ${timeoutMs} ms`)), timeoutMs);
    signal?.addEventListener('abort', abort, { once: true });
    let before = 0;
    outgoing.on('information', () => (before += 1) > interim && tooMuch(`more than ${interim} interim answers before it`));
    outgoing.once('upgrade', () => tooMuch('another protocol than HTTP'));
    // A server may answer before it has read the whole body and then close: the answer counts, not the broken pipe.
    let answered = false;
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'HPE_HEADER_OVERFLOW') tooMuch(`a header of more than ${headerBytes} bytes`);
      else if (!answered) giveUp(error);
    });
    outgoing.once('response', (incoming) => {
      answered = true;
      const chunks: Uint8Array[] = [];
      let size = 0;
      incoming.on('data', (chunk: Uint8Array) => {
        size += chunk.byteLength;
        if (size > bodyBytes) return tooMuch(`more than ${bodyBytes} bytes`);
        chunks.push(chunk);
        onData?.(chunk);
      });
      incoming.on('error', giveUp);
      incoming.once('close', () => giveUp(new Error(`the connection ended before the answer to ${method} ${path} was whole`)));
      incoming.once('end', () => {
        const plain = Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')] as const);
        end(() => resolve({ status: incoming.statusCode ?? 0, headers: Object.fromEntries(plain), body: Buffer.concat(chunks) }));
      });
    });
    outgoing.end(bytes);
  });
