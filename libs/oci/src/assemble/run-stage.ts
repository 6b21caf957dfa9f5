import { fail, PinlaneError, type Problem } from '@pinlane/contracts';
import type { Instruction } from '../dockerfile/index.ts';
import { declareArguments } from '../dockerfile/variables.ts';
import { BaseUnreadable } from './bases.ts';
import { Changes, ROOT, type PlannedEntry } from './changes.ts';
import { configure, notTooMany } from './configure.ts';
import { fromFolder, requireShort } from './paths.ts';
import { runCopy } from './run-copy.ts';
import { expanderOf, variablesOf, type StageRun } from './stage-run.ts';
import { EPOCH, type StageLayer } from './stage-state.ts';
import { resolveOwner } from './users.ts';

type WorkdirInstruction = Extract<Instruction, { readonly kind: 'workdir' }>;

/** Carries out WORKDIR. @returns the folders that it makes, if any */
const enterFolder = async (run: StageRun, instruction: WorkdirInstruction): Promise<Changes | undefined> => {
  const { execution } = run.state;
  const path = expanderOf(run, instruction)(instruction.value) || fail('ERR_DOCKERFILE_SYNTAX', 'WORKDIR has an empty path');
  execution.workingDirectory = requireShort(`/${fromFolder(execution.workingDirectory, requireShort(path))}`);
  // The root is there in any image, so none has to be looked into.
  if (execution.workingDirectory === '/') return undefined;
  const tree = await run.state.files();
  const place = tree.resolve(execution.workingDirectory);
  if (tree.get(place)?.type === 'directory') return undefined;
  const changes = new Changes(tree);
  changes.makeFolders(place, execution.user === '' ? ROOT : await resolveOwner(execution.user, tree, run.files.readText));
  return changes;
};

/** What Docker pulls at most (moby, layer/layer_store.go, maxLayerDepth). */
const MOST_LAYERS = 125;

const addLayer = (layers: StageLayer[], entries: readonly PlannedEntry[]): void => {
  if (layers.length === MOST_LAYERS)
    fail('ERR_DOCKERFILE_UNSUPPORTED', `the stage has more than ${MOST_LAYERS} layers`, { fix: 'Copy more with one instruction.' });
  layers.push({ kind: 'planned', entries });
};

/** Carries out an instruction. Only COPY, ADD and WORKDIR look at files. @returns what it changes of them, if it may */
const carryOut = async (run: StageRun, instruction: Instruction): Promise<Changes | undefined> => {
  const { state, parsed, buildArgs, globals } = run;
  switch (instruction.kind) {
    case 'arg':
      declareArguments(instruction, state.variables, parsed, buildArgs, (name) => globals.get(name), variablesOf(run));
      notTooMany(state.variables, 'variables');
      return undefined;
    case 'copy':
      return runCopy(run, instruction);
    case 'workdir':
      return enterFolder(run, instruction);
    case 'unsupported':
      return fail('ERR_DOCKERFILE_UNSUPPORTED', `${instruction.what} needs Docker`);
    default:
      configure(state, instruction, expanderOf(run, instruction));
      return undefined;
  }
};

const runInstruction = async (run: StageRun, instruction: Instruction): Promise<void> => {
  const { state } = run;
  const entries = (await carryOut(run, instruction))?.planned() ?? [];
  if (entries.length > 0) addLayer(state.layers, entries);
  state.history.push({ created: EPOCH, created_by: instruction.text, comment: 'pinlane', ...(entries.length > 0 ? {} : { empty_layer: true }) });
};

/** Carries out a stage, line by line, on its state, and builds nothing. Returns every problem of its lines. */
export const runStage = async (run: StageRun): Promise<Problem[]> => {
  const problems: Problem[] = [];
  const { resolved, parsed } = run;
  for (const instruction of resolved.stage.instructions) {
    try {
      await runInstruction(run, instruction);
    } catch (error) {
      if (error instanceof BaseUnreadable) throw error.cause;
      if (!(error instanceof PinlaneError)) throw error;
      const { line, column } = instruction;
      problems.push(...error.problems.map((problem) => ({ file: parsed.file, line, column, ...problem })));
    }
  }
  return problems;
};
