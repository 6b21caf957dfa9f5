import canonicalize from 'canonicalize';
import type { RunOutput } from '@pinlane/contracts';
import { fileText } from './file.ts';
import { jsonOf, must, notJudged, show, showList, type Rule } from './rule.ts';
import type { Session } from '../subject/session.ts';
import { fitsPattern } from './fits-pattern.ts';
import { listedOutputs } from './listed-outputs.ts';

const outputsOf = async (session: Session): Promise<readonly RunOutput[]> => listedOutputs(jsonOf((await session.mockRun()).response));

const byPath = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const outputRules: readonly Rule[] = [
  {
    name: 'outputs.files',
    title: 'Every output is a file under <prefix>/outputs with the size and sha256 that the envelope says',
    needs: ['run.success'],
    check: async (session) => {
      const { on, folder } = await session.mockRun();
      const artifacts = session.artifacts(on);
      for (const { path, size_bytes, sha256 } of await outputsOf(session)) {
        const file = await artifacts.measure(`${folder}/outputs/${path}`);
        must(file !== undefined, `${show(path)} is not there`);
        must(file.size === size_bytes, `${show(path)} has ${file.size} bytes, and the envelope says ${show(size_bytes)}`);
        must(file.sha256 === sha256, `${show(path)} has the sha256 ${file.sha256}, and the envelope says ${show(sha256)}`);
      }
    },
  },
  {
    name: 'outputs.complete',
    title: 'Every file under <prefix>/outputs is in the envelope',
    needs: ['run.success'],
    check: async (session) => {
      const listed = new Set((await outputsOf(session)).map(({ path }) => path));
      const { on, folder } = await session.mockRun();
      const extra = (await session.artifacts(on).list(`${folder}/outputs`)).filter((path) => !path.endsWith('/') && !listed.has(path));
      must(extra.length === 0, `not listed: ${showList(extra)}`);
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
        `they come as ${showList(paths)}`,
      );
    },
  },
  {
    name: 'outputs.unique',
    title: 'No output path is listed twice',
    needs: ['run.success'],
    check: async (session) => {
      const paths = (await outputsOf(session)).map(({ path }) => path);
      const seen = new Set<string>();
      const twice = paths.filter((path) => seen.size === seen.add(path).size);
      must(twice.length === 0, `listed twice: ${showList(twice)}`);
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
        must(fitting.length > 0, `${show(path)} is not declared`);
        must(
          fitting.some((output) => output.mime === mime),
          `${show(path)} is ${show(mime)}, and registry.yaml says ${fitting.map((output) => output.mime).join(' or ')}`,
        );
      }
    },
  },
  {
    name: 'outputs.index',
    title: "outputs.json holds the envelope's outputs, sorted, as RFC 8785 JSON",
    needs: ['run.success', 'outputs.sorted'],
    check: async (session) => {
      const exchange = await session.mockRun();
      const text = await fileText(session, exchange, `${exchange.folder}/outputs.json`);
      const expected = canonicalize({ outputs: await outputsOf(session) });
      must(text === expected, `expected ${show(expected)}, got ${show(text)}`);
    },
  },
];
