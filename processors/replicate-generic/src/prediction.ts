import { ProcessorError } from '@pinlane/processor-runtime';

/** `inputs.params`, as registry.yaml describes them. */
export interface ModelParams {
  /** owner/name, or owner/name:version. */
  readonly model: string;
  readonly input: Readonly<Record<string, unknown>>;
}

const STATUSES = ['starting', 'processing', 'succeeded', 'failed', 'canceled', 'aborted'] as const;
export type PredictionStatus = (typeof STATUSES)[number];

/** What Replicate says of a prediction. */
export interface Prediction {
  readonly id: string;
  readonly status: PredictionStatus;
  readonly output: unknown;
  readonly error: string | null;
  /** The time of computing in seconds, if it is known. */
  readonly predictSeconds: number | null;
}

const malformed = (why: string): never => {
  throw new ProcessorError('ERR_PROVIDER', `Replicate answered with a prediction that ${why}`);
};

/** Reads an answer of the predictions API. @throws ERR_PROVIDER if it is malformed */
export const readPrediction = (body: Readonly<Record<string, unknown>>): Prediction => {
  const { id, status, output = null, error, metrics } = body;
  // The id becomes a part of the URLs of later requests.
  if (typeof id !== 'string' || !/^[A-Za-z0-9_-]{1,100}$/.test(id)) return malformed('has no valid id');
  const known = STATUSES.find((name) => name === status) ?? malformed(`has the unknown status ${JSON.stringify(status)?.slice(0, 50)}`);
  const seconds = (metrics as { predict_time?: unknown } | null | undefined)?.predict_time;
  return {
    id,
    status: known,
    output,
    error: error === null || error === undefined ? null : String(error).slice(0, 1000),
    predictSeconds: typeof seconds === 'number' ? seconds : null,
  };
};

/** Whether a prediction has ended, well or not. */
export const isOver = ({ status }: Prediction): boolean => status !== 'starting' && status !== 'processing';

/** The path below the API's base, and the body, that start a prediction: of a version if one is named, else of a model. */
export const creation = ({ model, input }: ModelParams): { readonly path: string; readonly json: Readonly<Record<string, unknown>> } => {
  const [name, version] = model.split(':', 2) as [string, string?];
  return version === undefined ? { path: `/models/${name}/predictions`, json: { input } } : { path: '/predictions', json: { version, input } };
};

/** How long to wait before the n-th poll, in milliseconds: each wait is longer than the one before, up to a limit. */
export const pollDelay = (n: number, firstMs: number): number => Math.min(firstMs * 1.5 ** n, firstMs * 10);
