import { join } from 'node:path';
import canonicalize from 'canonicalize';
import { receiptSchema } from '@pinlane/contracts';
import { at, jsonOf, must, mustSucceed, show, type Rule } from './rule.ts';
import type { Exchange, Session } from '../subject/session.ts';
import { readIfThere } from '../subject/files.ts';

const receiptText = async ({ folder }: Exchange): Promise<string> => {
  const bytes = await readIfThere(join(folder, 'receipt.json'));
  must(bytes !== undefined, 'receipt.json is not there');
  return bytes.toString('utf8');
};

const receiptOf = async (exchange: Exchange): Promise<unknown> => {
  const text = await receiptText(exchange);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    must(false, `receipt.json is not JSON: ${show(text)}`);
    return undefined;
  }
};

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
      const receipt = await receiptOf(await ordinary(session));
      const known = Object.fromEntries(Object.entries(receipt ?? {}).filter(([key]) => MEMBERS.includes(key)));
      const { error } = receiptSchema.safeParse(known);
      const problems = error?.issues.map(({ path, message }) => `${path.join('.') || 'receipt'}: ${message}`) ?? [];
      must(problems.length === 0, problems.join('; '));
    },
  },
  {
    name: 'receipt.determined',
    title: 'receipt.json holds what is determined and nothing else: no time and no duration',
    needs: ['receipt.shape'],
    check: async (session) => {
      const extra = Object.keys((await receiptOf(await ordinary(session))) as object).filter((key) => !MEMBERS.includes(key));
      must(extra.length === 0, `it also holds ${extra.join(', ')}`);
    },
  },
  {
    name: 'receipt.canonical',
    title: 'receipt.json is RFC 8785 JSON',
    needs: ['receipt.shape'],
    check: async (session) => {
      const exchange = await ordinary(session);
      const text = await receiptText(exchange);
      must(text === canonicalize(JSON.parse(text)), `its bytes are not canonical: ${show(text)}`);
    },
  },
  {
    name: 'receipt.copy',
    title: 'execution/<execution id>/determinism.json has the very bytes of receipt.json',
    needs: ['run.success'],
    check: async (session) => {
      const exchange = await ordinary(session);
      const copy = await readIfThere(join(exchange.executionFolder, 'determinism.json'));
      must(copy !== undefined, 'determinism.json is not there');
      must(copy.toString('utf8') === (await receiptText(exchange)), 'their bytes differ');
    },
  },
  {
    name: 'receipt.facts',
    title: 'receipt.json says what the envelope says',
    needs: ['receipt.shape', 'run.envelope'],
    check: async (session) => {
      const exchange = await ordinary(session);
      const [receipt, envelope] = [await receiptOf(exchange), jsonOf(exchange.response)];
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
      const [one, two] = [await receiptText(first), await receiptText(again)];
      must(one === two, `these members differ: ${differences(JSON.parse(one), JSON.parse(two)).join(', ') || 'none, but the bytes do'}`);
    },
  },
  {
    name: 'receipt.execution-id',
    title: 'The same inputs under another execution id give a receipt that differs in the execution id alone',
    needs: ['receipt.deterministic'],
    check: async (session) => {
      const [first, other] = [await ordinary(session), await session.run()];
      mustSucceed(other.response);
      const differing = differences(await receiptOf(first), await receiptOf(other));
      must(differing.join() === 'execution_id', `these members differ: ${differing.join(', ')}`);
    },
  },
];
