import * as z from 'zod';
import type { VerbContext, VerbOutcome } from './context.ts';
import type { VariableName } from './environment.ts';

/** The subject of a verb: one processor, the project of a base image, or the whole workspace. */
export type Subject = 'processor' | 'base' | 'workspace';

/** The traits of a verb's inferred target, besides its executor. */
export interface TargetTraits {
  /** Its name, if it is not the verb's. */
  readonly name?: string;
  readonly continuous?: boolean;
  readonly dependsOn?: readonly string[];
  readonly configurations?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Options for the example in the target's help. */
  readonly example?: Readonly<Record<string, unknown>>;
}

/** Options by name. Each has a description; Nx prints it with `--help`. */
export type OptionShape = z.core.$ZodShape;

const json = {
  json: z
    .boolean()
    .optional()
    .describe("Print exactly one JSON document on stdout; everything else goes to stderr (but for Nx's own lines, where Nx runs it)."),
};

/** Options, parsed: those of a shape, and the one that every verb has. */
export type OptionsOf<Shape extends OptionShape> = z.output<z.ZodObject<Shape & typeof json>>;

/** The definition of a verb: everything that its executor, its command, its schema and its reference page are made from. */
export interface VerbDefinition<Options extends OptionShape, Internal extends OptionShape, Documents extends readonly unknown[]> {
  /** The name of its folder, its executor, its command, and of its target unless that has another. */
  readonly name: string;
  /** A shorter name of its command. */
  readonly alias?: string;
  /** One sentence for `--help`, Nx and the reference. */
  readonly title: string;
  readonly subject: Subject;
  readonly options: Options;
  /** Options that the plugin sets for itself; no help and no page shows them. */
  readonly internalOptions?: Internal;
  /** The variables that it reads. */
  readonly environment: readonly VariableName[];
  /** The documents that `--json` may print; each run prints one. */
  readonly document: { readonly [Position in keyof Documents]: z.ZodType<Documents[Position]> };
  /** Inference makes a target of the verb if this is here. */
  readonly target?: TargetTraits;
  /** Whether it changes nothing in a workspace, not even where Pinlane keeps its own things; it runs where there is no workspace, too. */
  readonly looksOnly?: boolean;
  /** Whether it tells the summary of a step of GitHub Actions what came of it itself; others have their lines told. */
  readonly ownSummary?: boolean;
  /** Whether Nx runs all of its tasks of a run in one process: what they share is then loaded, read and hashed once. */
  readonly batch?: boolean;
  /** Carries it out. Modules that only the work needs are imported in here, so that help and schemas load none of them. */
  readonly run: (options: OptionsOf<Options & Internal>, context: VerbContext) => Promise<VerbOutcome<Documents[number]>>;
}

/** A verb as those see it that treat all verbs alike. */
export interface Verb extends Omit<VerbDefinition<OptionShape, OptionShape, readonly unknown[]>, 'run'> {
  readonly internalOptions: OptionShape;
  /** Options that a person may give, and those that the plugin sets. @returns Zod's result, with every problem */
  readonly parse: (raw: unknown) => z.ZodSafeParseResult<unknown>;
  /** Carries it out. @param options as `parse` gives them */
  readonly run: (options: unknown, context: VerbContext) => Promise<VerbOutcome>;
}

/** As much of a verb as inference and the list of commands need, without loading it. The manifest holds one of each. */
export interface VerbSummary {
  readonly title: string;
  readonly subject: Subject;
  readonly alias: string | null;
  /** The variables that are part of the cache key of its tasks. */
  readonly keyVariables: readonly VariableName[];
  readonly target: TargetTraits | null;
}

/** Defines a verb; see {@link VerbDefinition}. */
export const defineVerb = <
  const Options extends OptionShape & { readonly json?: never },
  const Documents extends readonly unknown[],
  const Internal extends OptionShape = Record<never, never>,
>(
  definition: VerbDefinition<Options, Internal, Documents>,
): Verb => {
  const { internalOptions = {} as Internal, options, run } = definition;
  const schema = z.strictObject({ ...options, ...internalOptions, ...json });
  return {
    ...definition,
    options: { ...options, ...json },
    internalOptions,
    parse: (raw) => schema.safeParse(raw),
    run: run as Verb['run'],
  };
};
