import { fail, PinlaneError, PLATFORMS, type Platform, type Problem } from '@pinlane/contracts';
import { parsePlatform } from '../image/platforms.ts';
import type { CopyInstruction, Instruction, ParsedDockerfile, Stage } from './model.ts';
import { expandAt, globalArguments } from './variables.ts';

/** Where files come from: an earlier stage, an image, or nothing at all (`scratch`). */
export type Origin = { readonly kind: 'stage'; readonly stage: Stage } | { readonly kind: 'image'; readonly name: string } | { readonly kind: 'scratch' };

/** A stage with what it stands on, for one platform of the target. */
export interface ResolvedStage {
  readonly stage: Stage;
  readonly base: Origin;
  /** The platform of its base. */
  readonly platform: Platform;
  /** By the instruction that copies. */
  readonly copies: ReadonlyMap<CopyInstruction, Origin>;
  /** What is read by instructions that only Docker can carry out. */
  readonly others: readonly Origin[];
}

/** The stages that a target needs, each after those it needs, and last the target. */
export interface StagePlan {
  readonly stages: readonly ResolvedStage[];
  readonly target: ResolvedStage;
  readonly globals: ReadonlyMap<string, string>;
}

const place = ({ file }: ParsedDockerfile, { line, column }: { readonly line: number; readonly column: number }) => ({ file, line, column });

const named = (stages: readonly Stage[], name: string): Stage | undefined => stages.findLast((stage) => stage.name === name.toLowerCase());

const baseOf = (parsed: ParsedDockerfile, stage: Stage, globals: ReadonlyMap<string, string>): Origin => {
  const name = expandAt(stage.image, (key) => globals.get(key), parsed.escape, place(parsed, stage));
  if (name === '') return fail('ERR_DOCKERFILE_STAGE', `FROM ${stage.image} names no image: the argument in it is empty`, place(parsed, stage));
  if (name === 'scratch') return { kind: 'scratch' };
  const earlier = named(parsed.stages.slice(0, stage.index), name);
  if (earlier) return { kind: 'stage', stage: earlier };
  const later = named(parsed.stages.slice(stage.index), name);
  if (later) return notEarlier(parsed, stage, later, `FROM ${name}`);
  return { kind: 'image', name };
};

const notEarlier = (parsed: ParsedDockerfile, at: { line: number; column: number }, later: Stage, what: string): never =>
  fail(
    'ERR_DOCKERFILE_STAGE',
    `${what} names the stage of line ${later.line}, which is not an earlier one: stages cannot stand on each other in a circle`,
    place(parsed, at),
  );

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
  const earlier = named(parsed.stages.slice(0, stage.index), from);
  if (earlier) return { kind: 'stage', stage: earlier };
  const later = named(parsed.stages.slice(stage.index), from);
  if (later) return notEarlier(parsed, copy, later, what);
  if (from === 'scratch') return { kind: 'scratch' };
  return { kind: 'image', name: from };
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

/**
 * Finds the stages that a target needs, for one platform. Others are left alone, whatever they say.
 * @throws ERR_DOCKERFILE_STAGE, ERR_DOCKERFILE_SYNTAX, ERR_PLATFORM_INVALID with every problem
 */
export const planStages = (
  parsed: ParsedDockerfile,
  { target, buildArgs, platform }: { readonly target?: string | undefined; readonly buildArgs: Readonly<Record<string, string>>; readonly platform: Platform },
): StagePlan => {
  const globals = globalArguments(parsed, buildArgs, platform);
  const problems: Problem[] = [];
  const attempt = <T>(step: () => T): T | undefined => {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof PinlaneError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const done = new Map<number, ResolvedStage>();
  const needed = [targetStage(parsed, target)];
  for (let stage = needed.pop(); stage; stage = needed.pop()) {
    if (done.has(stage.index)) continue;
    const own = stage;
    const copies = own.instructions.flatMap((instruction) => (instruction.kind === 'copy' && instruction.from !== undefined ? [instruction] : []));
    const origins = copies.flatMap((copy) => {
      const origin = attempt(() => originOf(parsed, own, copy, copy.from!));
      return origin ? [[copy, origin] as const] : [];
    });
    const others = own.instructions.flatMap((instruction) =>
      instruction.kind === 'unsupported' ? instruction.from.flatMap((from) => attempt(() => originOf(parsed, own, instruction, from)) ?? []) : [],
    );
    const base = attempt(() => baseOf(parsed, own, globals)) ?? { kind: 'scratch' };
    const itsPlatform = attempt(() => platformFor(parsed, own, globals, platform)) ?? platform;
    done.set(own.index, { stage: own, base, platform: itsPlatform, copies: new Map(origins), others });
    for (const origin of [base, ...origins.map(([, each]) => each), ...others]) if (origin.kind === 'stage') needed.push(origin.stage);
  }
  if (problems.length > 0) throw new PinlaneError(problems as [Problem, ...Problem[]]);
  // A stage needs only earlier ones, so the order of the file is an order of need.
  const stages = [...done.values()].sort((a, b) => a.stage.index - b.stage.index);
  return { stages, target: stages.at(-1)!, globals };
};
