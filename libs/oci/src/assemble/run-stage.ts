import { fail, PinlaneError, type Problem } from '@pinlane/contracts';
import type { CopyInstruction, Instruction, Origin, ParsedDockerfile, ResolvedStage } from '../dockerfile/index.ts';
import { declareArguments, expandAt, expandTextAt } from '../dockerfile/variables.ts';
import { sha256 } from '../content/index.ts';
import { archivePacking, extractInto, type OpenFile } from './archives.ts';
import { Changes, ROOT } from './changes.ts';
import { copyInto, findSources, placeOf } from './copy.ts';
import { argvOf, parsePorts, setEnvironment, setHealth } from './execution.ts';
import { EPOCH, type StageState } from './stage-state.ts';
import type { FileNode, FileTree } from './tree.ts';
import { resolveOwner, type ReadText } from './users.ts';

/** What a stage's instructions reach beyond the stage. */
export interface StageRun {
  readonly parsed: ParsedDockerfile;
  readonly resolved: ResolvedStage;
  readonly state: StageState;
  readonly globals: ReadonlyMap<string, string>;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly context: FileTree;
  readonly readText: ReadText;
  readonly open: OpenFile;
  /** The files of an earlier stage or an image. */
  filesOf(origin: Origin): Promise<FileTree>;
}

type Pairs = Extract<Instruction, { readonly pairs: unknown }>;
type Valued = Extract<Instruction, { readonly value: unknown }>;

