import { randomBytes } from 'node:crypto';
import type { ProcessorRequest, ProcessorResponse, RunningProcessor, SpecProjection } from '@pinlane/contracts';
import { AnswerTimeout } from '@pinlane/adapters';
import { openArtifacts, Unreadable, type Artifacts } from '../artifacts/index.ts';
import { ORDINARY, type Subject, type Variant } from './subject.ts';

/** One request for a run, and its answer. */
export interface Exchange {
  readonly on: RunningProcessor;
  readonly executionId: string;
  /** The `inputs` of the request, as they were sent. */
  readonly inputs: unknown;
  readonly response: ProcessorResponse;
  /** The folder of the run below the artifacts root, if its prefix was the ordinary one. */
  readonly folder: string;
  /** The folder of its determinism.json below the artifacts root. */
  readonly executionFolder: string;
}

export interface RunOptions {
  readonly on?: RunningProcessor;
  readonly path?: '/run' | '/run-stream';
  readonly executionId?: string;
  /** Members of the request that differ from the usual ones; undefined leaves one out. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly onData?: (chunk: Uint8Array) => void;
}

/** The variants of the image under test that some rules need. */
export const VARIANTS = ['canaries', 'undigested', 'impatient', 'narrow'] as const;
export type VariantName = (typeof VARIANTS)[number];

/** One run of the suite: what its rules share. */
export interface Session {
  readonly subject: Subject;
  /** A value for each secret that the spec declares. It occurs nowhere else, so whoever finds it has found a leak. */
  readonly canaries: Readonly<Record<string, string>>;
  /** Every answer so far, with the processor that gave it. */
  readonly answers: readonly { readonly on: RunningProcessor; readonly response: ProcessorResponse }[];
  send(request: ProcessorRequest, on?: RunningProcessor): Promise<ProcessorResponse>;
  run(options?: RunOptions): Promise<Exchange>;
  /** Reads what a processor left below its artifacts root. */
  artifacts(on: RunningProcessor): Artifacts;
  /** The mock run that most rules look at; made once. */
  mockRun(): Promise<Exchange>;
  /** The same run over /run-stream; made once. */
  mockStream(): Promise<Exchange>;
  /** A variant. The first call starts it, so that an early call saves whoever needs it the wait. */
  variant(name: VariantName): Promise<RunningProcessor>;
  /** Stops every variant. */
  end(): Promise<void>;
}

const PREFIX = 'runs/{execution_id}';

/** The body of a request that every sound processor accepts, for one execution. */
export const requestBody = (ref: string, executionId: string, params: unknown, mode: 'mock' | 'real' = 'mock'): Record<string, unknown> => ({
  schema: 'v1',
  execution_id: executionId,
  ref,
  mode,
  inputs: { schema: 'v1', params },
  write_prefix: PREFIX,
});

/** Where a run with that body puts its files, relative to the artifacts root and written as the caller wrote the prefix. */
export const prefixOf = (executionId: string): string => PREFIX.replace('{execution_id}', executionId);

const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
};

const canariesOf = ({ secrets }: SpecProjection): Record<string, string> =>
  Object.fromEntries([...secrets.required, ...secrets.optional].map((name) => [name, `canary-${randomBytes(18).toString('hex')}`]));

const variantsOf = (spec: SpecProjection, canaries: Readonly<Record<string, string>>): Record<VariantName, Variant> => ({
  undigested: { ...ORDINARY, name: 'undigested', digest: false, until: 'answering' },
  canaries: { ...ORDINARY, name: 'canaries', secrets: canaries },
  // Every run takes longer than that.
  impatient: { ...ORDINARY, name: 'impatient', spec: { ...spec, runtime: { ...spec.runtime, timeout_s: 0.000001 } } },
  narrow: { ...ORDINARY, name: 'narrow', spec: { ...spec, runtime: { ...spec.runtime, concurrency: 1 } } },
});

/** Starts each variant once, and stops all. */
const variantStarter = (subject: Subject, variants: Record<VariantName, Variant>): Pick<Session, 'variant' | 'end'> => {
  const started = new Map<VariantName, Promise<RunningProcessor>>();
  return {
    variant: (name) => {
      const known = started.get(name) ?? subject.start(variants[name]);
      started.set(name, known);
      // A rule that waits for it sees the error; if no rule does, it must not end the process as one that nobody handled.
      known.catch(() => {});
      return known;
    },
    end: async () => {
      await Promise.allSettled([...started.values()].map(async (running) => (await running).stop(0)));
    },
  };
};

/** How many bytes all answers may hold together, because they are kept. */
export const ANSWERS_BYTES_AT_MOST = 256 * 2 ** 20;
/** How long an answer may take, in ms: at first, and once a request went without one. */
export const PATIENCE_MS = { first: 60_000, then: 2_000 } as const;

/** Sends requests to the processor that runs the ordinary way, unless another one is named, and keeps the answers. */
const sender = (subject: Subject, signal: AbortSignal): Pick<Session, 'answers' | 'send'> => {
  const answers: { on: RunningProcessor; response: ProcessorResponse }[] = [];
  const flood = new AbortController();
  const either = AbortSignal.any([signal, flood.signal]);
  let bytes = 0;
  let patience: number = PATIENCE_MS.first;
  const count = (chunk: Uint8Array): void => {
    bytes += chunk.byteLength;
    if (bytes > ANSWERS_BYTES_AT_MOST) flood.abort(new Unreadable(`the answers hold more than ${ANSWERS_BYTES_AT_MOST} bytes together`));
  };
  return {
    answers,
    send: async ({ onData, ...request }, on = subject.running) => {
      const onEach = (chunk: Uint8Array): void => {
        count(chunk);
        onData?.(chunk);
      };
      const answer = on.request({ timeoutMs: patience, ...request, signal: either, onData: onEach });
      const response = await answer.catch((error: unknown) => {
        if (error instanceof AnswerTimeout && request.timeoutMs === undefined) patience = PATIENCE_MS.then;
        throw error;
      });
      answers.push({ on, response });
      return response;
    },
  };
};

/** Asks for runs, each under an execution id of its own unless one is named. */
const runner = (subject: Subject, send: Session['send']): Session['run'] => {
  let runs = 0;
  return async (options = {}) => {
    const on = options.on ?? subject.running;
    const executionId = options.executionId ?? `${subject.executions}-${String((runs += 1)).padStart(3, '0')}`;
    const body = { ...requestBody(subject.spec.ref, executionId, subject.params), ...options.body };
    const request: ProcessorRequest = {
      method: 'POST',
      path: options.path ?? '/run',
      headers: { 'content-type': 'application/json', ...options.headers },
      body: JSON.stringify(body),
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
      ...(options.onData === undefined ? {} : { onData: options.onData }),
    };
    const response = await send(request, on);
    return { on, executionId, inputs: body['inputs'], response, folder: prefixOf(executionId), executionFolder: `execution/${executionId}` };
  };
};

/** Begins one run of the suite on a subject; whoever begins it ends it. */
export const createSession = (subject: Subject, signal: AbortSignal): Session => {
  const { image: _, ...spec } = subject.spec;
  const canaries = canariesOf(spec);
  const { answers, send } = sender(subject, signal);
  const run = runner(subject, send);
  return {
    subject,
    canaries,
    answers,
    send,
    run,
    artifacts: (on) => openArtifacts(on.artifacts, { signal }),
    mockRun: once(() => run()),
    mockStream: once(() => run({ path: '/run-stream' })),
    ...variantStarter(subject, variantsOf(spec, canaries)),
  };
};
