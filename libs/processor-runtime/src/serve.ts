import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format } from 'node:util';
import { DEFAULT_ARTIFACTS_ROOT, IMAGE_SPEC_PATH, PROCESSOR_ENV } from '@pinlane/contracts/processor';
import { isLogLevel, type Log } from './log.ts';
import type { Processor } from './processor.ts';
import type { Environment } from './secrets.ts';
import { createServer, type ServerOptions } from './server.ts';
import { readSpec, type RuntimeSpec } from './spec.ts';

/** The file of the spec: the one that PINLANE_SPEC names, else the one beside the script (in an image), or one folder above it (in a workspace). */
export const specPath = (env: Environment, script: string | undefined): string => {
  const beside = script === undefined ? [] : [join(dirname(script), 'registry.yaml'), join(dirname(script), '..', 'registry.yaml')];
  return env[PROCESSOR_ENV.spec] ?? beside.find((file) => existsSync(file)) ?? IMAGE_SPEC_PATH;
};

/** The options that the environment sets. */
export const serverOptions = (env: Environment, spec: RuntimeSpec, writeLog: (line: string) => void): ServerOptions => {
  const digest = env[PROCESSOR_ENV.imageDigest] ?? '';
  const level = env['LOG_LEVEL'] ?? 'info';
  return {
    spec,
    env,
    imageDigest: /^sha256:[a-f0-9]{64}$/.test(digest) ? digest : null,
    artifactsRoot: env[PROCESSOR_ENV.artifactsRoot] ?? DEFAULT_ARTIFACTS_ROOT,
    environment: env[PROCESSOR_ENV.environment] ?? 'local',
    writeLog,
    ...(isLogLevel(level) ? { logLevel: level } : {}),
  };
};

/** The port to listen on. @throws Error if PORT is set and is not a port */
export const portOf = (env: Environment, spec: RuntimeSpec): number => {
  const text = env[PROCESSOR_ENV.port];
  if (text === undefined || text === '') return spec.port;
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port > 65_535) throw new Error(`PORT is not a port: ${text.slice(0, 20)}`);
  return port;
};

/** Turns what libraries print, and what Node warns of, into lines of the log, so that it is redacted NDJSON too. */
const captureConsole = (log: Log): void => {
  for (const [method, level] of Object.entries({ debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error', trace: 'debug' } as const))
    console[method as 'log'] = (...words: unknown[]) => log[level]('console', { message: format(...words) });
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn('process.warning', { warning }));
};

/**
 * Serves a processor until SIGTERM or SIGINT, then finishes the runs that are going on and exits with 0. It is the only function that changes
 * the process, and the last statement of a processor's main module.
 */
export const serve = async <P>(processor: Processor<P>): Promise<void> => {
  const writeLog = (line: string): void => void process.stderr.write(line);
  try {
    const spec = readSpec(specPath(process.env, process.argv[1]));
    const options = serverOptions(process.env, spec, writeLog);
    const { app, log, running, shutDown } = createServer(processor, options);
    captureConsole(log);
    process.on('unhandledRejection', (error) => log.error('process.unhandled', { error }));
    process.on('uncaughtException', (error) => {
      log.error('process.uncaught', { error });
      process.exit(1);
    });
    let stopping = false;
    const stop = (reason: string): void => {
      if (stopping) return;
      stopping = true;
      log.info('service.stopping', { reason, running: running() });
      void shutDown().then(() => {
        log.info('service.stopped');
        process.exit(0);
      });
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    await app.listen({ host: '0.0.0.0', port: portOf(process.env, spec) });
    log.info('service.started', { image_digest: options.imageDigest, concurrency: spec.concurrency });
  } catch (error) {
    writeLog(`${JSON.stringify({ ts: new Date().toISOString(), level: 'error', event: 'service.failed', error: (error as Error).message })}\n`);
    process.exit(1);
  }
};
