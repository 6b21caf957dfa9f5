import { fail, PinlaneError, PLATFORMS, type Platform, type Problem } from '@pinlane/contracts';
import { parsePlatform } from '../image/platforms.ts';
import type { CopyInstruction, Instruction, ParsedDockerfile, Stage } from './model.ts';
import { expandAt, globalArguments } from './variables.ts';

/** Where files come from: an earlier stage, an image, or nothing at all (`scratch`). */
export type Origin = { readonly kind: 'stage'; readonly stage: Stage } | { readonly kind: 'image'; readonly name: string } | { readonly kind: 'scratch' };

/** A stage and where its files come from, for one platform of the target. */
export interface ResolvedStage {
  readonly stage: Stage;
  readonly base: Origin;
  /** The platform of its base. */
  readonly platform: Platform;
  /** By the instruction that copies. */
  readonly copies: ReadonlyMap<CopyInstruction, Origin>;
  /** What instructions read that only Docker can carry out. */
  readonly others: readonly Origin[];
}

/** The stages that a target needs, the target last, each after those that it needs itself. */
export interface StagePlan {
  readonly stages: readonly ResolvedStage[];
  readonly target: ResolvedStage;
  readonly globals: ReadonlyMap<string, string>;
}

type Written = Pick<Instruction, 'line' | 'column'>;

const place = ({ file }: ParsedDockerfile, { line, column }: Written) => ({ file, line, column });

const named = (stages: readonly Stage[], name: string): Stage | undefined => stages.findLast((stage) => stage.name === name.toLowerCase());

const notEarlier = (parsed: ParsedDockerfile, at: Written, later: Stage, what: string): never =>
  fail(
    'ERR_DOCKERFILE_STAGE',
    `${what} names the stage of line ${later.line}, which is not an earlier one: stages cannot stand on each other in a circle`,
    place(parsed, at),
  );

/** An earlier stage by its name; undefined if no stage has it. @throws ERR_DOCKERFILE_STAGE if only a later one has it, or the stage itself */
const earlierStage = (parsed: ParsedDockerfile, stage: Stage, name: string, at: Written, what: string): Stage | undefined => {
  const earlier = named(parsed.stages.slice(0, stage.index), name);
  if (earlier) return earlier;
  const later = named(parsed.stages.slice(stage.index), name);
  return later && notEarlier(parsed, at, later, what);
};

/** What FROM names. @throws ERR_DOCKERFILE_STAGE, ERR_DOCKERFILE_SYNTAX */
const baseOf = (parsed: ParsedDockerfile, stage: Stage, globals: ReadonlyMap<string, string>): Origin => {
  const name = expandAt(stage.image, (key) => globals.get(key), parsed.escape, place(parsed, stage));
  if (name === '') return fail('ERR_DOCKERFILE_STAGE', `FROM ${stage.image} names no image: the argument in it is empty`, place(parsed, stage));
  if (name === 'scratch') return { kind: 'scratch' };
  const earlier = earlierStage(parsed, stage, name, stage, `FROM ${name}`);
  return earlier ? { kind: 'stage', stage: earlier } : { kind: 'image', name };
};

/** Where `from=` of an instruction leads. @throws ERR_DOCKERFILE_STAGE */
const originOf = (parsed: ParsedDockerfile, stage: Stage, copy: Instruction, from: string): Origin => {
  const what = copy.kind === 'unsupported' ? `${copy.what} from=${from}` : `COPY --from=${from}`;
  if (/^\d+$/.test(from)) {
    const found = parsed.stages[Number(from)];
    if (found && found.index < stage.index) return { kind: 'stage', stage: found };
    if (found) return notEarlier(parsed, copy, found, what);
    return fail('ERR_DOCKERFILE_STAGE', `${what}: there is no stage ${from}; this is stage ${stage.index}`, place(parsed, copy));
  }
  if (from.includes('$'))
    return fail('ERR_DOCKERFILE_STAGE', `${what}: no variable is expanded there`, {
      ...place(parsed, copy),
      fix: 'Name the image in a stage: FROM <image> AS <name>.',
    });
  const earlier = earlierStage(parsed, stage, from, copy, what);
  if (earlier) return { kind: 'stage', stage: earlier };
  return from === 'scratch' ? { kind: 'scratch' } : { kind: 'image', name: from };
};

