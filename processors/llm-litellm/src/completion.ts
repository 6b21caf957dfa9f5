import { ProcessorError } from '@pinlane/processor-runtime';

/** `inputs.params`, as registry.yaml describes them. */
export interface CompletionParams {
  readonly model: string;
  readonly messages: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string }[];
  readonly temperature?: number;
  readonly top_p?: number;
  readonly max_tokens?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
}

/** How many tokens were used, as the gateway counts them. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

export interface Completion {
  readonly text: string;
  readonly model: string;
  readonly finishReason: string | null;
  readonly usage: Usage | null;
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const malformed = (why: string): never => {
  throw new ProcessorError('ERR_PROVIDER', `the gateway answered with a completion that ${why}`);
};

const usageOf = (value: unknown): Usage | null => {
  if (!isObject(value)) return null;
  const count = (name: string): number => (typeof value[name] === 'number' ? value[name] : 0);
  return { prompt_tokens: count('prompt_tokens'), completion_tokens: count('completion_tokens'), total_tokens: count('total_tokens') };
};

/** The first choice of an answer, or of a piece of one; null if it has none, like the last piece of a stream. */
const firstChoice = (body: Json): Json | null => {
  const choices = body['choices'];
  if (!Array.isArray(choices)) return malformed('has no choices');
  const [choice] = choices as unknown[];
  return choice === undefined ? null : isObject(choice) ? choice : malformed('has a choice that is not an object');
};

/** Reads an answer that came as a whole. @throws ERR_PROVIDER if it is malformed or holds no text */
export const readCompletion = (body: Json, asked: string): Completion => {
  const choice = firstChoice(body) ?? malformed('has no choices');
  const message = choice['message'];
  const text = isObject(message) ? message['content'] : undefined;
  if (typeof text !== 'string') return malformed('holds no text');
  const finishReason = typeof choice['finish_reason'] === 'string' ? choice['finish_reason'] : null;
  return { text, model: typeof body['model'] === 'string' ? body['model'] : asked, finishReason, usage: usageOf(body['usage']) };
};

/** One piece of a streamed answer. */
export interface CompletionPiece {
  readonly text: string;
  readonly model: string | null;
  readonly finishReason: string | null;
  readonly usage: Usage | null;
}

/** Reads one piece of a streamed answer. @throws ERR_PROVIDER if it is malformed or reports an error */
export const readPiece = (data: string): CompletionPiece => {
  let body: unknown;
  try {
    body = JSON.parse(data);
  } catch {
    return malformed('has a piece that is not JSON');
  }
  if (!isObject(body)) return malformed('has a piece that is not an object');
  const error = body['error'];
  if (error !== undefined && error !== null) {
    const message = isObject(error) && typeof error['message'] === 'string' ? error['message'] : JSON.stringify(error);
    throw new ProcessorError('ERR_PROVIDER', `the gateway failed in the middle of its answer: ${message.slice(0, 500)}`);
  }
  const choice = firstChoice(body);
  const delta = choice?.['delta'];
  const text = isObject(delta) && typeof delta['content'] === 'string' ? delta['content'] : '';
  const finish = choice?.['finish_reason'];
  return {
    text,
    model: typeof body['model'] === 'string' ? body['model'] : null,
    finishReason: typeof finish === 'string' ? finish : null,
    usage: usageOf(body['usage']),
  };
};