const inContainer = (workingDirectory: string, path: string): string => {
  const kept: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${workingDirectory}/${path}`).split('/')) {
    if (part === '..') kept.pop();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  return `/${kept.join('/')}`;
};

/** Carries out a stage, line by line, on its state. Nothing is built yet. */
export class StageRunner {
  private readonly run: StageRun;

  constructor(run: StageRun) {
    this.run = run;
  }

  /** Every problem of the stage is told, each with its line. */
  async all(): Promise<Problem[]> {
    const problems: Problem[] = [];
    const { resolved, parsed } = this.run;
    for (const instruction of resolved.stage.instructions) {
      try {
        await this.one(instruction);
      } catch (error) {
        if (!(error instanceof PinlaneError)) throw error;
        const { line, column } = instruction;
        problems.push(...error.problems.map((problem) => ({ file: parsed.file, line, column, ...problem })));
      }
    }
    return problems;
  }

  private readonly lookup = (name: string): string | undefined => this.run.state.variables.get(name);

  private expand(raw: string, { line, column }: Instruction): string {
    const { parsed } = this.run;
    return expandAt(raw, this.lookup, parsed.escape, { file: parsed.file, line, column });
  }

  private async one(instruction: Instruction): Promise<void> {
    const { state, parsed, buildArgs, globals } = this.run;
    const { execution } = state;
    const changes = new Changes(state.tree);
    switch (instruction.kind) {
      case 'arg':
        declareArguments(instruction, state.variables, parsed, buildArgs, (name) => globals.get(name), this.lookup);
        break;
      case 'copy':
        await this.copy(instruction, changes);
        break;
      case 'workdir':
        await this.workdir(instruction, changes);
        break;
      case 'env':
        for (const [name, value] of this.pairs(instruction)) {
          setEnvironment(execution, name, value);
          state.variables.set(name, value);
        }
        break;
      case 'label':
        for (const [name, value] of this.pairs(instruction)) execution.labels.set(name, value);
        break;
      case 'user':
        execution.user = this.expand(instruction.value, instruction);
        break;
      case 'stopsignal':
        execution.stopSignal = this.expand(instruction.value, instruction);
        break;
      case 'maintainer':
        state.author = instruction.value;
        break;
      case 'expose':
        for (const word of instruction.values.flatMap((value) => this.expand(value, instruction).split(/\s+/).filter(Boolean)))
          for (const port of parsePorts(word) ?? fail('ERR_DOCKERFILE_SYNTAX', `${JSON.stringify(word)} is not a port such as 8000 or 8000/udp`))
            execution.ports.add(port);
        break;
      case 'volume':
        for (const value of instruction.values)
          execution.volumes.add(this.expand(value, instruction) || fail('ERR_DOCKERFILE_SYNTAX', 'VOLUME has an empty path'));
        break;
      case 'entrypoint':
        execution.entrypoint = argvOf(instruction.command, execution);
        if (!execution.cmdIsOwn) execution.cmd = undefined;
        break;
      case 'cmd':
        execution.cmd = argvOf(instruction.command, execution);
        execution.cmdIsOwn = true;
        break;
      case 'shell':
        execution.shell = [...instruction.argv];
        break;
      case 'healthcheck':
        setHealth(execution, instruction.check);
        break;
      case 'unsupported':
        fail('ERR_DOCKERFILE_UNSUPPORTED', `${instruction.what} needs Docker`);
    }
    const entries = changes.planned();
    if (entries.length > 0) state.layers.push({ kind: 'planned', entries });
    state.history.push({ created: EPOCH, created_by: instruction.text, comment: 'pinlane', ...(entries.length > 0 ? {} : { empty_layer: true }) });
  }

  /** All values are expanded before the first is set. */
  private pairs(instruction: Pairs): [string, string][] {
    return instruction.pairs.map(({ name, value }) => [
      this.expand(name, instruction) || fail('ERR_DOCKERFILE_SYNTAX', 'a name is blank'),
      this.expand(value, instruction),
    ]);
  }

  private async workdir(instruction: Valued, changes: Changes): Promise<void> {
    const { state, readText } = this.run;
    const { execution, tree } = state;
    const path = this.expand(instruction.value, instruction) || fail('ERR_DOCKERFILE_SYNTAX', 'WORKDIR has an empty path');
    execution.workingDirectory = inContainer(execution.workingDirectory, path);
    const place = tree.resolve(execution.workingDirectory);
    if (tree.get(place)?.type === 'directory') return;
    changes.makeFolders(place, execution.user === '' ? ROOT : await resolveOwner(execution.user, tree, readText));
  }

  private async copy(instruction: CopyInstruction, changes: Changes): Promise<void> {
    const { state, context, resolved, readText } = this.run;
    const { keyword, from } = instruction;
    const chown = instruction.chown === undefined ? undefined : this.expand(instruction.chown, instruction);
    const chmod = instruction.chmod === undefined ? undefined : this.expand(instruction.chmod, instruction);
    if (chmod !== undefined && !/^[0-7]{1,4}$/.test(chmod))
      fail('ERR_DOCKERFILE_UNSUPPORTED', `--chmod=${chmod}: the embedded engine takes octal modes such as 755`, {
        fix: 'Write the mode in octal, or build with Docker: --engine=docker.',
      });
    const origin = resolved.copies.get(instruction);
    const source = origin ? await this.run.filesOf(origin) : context;
    const sources = instruction.sources.map(
      (each) => this.expand(each, instruction) || fail('ERR_DOCKERFILE_SYNTAX', `${keyword} ${each} names nothing: the argument in it is empty`),
    );
    const destination = this.expand(instruction.destination, instruction) || fail('ERR_DOCKERFILE_SYNTAX', `${keyword} has an empty destination`);
    const request = {
      keyword,
      origin: from === undefined ? 'the build context' : `--from=${from}`,
      from: source,
      to: state.tree,
      changes,
      destination,
      workingDirectory: state.execution.workingDirectory,
      owner: chown === undefined ? undefined : await resolveOwner(chown, state.tree, readText),
      mode: chmod === undefined ? undefined : Number.parseInt(chmod, 8),
    };
    const documents = instruction.documents.map((document) => this.inlineFile(document, instruction));
    if (keyword === 'COPY') return copyInto({ ...request, sources, documents });
    // One source after the other, so that each archive is unpacked where its turn is.
    const { open } = this.run;
    for (const each of sources) {
      for (const { path, node } of findSources({ ...request, sources: [each] })) {
        const packing = node.type === 'file' ? await archivePacking(node, path, open) : undefined;
        if (packing === undefined || node.type !== 'file') continue;
        if (sources.length > 1 || documents.length > 0)
          fail('ERR_DOCKERFILE_UNSUPPORTED', `ADD ${each}: the embedded engine unpacks an archive only where it is the only source`, {
            fix: 'Write an ADD of its own for each archive.',
          });
        return extractInto({ packing, file: node, path, open, to: state.tree, changes, target: placeOf(request), owner: request.owner ?? ROOT });
      }
    }
    copyInto({ ...request, sources, documents });
  }

  private inlineFile({ name, text, expand }: CopyInstruction['documents'][number], { line, column }: Instruction): { name: string; node: FileNode } {
    const content = expand ? expandTextAt(text, this.lookup, { file: this.run.parsed.file, line, column }) : text;
    const bytes = Buffer.from(content);
    const source = { kind: 'inline', text: content } as const;
    return { name, node: { type: 'file', mode: 0o644, uid: 0, gid: 0, size: bytes.length, sha256: sha256(bytes), source, attributes: false } };
  }
}
