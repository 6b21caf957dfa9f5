import type { IncomingMessage } from 'node:http';
import { INPUTS_STATUS } from '@pinlane/contracts/processor';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { createAdmission, requireDigest } from './admission.ts';
import { errorEnvelope, errorHeaders, type Identity } from './answer.ts';
import { readBody } from './body.ts';
import { inputsError, ProcessorError, toProcessorError } from './errors.ts';
import { createGate, SHUTTING_DOWN } from './gate.ts';
import { createLog, type Log, type LogLevel } from './log.ts';
import type { Processor } from './processor.ts';
import { createRedactor } from './redact.ts';
import { executionIdOf } from './request.ts';
import { carryOut, type Run } from './run.ts';
import { readSecrets, type Environment } from './secrets.ts';
import type { RuntimeSpec } from './spec.ts';
import { openStream, sseEvent, SSE_HEADERS, type SseStream } from './sse.ts';

export interface ServerOptions {
  readonly spec: RuntimeSpec;
  /** The environment that the declared secrets are read from. */
  readonly env: Environment;
  /** The digest of the image that runs; null if the processor was given none, or none that is valid. */
  readonly imageDigest: string | null;
  readonly artifactsRoot: string;
  /** Takes each line of the log. */
  readonly writeLog: (line: string) => void;
  /** The environment's name in the log. */
  readonly environment?: string;
  readonly logLevel?: LogLevel;
}

/** The server of a processor. It does not listen yet. */
export interface ProcessorServer {
  readonly app: FastifyInstance;
  readonly log: Log;
  /** How many runs are going on. */
  readonly running: () => number;
  /** Refuses new runs, waits for those that are going on, then closes every connection. */
  shutDown(): Promise<void>;
}

const STREAM_PATH = '/run-stream';
const REQUEST_MS = 120_000;
const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? '';

/** A signal that aborts if the caller goes away before it has its answer. */
const callerSignal = (reply: FastifyReply): AbortSignal => {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new ProcessorError('ERR_RUNTIME', 'the caller went away'));
  });
  return controller.signal;
};

/**
 * Makes the server of a processor, with /healthz, /run and /run-stream (design, section 6). It keeps no state outside of itself, so a test may
 * start any number of servers in one process.
 * @throws Error if the spec's inputs are not a JSON Schema
 */
export const createServer = <P>(processor: Processor<P>, options: ServerOptions): ProcessorServer => {
  const { spec, imageDigest, artifactsRoot } = options;
  const secrets = readSecrets(spec, options.env);
  const redactor = createRedactor(secrets.values);
  const level = options.logLevel === undefined ? {} : { level: options.logLevel };
  const log = createLog({ service: spec.ref, env: options.environment ?? 'local', redactor, write: options.writeLog, now: () => new Date(), ...level });
  const identity: Identity = { ref: spec.ref, imageDigest };
  const admit = createAdmission(spec, imageDigest, secrets, artifactsRoot);
  const gate = createGate(spec.concurrency);

  /** Admits a request, and returns its run. The run must be started at once, because its place is taken from now on. */
  const begin = (request: FastifyRequest, reply: FastifyReply, progress: Run['progress']) => {
    const admitted = admit(request.body, request.headers);
    const release = gate.enter(admitted.facts.executionId);
    const runLog = log.with({ execution_id: admitted.facts.executionId });
    const run: Run = { ...admitted, spec, secrets, redactor, artifactsRoot, log: runLog, caller: callerSignal(reply), progress };
    return async () => {
      runLog.info('run.started', { mode: run.facts.mode, inputs_hash: run.facts.inputsHash.value });
      const envelope = await carryOut(processor, run, release);
      runLog.info('run.done', { duration_ms: envelope.meta['duration_ms'], outputs: envelope.outputs.length });
      return envelope;
    };
  };

  const failure = (request: FastifyRequest, thrown: unknown) => {
    const error = toProcessorError(thrown);
    const executionId = executionIdOf(request.body);
    const facts = { execution_id: executionId, code: error.code, status: error.status };
    // The stack helps only if the processor itself is at fault.
    if (error.status === 500) log.error('run.failed', { ...facts, error });
    else log.warn('run.failed', { ...facts, message: error.message });
    return { error, envelope: errorEnvelope(error, executionId, identity, redactor) };
  };

  const sendError = (request: FastifyRequest, reply: FastifyReply, thrown: unknown) => {
    const { error, envelope } = failure(request, thrown);
    reply.code(error.status).headers(errorHeaders(error));
    return pathOf(request) === STREAM_PATH ? reply.headers(SSE_HEADERS).send(sseEvent('error', envelope)) : reply.send(envelope);
  };

  // Fastify sets no limit, because readBody does, and lets the caller finish sending before it answers.
  const app = fastify({
    logger: false,
    return503OnClosing: false,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    requestTimeout: REQUEST_MS,
    forceCloseConnections: 'idle',
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', (_request: FastifyRequest, payload: IncomingMessage) => readBody(payload));
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (gate.closed) reply.header('connection', 'close');
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') throw inputsError('the body is compressed, which is not supported', INPUTS_STATUS.mediaType);
  });
  app.setErrorHandler((error: Error & { readonly statusCode?: number }, request, reply) => {
    if (error instanceof ProcessorError || error.statusCode === undefined || error.statusCode >= 500) return sendError(request, reply, error);
    const message = error.statusCode === INPUTS_STATUS.mediaType ? 'the body must be application/json' : error.message;
    return sendError(request, reply, inputsError(message, error.statusCode));
  });
  app.setNotFoundHandler((request, reply) => sendError(request, reply, inputsError(`there is no ${request.method} ${pathOf(request)}`, 404)));

  app.get('/healthz', () => {
    const digest = requireDigest(imageDigest);
    if (gate.closed) throw new ProcessorError('ERR_BUSY', SHUTTING_DOWN);
    return { ok: true, ref: spec.ref, image_digest: digest };
  });
  app.post('/run', (request, reply) => begin(request, reply, null)());
  app.post(STREAM_PATH, async (request, reply) => {
    const opened: { stream?: SseStream } = {};
    const run = begin(request, reply, async (event) => opened.stream?.progress(redactor.value(event)));
    reply.hijack();
    const stream = openStream(reply.raw);
    opened.stream = stream;
    void stream.progress({ phase: 'started' });
    try {
      stream.end('done', await run());
    } catch (thrown) {
      stream.end('error', failure(request, thrown).envelope);
    }
  });

  return {
    app,
    log,
    running: () => gate.running,
    shutDown: async () => {
      await gate.close();
      await app.close();
    },
  };
};
