import { cpSync, rmSync } from 'node:fs';
import { temporaryFolder } from '@pinlane/testing';

/**
 * Keeps a copy of a folder that takes many programs to make, so that each test can begin with it.
 * @returns puts the folder back as it is now, at the same place
 */
export const restorable = (folder: string): (() => void) => {
  const kept = temporaryFolder('kept', { forFile: true });
  cpSync(folder, kept, { recursive: true, preserveTimestamps: true });
  return () => {
    rmSync(folder, { recursive: true, force: true });
    cpSync(kept, folder, { recursive: true, preserveTimestamps: true });
  };
};
