import type { Platform, Problem } from '@pinlane/contracts';
import { planStages, type Origin, type ParsedDockerfile, type Stage } from '../dockerfile/index.ts';
import type { BaseOf } from './bases.ts';
import type { FileBytes } from './file-bytes.ts';
import { runStage } from './run-stage.ts';
import { emptyState, stateFromImage, stateFromStage, type StageState } from './stage-state.ts';
import { FileTree } from './tree.ts';

/** What the platforms of one build share. */
export interface Planning {
  readonly dockerfile: ParsedDockerfile;
  readonly target: string | undefined;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly files: FileBytes;
  readonly baseOf: BaseOf;
}

/** Stages that were carried out, by their index. */
type States = ReadonlyMap<number, StageState>;

const wrongPlatform = ({ file }: ParsedDockerfile, { line, column }: Stage, actual: Platform, wanted: Platform): Problem => ({
  code: 'ERR_PLATFORM_MISSING',
  message: `the image would be named ${wanted} and made of files for ${actual}, because of --platform in a FROM`,
  fix: 'Leave --platform out of the FROM that the final stage stands on.',
  file,
  line,
  column,
});

/** The state that a stage begins with. */
const begin = async (baseOf: BaseOf, origin: Origin, platform: Platform, states: States): Promise<StageState> => {
  if (origin.kind === 'scratch') return emptyState(platform);
  if (origin.kind === 'stage') return stateFromStage(states.get(origin.stage.index)!);
  return stateFromImage(platform, await baseOf(origin.name, platform));
};

/** The files that COPY --from takes from; they must not be changed. */
const filesOf = async (baseOf: BaseOf, origin: Origin, platform: Platform, states: States): Promise<FileTree> => {
  if (origin.kind === 'scratch') return new FileTree();
  return origin.kind === 'stage' ? states.get(origin.stage.index)!.files() : (await baseOf(origin.name, platform)).tree();
};

/**
 * Works out the image for one platform: carries out the stages that the target needs, and builds nothing. Problems of their lines are returned.
 * @throws ERR_DOCKERFILE_STAGE, ERR_DOCKERFILE_SYNTAX, ERR_PLATFORM_INVALID, ERR_PLATFORM_MISSING and whatever a base's source throws
 */
export const planPlatform = async (
  { dockerfile, target, buildArgs, files, baseOf }: Planning,
  platform: Platform,
): Promise<{ readonly state: StageState; readonly problems: readonly Problem[] }> => {
  const { stages, target: last, globals } = planStages(dockerfile, { target, buildArgs, platform });
  const states = new Map<number, StageState>();
  const problems: Problem[] = [];
  const inline = { characters: 0 };
  for (const resolved of stages) {
    const state = await begin(baseOf, resolved.base, resolved.platform, states);
    states.set(resolved.stage.index, state);
    const from = (origin: Origin) => filesOf(baseOf, origin, platform, states);
    problems.push(...(await runStage({ parsed: dockerfile, resolved, state, globals, buildArgs, files, inline, filesOf: from })));
  }
  const state = states.get(last.stage.index)!;
  if (state.platform !== platform) problems.push(wrongPlatform(dockerfile, last.stage, state.platform, platform));
  return { state, problems };
};
