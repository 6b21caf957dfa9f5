import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ErrorEnvelope, SuccessEnvelope } from './envelope.ts';
import type { Processor } from './processor.ts';
import type { Environment } from './secrets.ts';
import { createServer } from './server.ts';
import { readSpec, type RuntimeSpec } from './spec.ts';

/** The envelope of a success or of an error. A test reads the members that it expects to be there. */
export type TestEnvelope = Omit<SuccessEnvelope, 'status' | 'execution_id'> & Omit<ErrorEnvelope, 'status'> & { readonly status: 'success' | 'error' };

/** What came of a run, as its caller sees it. */
export interface TestRun {
  readonly status: number;
  readonly envelope: TestEnvelope;
  /** The progress that was streamed, without the first event, which the runtime sends by itself. */
  readonly progress: readonly Readonly<Record<string, unknown>>[];
  /** The bytes of an output. */
  bytes(path: string): Promise<Buffer>;
  /** The text of an output. */
  text(path: string): Promise<string>;
}

export interface TestRunOptions {
  readonly mode?: 'mock' | 'real';
  readonly stream?: boolean;
  /** Aborts the request, as a caller who goes away does. */
  readonly signal?: AbortSignal;
}

/** A processor that is served in this process, on a port and with a folder of its own. */
export interface TestProcessor {
  run(params: unknown, options?: TestRunOptions): Promise<TestRun>;
  /** Everything that was logged. */
  log(): string;
  /** Stops it, and removes what it wrote. */
  stop(): Promise<void>;
}

const parseEvents = (text: string): { event: string; data: unknown }[] =>
  [...text.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, event, data]) => ({ event: event ?? '', data: JSON.parse(data ?? 'null') as unknown }));

/**
 * Serves a processor for a test, through the same server that an image runs.
 * @param options.registry its registry.yaml
 * @param options.env the environment that its secrets are read from; empty if absent
 * @param options.spec what is to differ from registry.yaml, such as a shorter time limit
 */
export const testProcessor = async <P>(
  processor: Processor<P>,
  options: { readonly registry: string; readonly env?: Environment; readonly spec?: Partial<RuntimeSpec> },
): Promise<TestProcessor> => {
  const spec = { ...readSpec(options.registry), ...options.spec };
  const root = await realpath(await mkdtemp(join(tmpdir(), 'pinlane-processor-')));
  const lines: string[] = [];
  const imageDigest = `sha256:${'0'.repeat(64)}`;
  const server = createServer(processor, { spec, env: options.env ?? {}, imageDigest, artifactsRoot: root, writeLog: (line) => void lines.push(line) });
  await server.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.app.server.address() as AddressInfo;

  return {
    run: async (params, { mode = 'mock', stream = false, signal } = {}) => {
      const executionId = randomUUID();
      const body = { schema: 'v1', execution_id: executionId, ref: spec.ref, mode, inputs: { schema: 'v1', params }, write_prefix: '{execution_id}' };
      const response = await fetch(`http://127.0.0.1:${port}${stream ? '/run-stream' : '/run'}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      });
      const text = await response.text();
      const events = stream ? parseEvents(text) : [{ event: '', data: JSON.parse(text) as unknown }];
      const file = (path: string): string => join(root, executionId, 'outputs', path);
      return {
        status: response.status,
        envelope: events.at(-1)?.data as TestEnvelope,
        progress: events
          .filter(({ event }) => event === 'progress')
          .map(({ data }) => data as Readonly<Record<string, unknown>>)
          .slice(1),
        bytes: (path) => readFile(file(path)),
        text: (path) => readFile(file(path), 'utf8'),
      };
    },
    log: () => lines.join(''),
    stop: async () => {
      await server.shutDown();
      await rm(root, { recursive: true, force: true });
    },
  };
};
