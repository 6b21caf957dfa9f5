import { errorEnvelopeSchema, successEnvelopeSchema } from '@pinlane/contracts';
import { issuesText, must, mustBeOfType, parseJson, show, showList, textOf, type Rule } from './rule.ts';
import type { Exchange, Session } from '../subject/session.ts';
import { parseEventStream } from '../subject/sse.ts';

const eventsOf = ({ response }: Exchange) => parseEventStream(textOf(response));
const badStream = (session: Session): Promise<Exchange> => session.run({ path: '/run-stream', body: { inputs: { schema: 'v0', params: {} } } });

const dataOf = (data: string): unknown => parseJson('the data of an event', data);

export const streamRules: readonly Rule[] = [
  {
    name: 'stream.media-type',
    title: 'POST /run-stream answers as text/event-stream',
    check: async (session) => mustBeOfType((await session.mockStream()).response, 'text/event-stream'),
  },
  {
    name: 'stream.end',
    title: 'A stream ends with exactly one done or error, and only progress comes before it',
    check: async (session) => {
      const names = eventsOf(await session.mockStream()).map(({ event }) => event);
      must(names.at(-1) === 'done' || names.at(-1) === 'error', `it ends with ${show(names.at(-1) ?? 'no event')}`);
      const before = names.slice(0, -1).filter((name) => name !== 'progress');
      must(before.length === 0, `before the end it sends ${showList(before)}`);
    },
  },
  {
    name: 'stream.progress',
    title: 'A stream tells of progress before it ends',
    check: async (session) => {
      const names = eventsOf(await session.mockStream()).map(({ event }) => event);
      must(names.includes('progress'), `its events are ${showList(names) || 'none'}`);
    },
  },
  {
    name: 'stream.done',
    title: 'The done event of a mock run carries the success envelope of its execution',
    needs: ['stream.end'],
    check: async (session) => {
      const exchange = await session.mockStream();
      const end = eventsOf(exchange).at(-1);
      must(end?.event === 'done', `it ended with ${show(end ?? 'nothing')}`);
      const { data, error } = successEnvelopeSchema.safeParse(dataOf(end.data));
      must(error === undefined, issuesText(error, 'envelope'));
      must(data?.execution_id === exchange.executionId, `it is of the execution ${show(data?.execution_id)}, not ${exchange.executionId}`);
    },
  },
  {
    name: 'stream.error',
    title: 'A stream of a bad request is one error event with an error envelope of ERR_INPUTS',
    check: async (session) => {
      const exchange = await badStream(session);
      mustBeOfType(exchange.response, 'text/event-stream');
      const events = eventsOf(exchange);
      must(events.length === 1 && events[0]?.event === 'error', `its events are ${showList(events.map(({ event }) => event)) || 'none'}`);
      const { data, error } = errorEnvelopeSchema.safeParse(dataOf(events[0].data));
      must(error === undefined, issuesText(error, 'envelope'));
      must(data?.error.code === 'ERR_INPUTS', `its code is ${show(data?.error.code)}`);
    },
  },
];
