import { once } from 'node:events';
import type { ProcessorResponse } from '@pinlane/contracts';
import { at, jsonOf, must, mustBeError, mustSucceed, notJudged, show, showList, textOf, type Rule } from './rule.ts';
import type { Exchange, Session } from '../subject/session.ts';
import { parseEventStream } from '../subject/sse.ts';

const FIRST_BURST = 8;
const ROUNDS = 5;

const isBusy = (response: ProcessorResponse): boolean => response.status === 503 && at(jsonOf(response), 'error', 'code') === 'ERR_BUSY';

/**
 * Sends more runs than may go on at once. The processor is suspended until all are on their way, so that they reach it at one moment. If it
 * still ends each run before it takes the next one, a larger burst is tried.
 */
const saturate = async (session: Session): Promise<readonly ProcessorResponse[]> => {
  const on = await session.variant('narrow');
  const all: ProcessorResponse[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await on.suspend();
    const burst = Array.from({ length: FIRST_BURST * 2 ** round }, () => session.run({ on }));
    await on.resume();
    const responses = (await Promise.all(burst)).map(({ response }) => response);
    all.push(...responses);
    if (responses.some(isBusy)) break;
  }
  return all;
};

/** Stops a processor once a run on it has begun to stream. The exchange is undefined if the connection broke. */
const stopWhileRunning = async (session: Session): Promise<{ readonly exchange: Exchange | undefined; readonly exitCode: number | null }> => {
  const on = await session.variant('narrow');
  const going = new EventTarget();
  const started = once(going, 'started', { signal: AbortSignal.timeout(10_000) }).catch(() => null);
  const exchange = session
    .run({ on, path: '/run-stream', onData: () => going.dispatchEvent(new Event('started')) })
    .catch(() => undefined)
    .finally(() => going.dispatchEvent(new Event('started')));
  await started;
  const { exitCode } = await on.stop();
  return { exchange: await exchange, exitCode };
};

const stopped = new WeakMap<Session, ReturnType<typeof stopWhileRunning>>();
const theStop = (session: Session): ReturnType<typeof stopWhileRunning> => {
  const known = stopped.get(session) ?? stopWhileRunning(session);
  stopped.set(session, known);
  return known;
};

export const limitRules: readonly Rule[] = [
  {
    name: 'timeout.code',
    title: 'A run that takes longer than runtime.timeout_s is answered with 504 ERR_TIMEOUT',
    needs: ['run.success'],
    check: async (session) => mustBeError((await session.run({ on: await session.variant('impatient') })).response, 504, 'ERR_TIMEOUT'),
  },
  {
    name: 'timeout.nothing-left',
    title: 'A run that takes too long leaves no outputs, no index and no receipt',
    needs: ['run.success'],
    check: async (session) => {
      const { on, response, folder, executionFolder } = await session.run({ on: await session.variant('impatient') });
      if (response.status < 400) notJudged('the run was carried out, which timeout.code reports');
      const artifacts = session.artifacts(on);
      const left = [...(await artifacts.list(folder)), ...(await artifacts.list(executionFolder))].filter((path) =>
        /^(?:outputs\/|(?:outputs|receipt|determinism)\.json$)/.test(path),
      );
      must(left.length === 0, `it left ${showList(left)}`);
    },
  },
  {
    name: 'busy.code',
    title: 'More runs at once than runtime.concurrency are answered with 503 ERR_BUSY, and the others are carried out',
    needs: ['run.success'],
    check: async (session) => {
      const responses = await saturate(session);
      const other = responses.find((response) => response.status !== 200 && !isBusy(response));
      must(other === undefined, `a run was answered with ${other?.status}: ${show(other && textOf(other))}`);
      must(responses.some(isBusy), `${responses.length} runs were sent in bursts with a limit of 1, and none was refused`);
      must(
        responses.some(({ status }) => status === 200),
        'every run was refused',
      );
    },
  },
  {
    name: 'busy.recovers',
    title: 'After it refused runs with ERR_BUSY, a processor takes the next one',
    needs: ['busy.code'],
    check: async (session) => mustSucceed((await session.run({ on: await session.variant('narrow') })).response),
  },
  {
    name: 'shutdown.finishes',
    title: 'A run that is going on when SIGTERM comes is finished and answered',
    needs: ['stream.done', 'stream.progress', 'busy.recovers'],
    check: async (session) => {
      const { exchange } = await theStop(session);
      must(exchange !== undefined, 'its connection was cut');
      const end = parseEventStream(textOf(exchange.response)).at(-1);
      must(end?.event === 'done', `its stream ended with ${show(end ?? 'no event')}`);
    },
  },
  {
    name: 'shutdown.exit-code',
    title: 'After SIGTERM a processor exits with 0',
    needs: ['stream.done', 'stream.progress', 'busy.recovers'],
    check: async (session) => {
      const { exitCode } = await theStop(session);
      must(exitCode === 0, `it exited with ${exitCode ?? 'a signal'}`);
    },
  },
];
