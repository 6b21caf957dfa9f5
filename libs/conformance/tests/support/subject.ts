import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { observeNetwork, sendRequest } from '@pinlane/adapters';
import { parseDigest, processorSpecSchema, type Isolation, type ProcessorSpec, type RunningProcessor } from '@pinlane/contracts';
import { temporaryFolder } from '@pinlane/testing';
import { ORDINARY, type Subject, type Variant } from '../../src/index.ts';
import { createReference } from './reference.ts';

export const SPEC: ProcessorSpec = processorSpecSchema.parse({
  ref: 'test/reference@1',
  secrets: { required: ['REFERENCE_TOKEN'], optional: ['REFERENCE_EXTRA'] },
  inputs: { type: 'object', required: ['text'], additionalProperties: false, properties: { text: { type: 'string' } } },
  outputs: [
    { path: 'text/*.txt', mime: 'text/plain' },
    { path: 'data.json', mime: 'application/json' },
  ],
});

/** A small limit, because the suite runs once for each of its rules. */
const MAX_BODY_BYTES = 256 * 1024;

export const DIGEST = parseDigest(`sha256:${'1'.repeat(64)}`);
export const BLOCKED: Isolation = { runtime: 'bubblewrap', network: 'blocked', filesystem: 'read-only', user: 'unprivileged', processes: 'own' };

/** Starts the reference in this process, with the interface of a runtime that starts it in a process of its own. */
const startReference = async (variant: Variant, breaks: string | null): Promise<RunningProcessor> => {
  const artifacts = join(temporaryFolder(variant.name), 'artifacts');
  await mkdir(artifacts);
  const lines: string[] = [];
  const { image: _, ...spec } = SPEC;
  const { server, terminate } = createReference({
    spec: variant.spec ?? spec,
    digest: variant.digest ? DIGEST : null,
    secrets: variant.secrets,
    artifactsRoot: artifacts,
    environment: 'local',
    maxBodyBytes: MAX_BODY_BYTES,
    log: (line) => lines.push(line),
    breaks,
  });
  server.listen(0, breaks === 'listen.all-interfaces' ? '127.0.0.1' : '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let stopping: Promise<{ exitCode: number }> | undefined;
  return {
    isolation: BLOCKED,
    healthyAfterMs: 1,
    artifacts,
    artifactsRoot: artifacts,
    port,
    request: (request) => sendRequest({ port }, request),
    socket: '',
    observeNetwork: (targets) => observeNetwork(targets, null),
    suspend: async () => {},
    resume: async () => {},
    logs: () => lines.join(''),
    stderr: () => lines.join(''),
    unkeptLogBytes: () => 0,
    ended: () => null,
    stop: () => (stopping ??= terminate().then((exitCode) => ({ exitCode }))),
  };
};

/** A subject over the reference processor that breaks one rule, or none, and what stops it. */
export const referenceSubject = async (breaks: string | null): Promise<{ readonly subject: Subject; readonly end: () => Promise<void> }> => {
  const start = (variant: Variant): Promise<RunningProcessor> => startReference(variant, breaks);
  const running = await start(ORDINARY);
  const subject: Subject = {
    spec: SPEC,
    digest: DIGEST,
    uid: breaks === 'image.user' ? 0 : 1000,
    environment: 'local',
    isolation: { ...BLOCKED, filesystem: breaks === 'isolation.read-only' ? 'open' : 'read-only' },
    egress: breaks === 'isolation.network' ? { blocked: false, reasons: ['it reached a canary'] } : { blocked: true, reasons: [] },
    isolationRequired: true,
    maxBodyBytes: MAX_BODY_BYTES,
    executions: 'conformance',
    params: { text: 'hello' },
    running,
    start,
  };
  return { subject, end: async () => void (await running.stop()) };
};
