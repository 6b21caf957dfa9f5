import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asPinlaneError, fail, laneRules, type Lane, type Problem } from '@pinlane/contracts';
import { parseDockerfile, readSmallFile, requireEmbeddable } from '@pinlane/oci';
import { readNxJson, type NxJson } from '../../workspace/nx-json.ts';
import { readSpecFile, type SpecFile } from '../../workspace/spec-file.ts';
import { filesNamed } from '../../workspace/spec-files.ts';

/** What a workspace says, as far as it can be read. */
export interface WorkspaceFacts {
  readonly root: string;
  /** Null if there is none, or if it can't be read. */
  readonly nxJson: NxJson | null;
  readonly specs: readonly SpecFile[];
  /** The folders with a base.lock.json, relative to the root. */
  readonly bases: readonly string[];
  /** What can't be read. */
  readonly broken: readonly Problem[];
}

/** Positions as Nx's parser words them. */
const withPosition = (problem: Problem): Problem => {
  const [, line, column] = /\bat (\d+):(\d+)/.exec(problem.message) ?? [];
  return line === undefined || problem.file !== 'nx.json' ? problem : { ...problem, line: Number(line), column: Number(column) };
};

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws ERR_OPTION_INVALID */
const requireShape = (nxJson: NxJson): NxJson => {
  const wrong = (what: string): never => fail('ERR_OPTION_INVALID', what, { file: 'nx.json', fix: 'Mend nx.json.' });
  if (!isRecord(nxJson)) return wrong('it is not an object');
  if (!Array.isArray(nxJson.plugins ?? [])) return wrong('plugins is not a list');
  return isRecord(nxJson.targetDefaults ?? {}) ? nxJson : wrong('targetDefaults is not an object');
};

/** The largest Dockerfile that is looked at, in bytes. */
const DOCKERFILE_LIMIT = 1024 * 1024;

/** Reads a workspace, however much of it is broken: each file that can't be read is a problem beside the others. @throws the signal's reason */
export const readWorkspace = async (root: string, signal: AbortSignal): Promise<WorkspaceFacts> => {
  const broken: Problem[] = [];
  const attempt = async <T>(file: string, work: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (thrown) {
      broken.push(...asPinlaneError(thrown, { file }).problems.map(withPosition));
      return null;
    }
  };
  const nxJson = existsSync(join(root, 'nx.json')) ? await attempt('nx.json', async () => requireShape(await readNxJson(root))) : null;
  const files = (await attempt('.', () => filesNamed('registry.yaml', root))) ?? [];
  const specs: (SpecFile | null)[] = [];
  for (const file of files) {
    signal.throwIfAborted();
    specs.push(await attempt(file, () => readSpecFile(root, file)));
  }
  const locks = (await attempt('.', () => filesNamed('base.lock.json', root))) ?? [];
  return { root, nxJson, specs: specs.filter((spec) => spec !== null), bases: locks.map((file) => dirname(file)), broken };
};

/** The Dockerfiles of some processors that only Docker builds. One that can't be read is told by whoever builds it. */
export const dockerOnly = ({ root, specs }: WorkspaceFacts, lane: Lane): string[] => {
  const { builds } = laneRules(lane);
  return specs.flatMap(({ file, spec: { build } }) => {
    const path = join(dirname(file), build.context, build.dockerfile);
    try {
      const read = readSmallFile(join(root, path), DOCKERFILE_LIMIT);
      if (read.kind === 'special' || read.kind === 'large') return [];
      requireEmbeddable(parseDockerfile(Buffer.from(read.bytes).toString('utf8'), path), build.args, builds, build.target);
      return [];
    } catch (thrown) {
      return asPinlaneError(thrown, { file: path }).code === 'ERR_DOCKERFILE_UNSUPPORTED' ? [path] : [];
    }
  });
};
