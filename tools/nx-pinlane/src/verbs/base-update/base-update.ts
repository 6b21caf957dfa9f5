import { join } from 'node:path';
import { updateBase } from '@pinlane/base-node';
import { EXIT, type BaseUpdate } from '@pinlane/contracts';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';

/** Resolves the base's packages anew, writes the lock and tells what changed. @throws as `updateBase` */
export const baseUpdate = async ({ root, projectRoot, env, progress, signal }: VerbContext): Promise<VerbOutcome<BaseUpdate>> => {
  const { lockFile, written, changes, summary } = await updateBase({ root, baseDir: join(root, projectRoot), env, progress, signal });
  return {
    document: { kind: 'BaseUpdate', schemaVersion: 1, lockFile, written, changes: [...changes] },
    lines: written ? summary : ['the lock is up to date'],
    exitCode: EXIT.good,
  };
};
