import { baseUpdateSchema, EXIT } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { lane } from '../../images/options.ts';

export const verb = defineVerb({
  name: 'base-update',
  title: "Resolves the base's packages anew, writes its lock and prints what changed.",
  subject: 'base',
  options: { ...lane },
  environment: [],
  document: [baseUpdateSchema],
  run: async (_options, { root, projectRoot, env, progress, signal }) => {
    const [{ updateBase }, { join }] = await Promise.all([import('@pinlane/base-node'), import('node:path')]);
    const { lockFile, written, changes, summary } = await updateBase({ root, baseDir: join(root, projectRoot), env, progress, signal });
    return {
      document: { kind: 'BaseUpdate', schemaVersion: 1, lockFile, written, changes: changes.slice() },
      lines: written ? summary : ['the lock is up to date'],
      exitCode: EXIT.good,
    };
  },
});
