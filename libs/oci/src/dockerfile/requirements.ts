import { PinlaneError, type Platform, type Problem } from '@pinlane/contracts';
import type { ParsedDockerfile } from './model.ts';
import { planStages } from './stages.ts';

/**
 * The images that a Dockerfile needs for some platforms, by the names it gives them, in the order of the file, without `scratch` and stages. If a
 * `target` is given, only those that this stage needs.
 * @throws ERR_DOCKERFILE_STAGE, ERR_DOCKERFILE_SYNTAX, ERR_PLATFORM_INVALID
 */
export const dockerfileBases = (
  parsed: ParsedDockerfile,
  buildArgs: Readonly<Record<string, string>>,
  platforms: readonly Platform[],
  target?: string,
): string[] => {
  const origins = platforms.flatMap((platform) =>
    planStages(parsed, { target, buildArgs, platform }).stages.flatMap(({ base, copies, others }) => [base, ...copies.values(), ...others]),
  );
  return [...new Set(origins.flatMap((origin) => (origin.kind === 'image' ? [origin.name] : [])))];
};

/**
 * Refuses what only Docker can build, in the stages that the target needs.
 * @throws ERR_DOCKERFILE_UNSUPPORTED with every line of it; ERR_DOCKERFILE_STAGE, ERR_DOCKERFILE_SYNTAX, ERR_PLATFORM_INVALID
 */
export const requireEmbeddable = (
  parsed: ParsedDockerfile,
  buildArgs: Readonly<Record<string, string>>,
  platforms: readonly Platform[],
  target?: string,
): void => {
  const stages = new Set(platforms.flatMap((platform) => planStages(parsed, { target, buildArgs, platform }).stages.map(({ stage }) => stage)));
  const problems = [...stages].flatMap(({ instructions }) =>
    instructions.flatMap((instruction): Problem[] => {
      if (instruction.kind !== 'unsupported') return [];
      const { line, column, what } = instruction;
      return [
        {
          code: 'ERR_DOCKERFILE_UNSUPPORTED',
          message: `${what} needs Docker; the embedded engine runs and downloads nothing`,
          file: parsed.file,
          line,
          column,
        },
      ];
    }),
  );
  if (parsed.syntax !== undefined && !/^(?:docker\.io\/)?docker\/dockerfile(?:[:@]|$)/.test(parsed.syntax))
    problems.unshift({ code: 'ERR_DOCKERFILE_UNSUPPORTED', message: `the syntax of ${parsed.syntax} is not known`, file: parsed.file, line: 1 });
  if (problems.length > 0) throw new PinlaneError(problems as [Problem, ...Problem[]]);
};

/** Arguments that need no declaration (Dockerfile reference, "Predefined ARGs"). */
const PREDEFINED = /^(?:(?:https?|ftp|no|all)_proxy|SOURCE_DATE_EPOCH|BUILDKIT_[A-Z_]+)$/i;

/** Build arguments that no ARG of the file declares, sorted. They have no effect, and are probably a mistake. */
export const undeclaredArguments = ({ globals, stages }: ParsedDockerfile, buildArgs: Readonly<Record<string, string>>): string[] => {
  const instructions = [...globals, ...stages.flatMap((stage) => stage.instructions)];
  const declared = new Set(instructions.flatMap((instruction) => (instruction.kind === 'arg' ? instruction.entries.map(({ name }) => name) : [])));
  return Object.keys(buildArgs)
    .filter((name) => !declared.has(name) && !PREDEFINED.test(name))
    .sort();
};
