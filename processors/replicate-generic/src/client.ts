import { setTimeout as delay } from 'node:timers/promises';
import { asProviderError, askProvider, ProcessorError, readJsonObject, type ProviderRequest } from '@pinlane/processor-runtime';
import { creation, isOver, pollDelay, readPrediction, type ModelParams, type Prediction } from './prediction.ts';

const DEFAULT_BASE = 'https://api.replicate.com/v1';
const FIRST_POLL_MS = 500;
const CANCEL_MS = 5_000;
const LEAST_CANCEL_AFTER_S = 5;
const LARGEST_FILE = 2 * 1024 ** 3;

export interface ClientOptions {
  readonly token: string;
  /** The base URL of the API; Replicate's own if absent. */
  readonly base?: string | undefined;
  /** How long to wait before the first poll, in milliseconds. */
  readonly firstPollMs?: number | undefined;
}

/** A file that is being downloaded. */
export interface Download {
  readonly contentType: string | null;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** What this processor needs of Replicate's HTTP API. */
export interface ReplicateClient {
  readonly base: URL;
  /** Starts a prediction. Replicate ends it after `timeoutMs` by itself, in case a cancel, or the answer with its id, gets lost. */
  create(params: ModelParams, signal: AbortSignal, timeoutMs: number): Promise<Prediction>;
  /** Polls until the prediction is over. */
  wait(prediction: Prediction, signal: AbortSignal, onChange: (prediction: Prediction) => Promise<void>): Promise<Prediction>;
  /** Cancels a prediction, even if the run was aborted: nobody would use the result, and it costs money. */
  cancel(prediction: Prediction): Promise<void>;
  download(url: URL, signal: AbortSignal): Promise<Download>;
}

const baseUrl = (text: string): URL => {
  const url = URL.parse(text.trim().replace(/\/+$/, ''));
  if (url === null || !/^https?:$/.test(url.protocol)) throw new ProcessorError('ERR_RUNTIME', 'REPLICATE_API_BASE is not an http or https URL');
  return url;
};

const limited = async function* (url: URL, body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.byteLength;
      if (size > LARGEST_FILE) throw new ProcessorError('ERR_PROVIDER', `a file of the model is larger than ${LARGEST_FILE} bytes`);
      yield chunk;
    }
  } catch (error) {
    throw asProviderError(url, error, signal);
  }
};

/** Makes a client. @throws ERR_RUNTIME, without the value, if the base is no http(s) URL */
export const createClient = ({ token, base = DEFAULT_BASE, firstPollMs = FIRST_POLL_MS }: ClientOptions): ReplicateClient => {
  const root = baseUrl(base);
  const at = (path: string): URL => new URL(`${root.href.replace(/\/+$/, '')}${path}`);
  const headers = { authorization: `Bearer ${token}` };
  const ask = async (path: string, request: ProviderRequest): Promise<Prediction> => {
    const url = at(path);
    return readPrediction(await readJsonObject(url, await askProvider(url, request), request.signal));
  };

  return {
    base: root,
    create: (params, signal, timeoutMs) => {
      const { path, json } = creation(params);
      const seconds = Math.max(Math.ceil(timeoutMs / 1000), LEAST_CANCEL_AFTER_S);
      return ask(path, { method: 'POST', headers: { ...headers, 'cancel-after': `${seconds}s` }, json, signal });
    },
    wait: async (prediction, signal, onChange) => {
      let now = prediction;
      await onChange(now);
      for (let n = 0; !isOver(now); n += 1) {
        await delay(pollDelay(n, firstPollMs), undefined, { signal });
        const next = await ask(`/predictions/${now.id}`, { headers, signal, retries: 5 });
        if (next.status !== now.status) await onChange(next);
        now = next;
      }
      return now;
    },
    cancel: async ({ id }) => {
      const response = await askProvider(at(`/predictions/${id}/cancel`), { method: 'POST', headers, signal: AbortSignal.timeout(CANCEL_MS), retries: 0 });
      await response.body?.cancel();
    },
    download: async (url, signal) => {
      // The token is sent to the API alone. A file elsewhere can be read by anybody who knows its address.
      const response = await askProvider(url, { headers: url.host === root.host ? headers : {}, signal });
      if (response.body === null) throw new ProcessorError('ERR_PROVIDER', `${url.host} answered without a body`);
      return { contentType: response.headers.get('content-type'), bytes: limited(url, response.body, signal) };
    },
  };
};
