import canonicalize from 'canonicalize';
import { successEnvelopeSchema, type ProcessorSpec } from '@pinlane/contracts';
import { fileText } from './file.ts';
import { at, issuesText, jsonOf, must, mustBeOfType, mustSucceed, parseJson, show, type Rule } from './rule.ts';
import { sha256Hex } from '../subject/sha256.ts';
import { prefixOf, type Session } from '../subject/session.ts';

/** The environment fingerprint that a mock run must have: resources and the names of secrets, the same on every machine. */
const expectedFingerprint = ({ runtime, secrets }: ProcessorSpec): string =>
  [`cpu=${runtime.cpu}`, `gpu=${runtime.gpu ?? 'none'}`, `memory_gb=${runtime.memory_gb}`, `secrets=${[...secrets.required].sort().join(',')}`].join(';');

const envelope = async (session: Session): Promise<unknown> => jsonOf((await session.mockRun()).response);

/** A rule about one member of the success envelope. */
const member = (name: string, title: string, path: readonly string[], expected: (session: Session) => Promise<unknown>): Rule => ({
  name,
  title,
  needs: ['run.success'],
  check: async (session) => {
    const seen = at(await envelope(session), ...path);
    const wanted = await expected(session);
    must(canonicalize(seen) === canonicalize(wanted), `expected ${path.join('.')} to be ${show(wanted)}, got ${show(seen)}`);
  },
});

export const runRules: readonly Rule[] = [
  {
    name: 'run.success',
    title: 'POST /run in mode mock succeeds without any secret and without network',
    check: async (session) => mustSucceed((await session.mockRun()).response),
  },
  {
    name: 'run.media-type',
    title: 'POST /run answers as application/json',
    needs: ['run.success'],
    check: async (session) => mustBeOfType((await session.mockRun()).response, 'application/json'),
  },
  {
    name: 'run.envelope',
    title: 'The success envelope has exactly the members of the contract, each of its type',
    needs: ['run.success'],
    check: async (session) => {
      const { error } = successEnvelopeSchema.safeParse(await envelope(session));
      must(error === undefined, issuesText(error, 'envelope'));
    },
  },
  member('run.execution-id', 'The envelope carries the execution id of the request', ['execution_id'], async (s) => (await s.mockRun()).executionId),
  member('run.ref', "The envelope's meta names the ref", ['meta', 'ref'], async (s) => s.subject.spec.ref),
  member('run.digest', "The envelope's meta names the digest of the image that runs", ['meta', 'image_digest'], async (s) => s.subject.digest),
  member('run.inputs-hash', 'inputs_hash is the sha256 of the RFC 8785 form of the inputs as they were sent', ['meta', 'inputs_hash'], async (s) => ({
    hash_schema: 'jcs-sha256-v1',
    value: sha256Hex(canonicalize((await s.mockRun()).inputs) as string),
  })),
  member('run.env-fingerprint', 'env_fingerprint names the resources and the secrets, and no value', ['meta', 'env_fingerprint'], async (s) =>
    expectedFingerprint(s.subject.spec),
  ),
  member('run.index-path', 'index_path is the expanded prefix and outputs.json', ['index_path'], async (s) => {
    const { executionId } = await s.mockRun();
    return `${prefixOf(executionId)}/outputs.json`;
  }),
  {
    name: 'run.mode-default',
    title: 'A request that names no mode runs in mode mock',
    needs: ['run.success'],
    check: async (session) => {
      const exchange = await session.run({ body: { mode: undefined } });
      mustSucceed(exchange.response);
      const receipt = parseJson('receipt.json', await fileText(session, exchange, `${exchange.folder}/receipt.json`));
      must(at(receipt, 'mode') === 'mock', `expected the receipt to say mode mock, got ${show(at(receipt, 'mode'))}`);
    },
  },
];
