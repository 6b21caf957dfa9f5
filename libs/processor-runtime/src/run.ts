import { rm } from 'node:fs/promises';
import { commitRun, makeFolderBelow, makeStaging } from './artifacts.ts';
import { outputsIndex, receipt, successEnvelope, type RunFacts, type SuccessEnvelope } from './envelope.ts';
import { ProcessorError, toProcessorError } from './errors.ts';
import type { Log } from './log.ts';
import { createOutputWriter } from './output-writer.ts';
import type { Prefix } from './prefix.ts';
import type { JsonObject, Processor, RealContext, RunContext } from './processor.ts';
import type { Redactor } from './redact.ts';
import type { Secrets } from './secrets.ts';
import type { RuntimeSpec } from './spec.ts';

/** A run that was checked and let in. */
export interface Run {
  readonly facts: RunFacts;
  readonly params: Readonly<Record<string, unknown>>;
  readonly prefix: Prefix;
  readonly spec: RuntimeSpec;
  readonly secrets: Secrets;
  readonly redactor: Redactor;
  readonly artifactsRoot: string;
  readonly log: Log;
  /** Aborts if the caller goes away. */
  readonly caller: AbortSignal;
  readonly progress: ((event: JsonObject) => Promise<void>) | null;
}

// How long an aborted run may tidy up before the next one gets its place.
const TIDY_MS = 10_000;

const settled = async (work: Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise((resolve) => (timer = setTimeout(resolve, TIDY_MS)));
  await Promise.race([work.catch(() => {}), limit]);
  clearTimeout(timer);
};

const rejectedBy = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

/** Starts the handler of the run's mode. Only a real run can reach the secrets. */
const startHandler = async <P>(processor: Processor<P>, run: Run, context: RunContext<P>): Promise<JsonObject> => {
  const real = (): RealContext<P> => ({ ...context, secret: run.secrets.get, optionalSecret: run.secrets.find });
  return (await (run.facts.mode === 'real' ? processor.real(real()) : processor.mock(context))) ?? {};
};

/**
 * Carries out a run: calls its handler, with a time limit, and then puts outputs, index and receipts in place. A run that fails leaves none
 * of them.
 * @param released called when nothing of the run goes on any more; after a timeout that may be later than the answer
 * @throws ProcessorError
 */
export const carryOut = async <P>(processor: Processor<P>, run: Run, released: () => void): Promise<SuccessEnvelope> => {
  const { facts, spec, prefix } = run;
  const started = performance.now();
  const limit = new AbortController();
  const signal = AbortSignal.any([run.caller, limit.signal]);
  const expire = () => limit.abort(new ProcessorError('ERR_TIMEOUT', `the run took longer than ${spec.timeoutMs / 1000} s (runtime.timeout_s)`));
  const timer = setTimeout(expire, spec.timeoutMs);
  let handler: Promise<unknown> = Promise.resolve();
  let staging: string | undefined;
  try {
    const folder = await makeFolderBelow(run.artifactsRoot, prefix.path);
    const executionFolder = await makeFolderBelow(run.artifactsRoot, `execution/${facts.executionId}`);
    staging = await makeStaging(folder);
    const writer = createOutputWriter(staging, spec, signal);
    const context: RunContext<P> = {
      params: run.params as P,
      mode: facts.mode,
      executionId: facts.executionId,
      inputsHash: facts.inputsHash.value,
      streaming: run.progress !== null,
      signal,
      timeoutMs: spec.timeoutMs,
      log: run.log,
      output: writer.write,
      progress: run.progress ?? (async () => {}),
    };
    const work = startHandler(processor, run, context).then(async (extra) => ({ extra, outputs: await writer.finish() }));
    // A failed handler may have begun writes that it did not await. They must end before their folder is removed.
    handler = work.catch(() => writer.finish());
    const { extra, outputs } = await Promise.race([work, rejectedBy(signal)]);
    // The timer does not fire while a handler computes without a pause, so the time is checked once more.
    if (performance.now() - started > spec.timeoutMs) expire();
    signal.throwIfAborted();
    await commitRun({ folder, executionFolder, staging, index: outputsIndex(outputs), receipt: receipt(facts, outputs) });
    return successEnvelope(facts, {
      outputs,
      indexPath: `${prefix.shown}/outputs.json`,
      durationMs: performance.now() - started,
      extra: run.redactor.value(extra) as JsonObject,
    });
  } catch (error) {
    throw signal.aborted ? toProcessorError(signal.reason) : toProcessorError(error);
  } finally {
    clearTimeout(timer);
    const tidy = async (): Promise<void> => {
      await settled(handler);
      if (staging !== undefined) await rm(staging, { recursive: true, force: true }).catch(() => {});
      released();
    };
    if (signal.aborted) void tidy();
    else await tidy();
  }
};
