import { ProcessorError, type RealContext } from '@pinlane/processor-runtime';
import type { ReplicateClient } from './client.ts';
import { isOver, type ModelParams, type Prediction } from './prediction.ts';

/**
 * Runs a prediction to its end, and cancels it if the run is cut short by its time limit or by its caller.
 * @throws ERR_PROVIDER if the model failed
 */
export const predict = async (client: ReplicateClient, context: RealContext<ModelParams>): Promise<Prediction> => {
  const { params, signal, log } = context;
  const created = await client.create(params, signal, context.timeoutMs);
  log.info('prediction.created', { prediction: created.id });
  let last = created;
  try {
    last = await client.wait(created, signal, async (prediction) => {
      last = prediction;
      await context.progress({ phase: 'prediction', id: prediction.id, status: prediction.status });
    });
  } catch (error) {
    if (!isOver(last)) await cancel(client, context, last);
    throw error;
  }
  if (last.status !== 'succeeded') throw new ProcessorError('ERR_PROVIDER', `the model ${last.status}${last.error === null ? '' : `: ${last.error}`}`);
  return last;
};

const cancel = async (client: ReplicateClient, { log }: RealContext<ModelParams>, prediction: Prediction): Promise<void> => {
  try {
    await client.cancel(prediction);
    log.info('prediction.cancelled', { prediction: prediction.id });
  } catch (error) {
    log.warn('prediction.cancel-failed', { prediction: prediction.id, error });
  }
};
