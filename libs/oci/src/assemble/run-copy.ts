import { fail } from '@pinlane/contracts';
import { sha256 } from '../content/index.ts';
import type { CopyInstruction, InlineFile } from '../dockerfile/index.ts';
import { expandTextAt } from '../dockerfile/variables.ts';
import { archivePacking, type OpenFile } from './archives.ts';
import { Changes, ROOT } from './changes.ts';
import { copyInto, findSources, placeOf, type CopyRequest } from './copy.ts';
import { extractInto, type Extraction } from './extract.ts';
import { requireShort } from './paths.ts';
import { expanderOf, variablesOf, type Expand, type StageRun } from './stage-run.ts';
import type { FileNode } from './tree.ts';
import { resolveOwner } from './users.ts';

const octalMode = (chmod: string | undefined): number | undefined => {
  if (chmod === undefined) return undefined;
  if (/^[0-7]{1,4}$/.test(chmod)) return Number.parseInt(chmod, 8);
  return fail('ERR_DOCKERFILE_UNSUPPORTED', `--chmod=${chmod.slice(0, 100)}: the embedded engine takes octal modes such as 755`, {
    fix: 'Write the mode in octal, or build with Docker: --engine=docker.',
  });
};

/** In characters, of all here-documents of a build, with their variables expanded: they are held in memory. */
const MOST_INLINE = 64 * 1024 * 1024;

/** A here-document as a file, which no tree has. */
const inlineFile = (run: StageRun, { line, column }: CopyInstruction, { name, text, expand }: InlineFile): { name: string; node: FileNode } => {
  const content = expand ? expandTextAt(text, variablesOf(run), { file: run.parsed.file, line, column }) : text;
  run.inline.characters += content.length;
  if (run.inline.characters > MOST_INLINE) fail('ERR_DOCKERFILE_SYNTAX', `the here-documents of the file grow to more than ${MOST_INLINE} characters`);
  const bytes = Buffer.from(content);
  const source = { kind: 'inline', text: content } as const;
  return { name, node: { type: 'file', mode: 0o644, uid: 0, gid: 0, size: bytes.length, sha256: sha256(bytes), source, attributes: false } };
};

/** The paths of an instruction. */
const expandPaths = ({ keyword, sources, destination }: CopyInstruction, expand: Expand): Pick<CopyRequest, 'sources' | 'destination'> => ({
  sources: sources.map((each) => requireShort(expand(each)) || fail('ERR_DOCKERFILE_SYNTAX', `${keyword} ${each} names nothing: the argument in it is empty`)),
  destination: requireShort(expand(destination)) || fail('ERR_DOCKERFILE_SYNTAX', `${keyword} has an empty destination`),
});

const copyRequest = async (run: StageRun, instruction: CopyInstruction): Promise<CopyRequest> => {
  const { state, resolved, files } = run;
  const { keyword, from } = instruction;
  const expand = expanderOf(run, instruction);
  const chown = instruction.chown === undefined ? undefined : expand(instruction.chown);
  const mode = octalMode(instruction.chmod === undefined ? undefined : expand(instruction.chmod));
  const origin = resolved.copies.get(instruction);
  const to = await state.files();
  return {
    keyword,
    origin: from === undefined ? 'the build context' : `--from=${from}`,
    isContext: origin === undefined,
    from: origin ? await run.filesOf(origin) : files.context,
    to,
    changes: new Changes(to),
    ...expandPaths(instruction, expand),
    workingDirectory: state.execution.workingDirectory,
    owner: chown === undefined ? undefined : await resolveOwner(chown, to, files.readText),
    mode,
    documents: instruction.documents.map((document) => inlineFile(run, instruction, document)),
  };
};

/** What ADD has to unpack: its source, if that is an archive. @throws ERR_DOCKERFILE_UNSUPPORTED if there are others beside it */
const archiveOf = async (request: CopyRequest, open: OpenFile): Promise<Extraction | undefined> => {
  const { sources, documents, to, changes, owner = ROOT } = request;
  // One source after the other, so that the first one that is wrong is told.
  for (const each of sources) {
    for (const { path, node } of findSources(request, [each])) {
      const packing = node.type === 'file' ? await archivePacking(node, path, open) : undefined;
      if (packing === undefined || node.type !== 'file') continue;
      if (sources.length > 1 || documents.length > 0)
        fail('ERR_DOCKERFILE_UNSUPPORTED', `ADD ${each}: the embedded engine unpacks an archive only where it is the only source`, {
          fix: 'Write an ADD of its own for each archive.',
        });
      return { packing, file: node, path, open, to, changes, target: placeOf(request), owner };
    }
  }
  return undefined;
};

/**
 * Carries out COPY or ADD. @returns what it changes
 * @throws ERR_COPY_MISSING, ERR_PATH_ESCAPES, ERR_CONTEXT_INVALID, ERR_DOCKERFILE_SYNTAX, ERR_DOCKERFILE_UNSUPPORTED, ERR_LAYER_UNSAFE
 */
export const runCopy = async (run: StageRun, instruction: CopyInstruction): Promise<Changes> => {
  const request = await copyRequest(run, instruction);
  const archive = instruction.keyword === 'ADD' ? await archiveOf(request, run.files.open) : undefined;
  if (archive) await extractInto(archive);
  else copyInto(request);
  return request.changes;
};
