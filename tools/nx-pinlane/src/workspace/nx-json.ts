import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fail } from '@pinlane/contracts';

/** As much of nx.json as is read here. */
interface NxJson {
  readonly plugins?: readonly (string | { readonly plugin: string; readonly options?: { readonly folders?: readonly string[] } })[];
}

/** Nx takes comments in it, and its own parser takes longer to load than all else here. */
const readNxJson = async (root: string): Promise<NxJson> => {
  const text = readFileSync(join(root, 'nx.json'), 'utf8');
  try {
    return JSON.parse(text) as NxJson;
  } catch {
    // As @nx/devkit has it, which a workspace need not have installed.
    const { parseJson } = await import('nx/src/devkit-exports.js');
    try {
      return parseJson<object>(text) as NxJson;
    } catch (cause) {
      return fail('ERR_OPTION_INVALID', (cause as Error).message.split('\n')[0] as string, { file: 'nx.json', fix: 'Mend nx.json.', cause });
    }
  }
};

/** The folders below which every registry.yaml is a processor, relative to the root, as nx.json tells the plugin; empty is the root itself. @throws ERR_OPTION_INVALID */
export const processorFolders = async (root: string): Promise<readonly string[]> => {
  const { plugins = [] } = await readNxJson(root);
  const named = plugins.flatMap((entry) => (typeof entry === 'object' && entry.plugin === '@pinlane/nx' ? (entry.options?.folders ?? []) : []));
  return (named.length > 0 ? named : ['processors']).map((folder) => posix.normalize(folder).replace(/^\.?\/*|\/+$/g, ''));
};
