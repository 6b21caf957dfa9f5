import { defineProcessor, type RunContext } from '@pinlane/processor-runtime';
import type { Completion, CompletionParams } from './completion.ts';
import { complete } from './gateway.ts';
import { mockCompletion, pieces } from './mock.ts';

const write = async (context: RunContext<CompletionParams>, { text, model, finishReason, usage }: Completion) => {
  await context.output('text/response.txt', text);
  await context.output('response.json', `${JSON.stringify({ model, finish_reason: finishReason, usage }, null, 2)}\n`);
  return { model, finish_reason: finishReason, ...(usage === null ? {} : { usage }) };
};

/** Chat completions through a LiteLLM gateway, or through any other service with OpenAI's API. */
export const processor = defineProcessor<CompletionParams>({
  mock: async (context) => {
    const completion = mockCompletion(context.params);
    for (const delta of pieces(completion.text)) await context.progress({ phase: 'text', delta });
    return write(context, completion);
  },
  real: async (context) => write(context, await complete(context, (delta) => context.progress({ phase: 'text', delta }))),
});
