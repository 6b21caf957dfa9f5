import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from '@jest/globals';

const isOnPath = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Whether a part was said to be there: its absence is then a failure, not a reason to skip. */
export const isRequired = (part: string): boolean => (process.env.PINLANE_REQUIRE ?? '').split(',').includes(part);

/** Runs tests where apt and dpkg-deb are, or are required to be. */
export const describeWithApt = ['apt-get', 'apt-cache', 'dpkg-deb'].every(isOnPath) || isRequired('apt') ? describe : describe.skip;
