import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ProcessorRequest, ProcessorResponse, RunningProcessor, SpecProjection } from '@pinlane/contracts';
import { ORDINARY, type Subject, type Variant } from './subject/subject.ts';

/** One request to run something, and what came back. */
export interface Exchange {
  readonly on: RunningProcessor;
  readonly executionId: string;
  /** The request's `inputs`, as they were sent. */
  readonly inputs: unknown;
  readonly response: ProcessorResponse;
  /** The folder of the run on this machine, where it was given an ordinary prefix. */
  readonly folder: string;
  /** The folder of its determinism.json on this machine. */
  readonly executionFolder: string;
}

export interface RunOptions {
  readonly on?: RunningProcessor;
  readonly path?: '/run' | '/run-stream';
  readonly executionId?: string;
  /** Members of the request that are to be other than usual; undefined takes one away. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly onData?: (chunk: Uint8Array) => void;
}

/** Starts of the image under test that some rules need. */
export const VARIANTS = ['canaries', 'undigested', 'impatient', 'narrow'] as const;
export type VariantName = (typeof VARIANTS)[number];

/** One run of the suite: what the rules share. */
export interface Session {
  readonly subject: Subject;
  /** A value for each secret that the spec declares, found nowhere else. */
  readonly canaries: Readonly<Record<string, string>>;
  /** Every answer so far, with the processor that gave it. */
  readonly answers: readonly { readonly on: RunningProcessor; readonly response: ProcessorResponse }[];
  send(request: ProcessorRequest, on?: RunningProcessor): Promise<ProcessorResponse>;
  run(options?: RunOptions): Promise<Exchange>;
  /** The mock run that most rules look at; done once. */
  mockRun(): Promise<Exchange>;
  /** The same over /run-stream; done once. */
  mockStream(): Promise<Exchange>;
  /** A variant, started once; asked for early, it is there when it is needed. */
  variant(name: VariantName): Promise<RunningProcessor>;
  /** Stops every variant. */
  end(): Promise<void>;
}

export const PREFIX = 'runs/{execution_id}';

/** The body of a mock run that a sound processor accepts. */
export const validRequest = ({ spec, params }: Subject, executionId: string): Record<string, unknown> => ({
  schema: 'v1',
  execution_id: executionId,
  ref: spec.ref,
  mode: 'mock',
  inputs: { schema: 'v1', params },
  write_prefix: PREFIX,
});

const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
};

const variantsOf = (spec: SpecProjection, canaries: Readonly<Record<string, string>>): Record<VariantName, Variant> => ({
  undigested: { ...ORDINARY, name: 'undigested', digest: false, until: 'answering' },
  canaries: { ...ORDINARY, name: 'canaries', secrets: canaries },
  // So short that every run takes longer.
  impatient: { ...ORDINARY, name: 'impatient', spec: { ...spec, runtime: { ...spec.runtime, timeout_s: 0.000001 } } },
  narrow: { ...ORDINARY, name: 'narrow', spec: { ...spec, runtime: { ...spec.runtime, concurrency: 1 } } },
});

export const createSession = (subject: Subject): Session => {
  const { image: _, ...spec } = subject.spec;
  const names = [...spec.secrets.required, ...spec.secrets.optional];
  const canaries = Object.fromEntries(names.map((name) => [name, `canary-${randomBytes(18).toString('hex')}`]));
  const variants = variantsOf(spec, canaries);
  const started = new Map<VariantName, Promise<RunningProcessor>>();
  const answers: { on: RunningProcessor; response: ProcessorResponse }[] = [];
  let runs = 0;

  const send = async (request: ProcessorRequest, on = subject.running): Promise<ProcessorResponse> => {
    const response = await on.request(request);
    answers.push({ on, response });
    return response;
  };
  const run = async (options: RunOptions = {}): Promise<Exchange> => {
    const on = options.on ?? subject.running;
    const executionId = options.executionId ?? `conformance-${String((runs += 1)).padStart(3, '0')}`;
    const body: Record<string, unknown> = { ...validRequest(subject, executionId), ...options.body };
    const response = await send(
      {
        method: 'POST',
        path: options.path ?? '/run',
        headers: { 'content-type': 'application/json', ...options.headers },
        body: JSON.stringify(body),
        ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
        ...(options.onData === undefined ? {} : { onData: options.onData }),
      },
      on,
    );
    const folder = join(on.artifacts, PREFIX.replace('{execution_id}', executionId));
    return { on, executionId, inputs: body['inputs'], response, folder, executionFolder: join(on.artifacts, 'execution', executionId) };
  };
  const variant = (name: VariantName): Promise<RunningProcessor> => {
    const known = started.get(name) ?? subject.start(variants[name]);
    started.set(name, known);
    // Whoever waits for it sees the error; nobody may wait.
    known.catch(() => {});
    return known;
  };

  return {
    subject,
    canaries,
    answers,
    send,
    run,
    mockRun: once(() => run()),
    mockStream: once(() => run({ path: '/run-stream' })),
    variant,
    end: async () => {
      await Promise.allSettled([...started.values()].map(async (running) => (await running).stop(0)));
    },
  };
};
