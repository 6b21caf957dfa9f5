import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';

// GitHub's parser imports its schema as bundlers do, without saying that it is JSON.
registerHooks({
  load: (url, context, next) => next(url, url.endsWith('.json') ? { ...context, importAttributes: { ...context.importAttributes, type: 'json' } } : context),
});

/** The runbook with the tables that follow from the workflows and from the table of lanes. */
export const runbook = async (root: string): Promise<string> => {
  const folder = '../../tools/nx-pinlane/tests/integration/support/workflows';
  const { readWorkflow } = (await import(`${folder}/read.ts`)) as typeof import('../../tools/nx-pinlane/tests/integration/support/workflows/read.ts');
  const { runbookTables, withTables } = (await import(
    `${folder}/runbook.ts`
  )) as typeof import('../../tools/nx-pinlane/tests/integration/support/workflows/runbook.ts');
  const { WORKFLOW_NAMES, WORKFLOWS } = (await import(
    `${folder}/settings.ts`
  )) as typeof import('../../tools/nx-pinlane/tests/integration/support/workflows/settings.ts');
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const workflows = WORKFLOW_NAMES.map((name) => [name, readWorkflow(WORKFLOWS[name].file, read(WORKFLOWS[name].file))]);
  return withTables(read('docs/runbook.md'), runbookTables(Object.fromEntries(workflows) as Parameters<typeof runbookTables>[0]));
};
