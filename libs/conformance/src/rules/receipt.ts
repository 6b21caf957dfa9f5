import canonicalize from 'canonicalize';
import { receiptSchema } from '@pinlane/contracts';
import { fileText } from './file.ts';
import { at, issuesText, jsonOf, must, mustSucceed, parseJson, show, showList, type Rule } from './rule.ts';
import type { Exchange, Session } from '../subject/session.ts';

const receiptText = (session: Session, exchange: Exchange): Promise<string> => fileText(session, exchange, `${exchange.folder}/receipt.json`);

const receiptOf = async (session: Session, exchange: Exchange): Promise<unknown> => parseJson('receipt.json', await receiptText(session, exchange));

const MEMBERS: readonly string[] = Object.keys(receiptSchema.shape);

const differences = (left: unknown, right: unknown): string[] =>
  [...new Set([...Object.keys(left ?? {}), ...Object.keys(right ?? {})])].filter((key) => canonicalize(at(left, key)) !== canonicalize(at(right, key)));

const ordinary = (session: Session): Promise<Exchange> => session.mockRun();

export const receiptRules: readonly Rule[] = [
  {
    name: 'receipt.shape',
    title: 'receipt.json has the members of the contract, each of its type',
    needs: ['run.success'],
    check: async (session) => {
      const receipt = await receiptOf(session, await ordinary(session));
      const known = Object.fromEntries(Object.entries(receipt ?? {}).filter(([key]) => MEMBERS.includes(key)));
      const { error } = receiptSchema.safeParse(known);
      must(error === undefined, issuesText(error, 'receipt'));
    },
  },
  {
    name: 'receipt.determined',
    title: 'receipt.json holds what is determined and nothing else: no time and no duration',
    needs: ['receipt.shape'],
    check: async (session) => {
      const extra = Object.keys((await receiptOf(session, await ordinary(session))) as object).filter((key) => !MEMBERS.includes(key));
      must(extra.length === 0, `it also holds ${showList(extra)}`);
    },
  },
  {
    name: 'receipt.canonical',
    title: 'receipt.json is RFC 8785 JSON',
    needs: ['receipt.shape'],
    check: async (session) => {
      const exchange = await ordinary(session);
      const text = await receiptText(session, exchange);
      must(text === canonicalize(parseJson('receipt.json', text)), `its bytes are not canonical: ${show(text)}`);
    },
  },
  {
    name: 'receipt.copy',
    title: 'execution/<execution id>/determinism.json has the very bytes of receipt.json',
    needs: ['run.success'],
    check: async (session) => {
      const exchange = await ordinary(session);
      const copy = await fileText(session, exchange, `${exchange.executionFolder}/determinism.json`);
      must(copy === (await receiptText(session, exchange)), 'their bytes differ');
    },
  },
  {
    name: 'receipt.facts',
    title: 'receipt.json says what the envelope says',
    needs: ['receipt.shape', 'run.envelope'],
    check: async (session) => {
      const exchange = await ordinary(session);
      const [receipt, envelope] = [await receiptOf(session, exchange), jsonOf(exchange.response)];
      const told = { execution_id: exchange.executionId, mode: 'mock', outputs: at(envelope, 'outputs') };
      const facts = {
        ...told,
        ...Object.fromEntries(['ref', 'image_digest', 'inputs_hash', 'env_fingerprint'].map((key) => [key, at(envelope, 'meta', key)])),
      };
      const wrong = Object.entries(facts).filter(([key, value]) => canonicalize(at(receipt, key)) !== canonicalize(value));
      must(wrong.length === 0, wrong.map(([key, value]) => `${key} is ${show(at(receipt, key))}, and the envelope says ${show(value)}`).join('; '));
    },
  },
  {
    name: 'receipt.deterministic',
    title: 'The same request, sent to another process with another environment, gives a receipt of the same bytes',
    needs: ['receipt.shape'],
    check: async (session) => {
      const first = await ordinary(session);
      const again = await session.run({ on: await session.variant('canaries'), executionId: first.executionId });
      mustSucceed(again.response);
      const [one, two] = [await receiptText(session, first), await receiptText(session, again)];
      must(
        one === two,
        `these members differ: ${showList(differences(parseJson('receipt.json', one), parseJson('receipt.json', two))) || 'none, but the bytes do'}`,
      );
    },
  },
  {
    name: 'receipt.execution-id',
    title: 'The same inputs under another execution id give a receipt that differs in the execution id alone',
    needs: ['receipt.deterministic'],
    check: async (session) => {
      const [first, other] = [await ordinary(session), await session.run()];
      mustSucceed(other.response);
      const differing = differences(await receiptOf(session, first), await receiptOf(session, other));
      must(differing.join() === 'execution_id', `these members differ: ${showList(differing)}`);
    },
  },
];
