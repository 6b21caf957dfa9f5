import { errorEnvelopeSchema, INPUTS_STATUS, type ProcessorResponse } from '@pinlane/contracts';
import { at, issuesText, jsonOf, must, mustBeError, mustBeOfType, notJudged, type Rule } from './rule.ts';
import { requestBody, type Session } from '../subject/session.ts';
import { invalidParams } from './invalid-params.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const post = (session: Session, body: string | Uint8Array, headers: Readonly<Record<string, string>> = JSON_TYPE): Promise<ProcessorResponse> =>
  session.send({ method: 'POST', path: '/run', headers, body });

const validBody = ({ subject }: Session, executionId: string): string => JSON.stringify(requestBody(subject.spec.ref, executionId, subject.params));

export const inputRules: readonly Rule[] = [
  {
    name: 'inputs.params',
    title: 'Params that do not fit the schema in registry.yaml are refused with 400 ERR_INPUTS',
    check: async (session) => {
      const params = invalidParams(session.subject.spec.inputs, session.subject.params);
      if (params === undefined) notJudged('the schema in registry.yaml refuses nothing that was tried');
      mustBeError((await session.run({ body: { inputs: { schema: 'v1', params } } })).response, 400, 'ERR_INPUTS');
    },
  },
  {
    name: 'inputs.request',
    title: 'A request without inputs, or of another schema than v1, is refused with 400 ERR_INPUTS',
    check: async (session) => {
      mustBeError((await session.run({ body: { inputs: undefined } })).response, 400, 'ERR_INPUTS');
      mustBeError((await session.run({ body: { schema: 'v0' } })).response, 400, 'ERR_INPUTS');
    },
  },
  {
    name: 'inputs.execution-id',
    title: 'An execution id that is missing, or could be a path, is refused with 400 ERR_INPUTS',
    check: async (session) => {
      for (const id of [undefined, '', '../up', 'a/b', '..']) mustBeError((await session.run({ body: { execution_id: id } })).response, 400, 'ERR_INPUTS');
    },
  },
  {
    name: 'inputs.ref',
    title: 'A request for another ref is refused with 400 ERR_INPUTS',
    check: async (session) => mustBeError((await session.run({ body: { ref: 'pinlane/somebody-else@1' } })).response, 400, 'ERR_INPUTS'),
  },
  {
    name: 'inputs.json',
    title: 'A body that is not JSON is refused with 400 ERR_INPUTS',
    check: async (session) => mustBeError(await post(session, '{"schema":"v1",'), INPUTS_STATUS.malformed, 'ERR_INPUTS'),
  },
  {
    name: 'inputs.media-type',
    title: 'A body of another media type than application/json is refused with 415 ERR_INPUTS',
    check: async (session) => {
      const response = await post(session, validBody(session, 'conformance-media-type'), { 'content-type': 'text/plain' });
      mustBeError(response, INPUTS_STATUS.mediaType, 'ERR_INPUTS');
    },
  },
  {
    name: 'inputs.too-large',
    title: 'A body larger than the contract allows is refused with 413 ERR_INPUTS',
    check: async (session) => {
      // JSON may begin with blanks, so nothing is wrong with this request but its size.
      const body = Buffer.concat([Buffer.alloc(session.subject.maxBodyBytes, ' '), Buffer.from(validBody(session, 'conformance-too-large'))]);
      const response = await post(session, body).catch(() => undefined);
      must(response !== undefined, 'it closed the connection and answered nothing');
      mustBeError(response, INPUTS_STATUS.tooLarge, 'ERR_INPUTS');
    },
  },
];

/** The rule that looks at the errors which other rules provoked; it therefore comes after them. */
export const errorRules: readonly Rule[] = [
  {
    name: 'error.envelope',
    title: 'Every error answer of /run is an error envelope: status, execution_id, error with code and message, meta',
    check: async (session) => {
      const { response, executionId } = await session.run({ body: { ref: 'pinlane/somebody-else@1' } });
      const refused = [response, ...session.answers.map((answer) => answer.response)].filter(
        ({ status, headers }) => status >= 400 && status !== 404 && status !== 405 && headers['content-type']?.startsWith('text/event-stream') !== true,
      );
      must(refused.length > 0, 'no request was refused');
      for (const answer of refused) {
        mustBeOfType(answer, 'application/json');
        const { error } = errorEnvelopeSchema.safeParse(jsonOf(answer));
        must(error === undefined, issuesText(error, 'envelope'));
      }
      const told = at(jsonOf(response), 'execution_id');
      must(told === executionId, `expected the error to carry the execution id ${executionId}`);
    },
  },
];
