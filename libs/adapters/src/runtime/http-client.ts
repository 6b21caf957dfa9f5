import type { ProcessorRequest, ProcessorResponse } from '@pinlane/contracts';

const DEFAULT_TIMEOUT_MS = 60_000;

/** Sends one request on a connection of its own and reads the whole answer. Rejects with Node's own error if there is none. */
export const sendRequest = (to: { readonly socketPath: string } | { readonly port: number }, request: ProcessorRequest): Promise<ProcessorResponse> =>
  new Promise((resolve, reject) => {
    const { method, path, headers = {}, body, timeoutMs = DEFAULT_TIMEOUT_MS, onData } = request;
    const bytes = body === undefined ? undefined : Buffer.from(body as Uint8Array);
    const length = bytes === undefined ? {} : { 'content-length': String(bytes.byteLength) };
    // An import would read every export of the module, and one of them loads all of fetch.
    const outgoing = process
      .getBuiltinModule('node:http')
      .request({ ...to, method, path, agent: false, headers: { host: 'processor', connection: 'close', ...length, ...headers } });
    const timer = setTimeout(() => outgoing.destroy(new Error(`no whole answer to ${method} ${path} within ${timeoutMs} ms`)), timeoutMs);
    // A server may answer before it has read the whole body and then close: the answer counts, not the broken pipe.
    let answered = false;
    outgoing.once('error', (error) => {
      if (answered) return;
      clearTimeout(timer);
      reject(error);
    });
    outgoing.once('response', (incoming) => {
      answered = true;
      const chunks: Uint8Array[] = [];
      incoming.on('data', (chunk: Uint8Array) => {
        chunks.push(chunk);
        onData?.(chunk);
      });
      incoming.once('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      incoming.once('end', () => {
        clearTimeout(timer);
        const plain = Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')] as const);
        resolve({ status: incoming.statusCode ?? 0, headers: Object.fromEntries(plain), body: Buffer.concat(chunks) });
      });
    });
    outgoing.end(bytes);
  });
