import { join } from 'node:path';
import canonicalize from 'canonicalize';
import type { RunOutput } from '@pinlane/contracts';
import { at, jsonOf, must, notJudged, show, type Rule } from './rule.ts';
import type { Session } from '../subject/session.ts';
import { listFiles, readIfThere, sha256Hex } from '../subject/files.ts';

const outputsOf = async (session: Session): Promise<readonly RunOutput[]> => {
  const outputs = at(jsonOf((await session.mockRun()).response), 'outputs');
  must(Array.isArray(outputs), `expected outputs to be a list, got ${show(outputs)}`);
  return outputs as RunOutput[];
};

/** Whether the path of a file fits the path of an output in registry.yaml, in which `*` stands for any characters but `/`. */
export const fitsPattern = (pattern: string, path: string): boolean =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('[^/]*')}$`,
  ).test(path);

const byPath = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const outputRules: readonly Rule[] = [
  {
    name: 'outputs.files',
    title: 'Every output is a file under <prefix>/outputs with the size and sha256 that the envelope says',
    needs: ['run.success'],
    check: async (session) => {
      const { folder } = await session.mockRun();
      for (const { path, size_bytes, sha256 } of await outputsOf(session)) {
        const bytes = await readIfThere(join(folder, 'outputs', path));
        must(bytes !== undefined, `${path} is not there`);
        must(bytes.length === size_bytes, `${path} has ${bytes.length} bytes, and the envelope says ${size_bytes}`);
        must(sha256Hex(bytes) === sha256, `${path} has the sha256 ${sha256Hex(bytes)}, and the envelope says ${sha256}`);
      }
    },
  },
  {
    name: 'outputs.complete',
    title: 'Every file under <prefix>/outputs is in the envelope',
    needs: ['run.success'],
    check: async (session) => {
      const listed = (await outputsOf(session)).map(({ path }) => path);
      const extra = (await listFiles(join((await session.mockRun()).folder, 'outputs'))).filter((path) => !listed.includes(path));
      must(extra.length === 0, `not listed: ${extra.join(', ')}`);
    },
  },
  {
    name: 'outputs.sorted',
    title: 'Outputs are sorted by path',
    needs: ['run.success'],
    check: async (session) => {
      const paths = (await outputsOf(session)).map(({ path }) => path);
      must(
        paths.every((path, index) => index === 0 || byPath(paths[index - 1] as string, path) <= 0),
        `they come as ${paths.join(', ')}`,
      );
    },
  },
  {
    name: 'outputs.unique',
    title: 'No output path is listed twice',
    needs: ['run.success'],
    check: async (session) => {
      const paths = (await outputsOf(session)).map(({ path }) => path);
      const twice = paths.filter((path, index) => paths.indexOf(path) !== index);
      must(twice.length === 0, `listed twice: ${twice.join(', ')}`);
    },
  },
  {
    name: 'outputs.declared',
    title: 'Every output is declared in registry.yaml, with its media type',
    needs: ['run.success'],
    check: async (session) => {
      const declared = session.subject.spec.outputs;
      if (declared.length === 0) notJudged('registry.yaml declares no outputs');
      for (const { path, mime } of await outputsOf(session)) {
        const fitting = declared.filter((output) => fitsPattern(output.path, path));
        must(fitting.length > 0, `${path} is not declared`);
        must(
          fitting.some((output) => output.mime === mime),
          `${path} is ${mime}, and registry.yaml says ${fitting.map((output) => output.mime).join(' or ')}`,
        );
      }
    },
  },
  {
    name: 'outputs.index',
    title: "outputs.json holds the envelope's outputs, sorted, as RFC 8785 JSON",
    needs: ['run.success', 'outputs.sorted'],
    check: async (session) => {
      const bytes = await readIfThere(join((await session.mockRun()).folder, 'outputs.json'));
      must(bytes !== undefined, 'outputs.json is not there');
      const expected = canonicalize({ outputs: await outputsOf(session) });
      must(bytes.toString('utf8') === expected, `expected ${show(expected)}, got ${show(bytes.toString('utf8'))}`);
    },
  },
];
