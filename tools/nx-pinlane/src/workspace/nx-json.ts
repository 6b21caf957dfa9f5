import { join, posix } from 'node:path';
import { fail } from '@pinlane/contracts';
import { readSmallFile } from '@pinlane/oci';

/** The largest that is read, in bytes. */
const LARGEST = 16 * 1024 * 1024;

/** As much of nx.json as is read without Nx. */
export interface NxJson {
  readonly plugins?: readonly (
    string | { readonly plugin: string; readonly options?: { readonly folders?: readonly string[]; readonly workspaceProject?: string } }
  )[];
  readonly targetDefaults?: Readonly<Record<string, { readonly options?: Readonly<Record<string, unknown>> }>>;
}

/** Nx takes comments in it, and its own parser takes longer to load than all else here. @throws ERR_OPTION_INVALID, and the system's errors */
export const readNxJson = async (root: string): Promise<NxJson> => {
  const wrong = (what: string, cause?: unknown): never => fail('ERR_OPTION_INVALID', what, { file: 'nx.json', fix: 'Mend nx.json.', cause });
  const read = readSmallFile(join(root, 'nx.json'), LARGEST);
  if (read.kind !== 'file') return wrong('it is no file that can be read');
  const text = Buffer.from(read.bytes).toString('utf8');
  try {
    return JSON.parse(text) as NxJson;
  } catch {
    // As @nx/devkit has it, which a workspace need not have installed.
    const nx = await import('nx/src/devkit-exports.js').catch((cause: unknown) => wrong('it is not plain JSON, and there is no Nx to read it', cause));
    try {
      return nx.parseJson<object>(text) as NxJson;
    } catch (cause) {
      return wrong((cause as Error).message.split('\n')[0] as string, cause);
    }
  }
};

/** The folders below which every registry.yaml is a processor, relative to the root, as nx.json tells the plugin; empty is the root itself. @throws ERR_OPTION_INVALID */
export const processorFolders = async (root: string): Promise<readonly string[]> => {
  const { plugins = [] } = await readNxJson(root);
  const named = plugins.flatMap((entry) => (typeof entry === 'object' && entry.plugin === '@pinlane/nx' ? (entry.options?.folders ?? []) : []));
  return (named.length > 0 ? named : ['processors']).map((folder) => posix.normalize(folder).replace(/^\.?\/*|\/+$/g, ''));
};
