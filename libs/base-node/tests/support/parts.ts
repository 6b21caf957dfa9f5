import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from '@jest/globals';
import { requirement } from '@pinlane/testing';

const isOnPath = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

const lacking = ['apt-get', 'apt-cache', 'dpkg-deb'].filter((program) => !isOnPath(program));

/** Why the machine's apt can't be used; null if it can. */
export const lackOfApt = lacking.length === 0 ? null : `${lacking.join(', ')} not found`;

/** Declares tests that work with the machine's apt. */
export const describeWithApt = requirement('apt', lackOfApt, describe);
