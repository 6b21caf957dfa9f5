import { asProviderError, askProvider, ProcessorError, readJsonObject, type RealContext } from '@pinlane/processor-runtime';
import { readCompletion, readPiece, type Completion, type CompletionParams } from './completion.ts';
import { eventData } from './server-sent-events.ts';

const DEFAULT_BASE = 'https://api.openai.com/v1';
const LONGEST_TEXT = 16 * 1024 * 1024;

/** The URL for completions, below the base that LITELLM_API_BASE names. @throws ERR_RUNTIME, without the value, if that is no http(s) URL */
export const completionsUrl = (base: string = DEFAULT_BASE): URL => {
  const url = URL.parse(`${base.trim().replace(/\/+$/, '')}/chat/completions`);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new ProcessorError('ERR_RUNTIME', 'LITELLM_API_BASE is not an http or https URL');
  return url;
};

/** Gathers a streamed answer, and reports each piece as progress. @throws ERR_PROVIDER if the stream breaks off */
const gather = async (bytes: AsyncIterable<Uint8Array>, asked: string, onText: (text: string) => Promise<void>): Promise<Completion> => {
  let completion: Completion = { text: '', model: asked, finishReason: null, usage: null };
  let finished = false;
  for await (const data of eventData(bytes)) {
    if (data === '[DONE]') {
      finished = true;
      break;
    }
    const piece = readPiece(data);
    completion = {
      text: completion.text + piece.text,
      model: piece.model ?? completion.model,
      finishReason: piece.finishReason ?? completion.finishReason,
      usage: piece.usage ?? completion.usage,
    };
    if (completion.text.length > LONGEST_TEXT) throw new ProcessorError('ERR_PROVIDER', 'the gateway answered with more text than can be kept');
    if (piece.text !== '') await onText(piece.text);
  }
  if (!finished && completion.finishReason === null) throw new ProcessorError('ERR_PROVIDER', 'the gateway broke off in the middle of its answer');
  return completion;
};

/** Asks the gateway for a completion, as a stream if the caller listens to progress. @throws ERR_PROVIDER */
export const complete = async (context: RealContext<CompletionParams>, onText: (text: string) => Promise<void>): Promise<Completion> => {
  const { params, signal, streaming } = context;
  const url = completionsUrl(context.optionalSecret('LITELLM_API_BASE'));
  const json = streaming ? { ...params, stream: true, stream_options: { include_usage: true } } : params;
  const headers = { authorization: `Bearer ${context.secret('OPENAI_API_KEY')}`, accept: streaming ? 'text/event-stream' : 'application/json' };
  const response = await askProvider(url, { method: 'POST', headers, json, signal });
  if (!streaming) return readCompletion(await readJsonObject(url, response, signal), params.model);
  if (response.body === null) throw new ProcessorError('ERR_PROVIDER', 'the gateway answered without a body');
  try {
    return await gather(response.body, params.model, onText);
  } catch (error) {
    throw asProviderError(url, error, signal);
  }
};
