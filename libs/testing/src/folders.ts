import { mkdtempSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach } from '@jest/globals';

const ofTest: string[] = [];
const ofFile: string[] = [];
let testRuns = false;

/** A test may leave a program behind that still writes while its folder is removed. */
const RETRIES = 5;

const removeAll = async (folders: string[]): Promise<void> => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true, maxRetries: RETRIES })));
};

// This module is imported before the test file's own hooks are declared, so its beforeEach is the first of all. Jest runs the hooks of one
// level in the order of their declaration, afterEach included: folders of a test are therefore removed when the next test begins, or the
// file ends, and every afterEach of the test still finds them.
beforeEach(async () => {
  await removeAll(ofTest);
  testRuns = true;
});
afterEach(() => {
  testRuns = false;
});
afterAll(async () => {
  await removeAll(ofTest);
  await removeAll(ofFile);
});

/**
 * Makes an empty folder below the system's temporary folder, and sees to its removal: after the test, if a test or a beforeEach calls it; at
 * the end of the file, if a beforeAll does. An afterAll outside of every describe comes too late for it. Works under Jest alone.
 * @param name a word that tells whose folder it is, if one is ever found
 * @param options.forFile whether the folder stays until the end of the file, although a test makes it: for what several tests share
 * @returns its real path, which is what programs print that are started in it
 */
export const temporaryFolder = (name = 'test', { forFile = !testRuns }: { readonly forFile?: boolean } = {}): string => {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), `pinlane-${name}-`));
  (forFile ? ofFile : ofTest).push(folder);
  return folder;
};
