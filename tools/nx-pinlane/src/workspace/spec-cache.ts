import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parseSpec } from '@pinlane/pipeline';
import { hideFromGit, OWN_FOLDER } from './own-folder.ts';
import { readSealed, writeSealed } from './sealed-file.ts';
import { readExactText, type SpecFile } from './spec-file.ts';

/** Counts up when the same text is read into another spec: `tests/contracts/spec-cache.spec.ts` tells. */
export const SPEC_FORMAT = 'specs 1';

/** Specs of registry.yaml files, by their content: parsing a thousand of them strictly takes longer than to ask a platform about a thousand apps. */
export interface SpecCache {
  /** Reads one as `readSpecFile` does, and parses it only if its text is not known. Nothing is kept if it throws. */
  read(file: string): Promise<SpecFile>;
  /** Keeps the specs that were read since the cache was opened, if any of them are new. If the folder can't be written to, only time is lost. */
  save(): Promise<void>;
}

/** Opens the cache of a workspace. */
export const openSpecCache = (root: string, note: (line: string) => void): SpecCache => {
  const path = join(root, OWN_FOLDER, 'cache/specs.json');
  const known = readSealed<SpecFile['spec']>(path, SPEC_FORMAT, 'every registry.yaml is parsed anew', note);
  const used: Record<string, SpecFile['spec']> = {};
  let fresh = false;
  return {
    read: async (file) => {
      const at = join(root, file);
      const text = await readExactText(at, file);
      const key = createHash('sha256').update(text).digest('base64url');
      const found = Object.hasOwn(known, key) ? known[key] : undefined;
      const spec = found ?? parseSpec(text, { file }).spec;
      fresh ||= found === undefined;
      used[key] = spec;
      return { path: at, file, text, spec };
    },
    save: async () => {
      if (!fresh) return;
      hideFromGit(root);
      await writeSealed(path, SPEC_FORMAT, used);
    },
  };
};
