import { join, posix } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fail, type ProcessorSpec } from '@pinlane/contracts';
import { parseSpec } from '@pinlane/pipeline';
import { readSpecBytes } from './spec-bytes.ts';

/** A processor's registry.yaml: where it is, and what it says. */
export interface SpecFile {
  /** The absolute path. */
  readonly path: string;
  /** Relative to the workspace's root, for messages and reports. */
  readonly file: string;
  readonly text: string;
  readonly spec: ProcessorSpec;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The text of a file that people edit, byte for byte.
 * @throws ERR_REGISTRY_SYNTAX if it is no file, or is not UTF-8, because writing it back would change it; ERR_REGISTRY_TOO_LARGE; the system's errors
 */
export const readExactText = async (path: string, file: string): Promise<string> => {
  // Reading and parsing wait for nothing, and a thousand of them would let nobody hear of Ctrl-C before the last.
  await setImmediate();
  const read = readSpecBytes(path, file);
  try {
    return utf8.decode(read);
  } catch (cause) {
    return fail('ERR_REGISTRY_SYNTAX', 'the file is not UTF-8', { file, cause });
  }
};

/** Reads and parses one registry.yaml. @param file relative to the workspace's root @throws what `parseSpec` and {@link readExactText} throw */
export const readSpecFile = async (root: string, file: string): Promise<SpecFile> => {
  const path = join(root, file);
  const text = await readExactText(path, file);
  return { path, file, text, spec: parseSpec(text, { file }).spec };
};

/** The same for the processor of a project. @throws as {@link readSpecFile}; ERR_OPTION_INVALID if the project has no registry.yaml */
export const readSpec = async (
  { root, projectRoot, project }: { readonly root: string; readonly projectRoot: string; readonly project: string },
  read = readSpecFile,
): Promise<SpecFile> => {
  const file = posix.join(projectRoot, 'registry.yaml');
  return read(root, file).catch((thrown: Error & { readonly cause?: NodeJS.ErrnoException }) => {
    if (thrown.cause?.code === 'ENOENT')
      return fail('ERR_OPTION_INVALID', `${project} is no processor: it has no registry.yaml`, {
        file,
        fix: 'Name a processor: a project with a registry.yaml.',
      });
    throw thrown;
  });
};
