import { join } from 'node:path';
import { EXIT, type BaseUpdate } from '@pinlane/contracts';
import { openStore } from '@pinlane/oci';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { workspacePaths } from '../../workspace/paths.ts';

/** Resolves the base's packages anew, assembles them, writes the lock and tells what changed. @throws as `updateBase` */
export const baseUpdate = async ({ root, project, projectRoot, env, progress, signal }: VerbContext): Promise<VerbOutcome<BaseUpdate>> => {
  const { updateBase } = await import('@pinlane/base-node');
  const store = openStore(workspacePaths(root, 'local').store);
  const { lockFile, written, changes, summary } = await updateBase({ root, name: project, baseDir: join(root, projectRoot), store, env, progress, signal });
  const recorded = written && summary.length === 0 ? ['the lock records what it assembles to'] : summary;
  return {
    document: { kind: 'BaseUpdate', schemaVersion: 1, lockFile, written, changes: [...changes] },
    lines: written ? recorded : ['the lock is up to date'],
    exitCode: EXIT.good,
  };
};
