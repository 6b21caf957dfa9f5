import { defineProcessor, type RealContext, type RunContext } from '@pinlane/processor-runtime';
import { createClient } from './client.ts';
import { fileType, sortOutput, type OutputFile } from './output.ts';
import { predict } from './predict.ts';
import type { ModelParams } from './prediction.ts';

const writePrediction = (context: RunContext<ModelParams>, output: unknown) =>
  context.output('prediction.json', `${JSON.stringify({ model: context.params.model, status: 'succeeded', output }, null, 2)}\n`);

const mock = async (context: RunContext<ModelParams>) => {
  const { model } = context.params;
  await context.progress({ phase: 'prediction', id: 'mock', status: 'succeeded' });
  const text = `Mock output of ${model} for inputs ${context.inputsHash.slice(0, 16)}`;
  await context.output('text/output.txt', text);
  await writePrediction(context, text);
};

/** Makes the handler of real runs; tests make it poll more often. */
export const realWith = (firstPollMs?: number) => async (context: RealContext<ModelParams>) => {
  const client = createClient({ token: context.secret('REPLICATE_API_TOKEN'), base: context.optionalSecret('REPLICATE_API_BASE'), firstPollMs });
  const prediction = await predict(client, context);
  const { files, text, describe } = sortOutput(prediction.output, client.base);
  const names = new Map<OutputFile, string>();
  for (const file of files) {
    const { contentType, bytes } = await client.download(file.url, context.signal);
    const { mime, extension } = fileType(file.url, contentType);
    const path = `${file.stem}.${extension}`;
    names.set(file, path);
    await context.output(path, bytes, { mime });
    await context.progress({ phase: 'file', path });
  }
  if (text !== null) await context.output('text/output.txt', text);
  await writePrediction(
    context,
    describe((file) => names.get(file) ?? null),
  );
  return { prediction: prediction.id, ...(prediction.predictSeconds === null ? {} : { predict_seconds: prediction.predictSeconds }) };
};

/** Runs any model that Replicate hosts. */
export const processor = defineProcessor<ModelParams>({ mock, real: realWith() });
