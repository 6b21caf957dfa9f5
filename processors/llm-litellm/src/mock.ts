import type { Completion, CompletionParams } from './completion.ts';

const words = (text: string): string[] => text.match(/\S+\s*/g) ?? [];

/** An answer that depends on the params alone: it repeats the last question. Its tokens are counted as words. */
export const mockCompletion = ({ model, messages }: CompletionParams): Completion => {
  const asked = messages.findLast(({ role }) => role === 'user') ?? messages.at(-1);
  const text = `Mock answer of ${model}: ${asked?.content ?? ''}`;
  const prompt = messages.reduce((sum, { content }) => sum + words(content).length, 0);
  const completion = words(text).length;
  return { text, model, finishReason: 'stop', usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion } };
};

/** The pieces in which a mock answer is streamed; joined, they are the answer. */
export const pieces = (text: string): string[] => words(text);