const platformFor = (parsed: ParsedDockerfile, stage: Stage, globals: ReadonlyMap<string, string>, target: Platform): Platform => {
  if (stage.platform === undefined) return target;
  const text = expandAt(stage.platform, (key) => globals.get(key), parsed.escape, place(parsed, stage));
  const wrong = () => fail('ERR_PLATFORM_INVALID', `FROM --platform=${text} is neither ${PLATFORMS.join(' nor ')}`, place(parsed, stage));
  return parsePlatform(text) ?? wrong();
};

const targetStage = (parsed: ParsedDockerfile, target: string | undefined): Stage => {
  if (target === undefined) return parsed.stages.at(-1)!;
  const found = named(parsed.stages, target) ?? (/^\d+$/.test(target) ? parsed.stages[Number(target)] : undefined);
  const names = parsed.stages.flatMap(({ name }) => name ?? []).join(', ') || 'none has a name';
  return found ?? fail('ERR_DOCKERFILE_STAGE', `there is no stage ${JSON.stringify(target)} to build; stages: ${names}`, { file: parsed.file });
};

/** Runs a step; its problems are kept, so that the next steps are run too. */
type Attempt = <T>(step: () => T) => T | undefined;

const collecting =
  (problems: Problem[]): Attempt =>
  (step) => {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof PinlaneError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };

const resolveStage = (parsed: ParsedDockerfile, stage: Stage, globals: ReadonlyMap<string, string>, platform: Platform, attempt: Attempt): ResolvedStage => {
  const origin = (instruction: Instruction, from: string) => attempt(() => originOf(parsed, stage, instruction, from));
  const copies = stage.instructions.flatMap((instruction) => {
    const found = instruction.kind === 'copy' && instruction.from !== undefined ? origin(instruction, instruction.from) : undefined;
    return found ? [[instruction as CopyInstruction, found] as const] : [];
  });
  const others = stage.instructions.flatMap((instruction) =>
    instruction.kind === 'unsupported' ? instruction.from.flatMap((from) => origin(instruction, from) ?? []) : [],
  );
  const base = attempt(() => baseOf(parsed, stage, globals)) ?? { kind: 'scratch' };
  return { stage, base, platform: attempt(() => platformFor(parsed, stage, globals, platform)) ?? platform, copies: new Map(copies), others };
};

export interface PlanOptions {
  /** A stage's name or number; the last one if it is left out. */
  readonly target?: string | undefined;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly platform: Platform;
}

/**
 * Finds the stages that a target needs, for one platform. Others are left alone, whatever they say.
 * @throws ERR_DOCKERFILE_STAGE, ERR_DOCKERFILE_SYNTAX, ERR_PLATFORM_INVALID with every problem
 */
export const planStages = (parsed: ParsedDockerfile, { target, buildArgs, platform }: PlanOptions): StagePlan => {
  const globals = globalArguments(parsed, buildArgs, platform);
  const problems: Problem[] = [];
  const attempt = collecting(problems);
  const done = new Map<number, ResolvedStage>();
  const needed = [targetStage(parsed, target)];
  for (let stage = needed.pop(); stage; stage = needed.pop()) {
    if (done.has(stage.index)) continue;
    const resolved = resolveStage(parsed, stage, globals, platform, attempt);
    done.set(stage.index, resolved);
    for (const origin of [resolved.base, ...resolved.copies.values(), ...resolved.others]) if (origin.kind === 'stage') needed.push(origin.stage);
  }
  if (problems.length > 0) throw new PinlaneError(problems as [Problem, ...Problem[]]);
  // A stage needs only earlier ones, so in the order of the file each comes after those that it needs.
  const stages = [...done.values()].sort((a, b) => a.stage.index - b.stage.index);
  return { stages, target: stages.at(-1)!, globals };
};
