import { describe, expect, it } from '@jest/globals';
import { errorDocumentSchema } from '@pinlane/contracts';
import type * as z from 'zod';
import { verbNamed } from '../../src/cli/commands.ts';
import { VERBS } from '../../src/verbs/index.ts';
import { withWorkspace } from './support/workspace.ts';

/** The kinds of document that a text may be, of those that a verb says it prints. */
const kindsOf = (text: string, schemas: readonly z.ZodType[]): unknown[] => {
  const document: unknown = JSON.parse(text);
  return schemas.filter((schema) => schema.safeParse(document).success).map(() => (document as { kind: unknown }).kind);
};

describe('the document that a command prints', () => {
  it('is one of those in the definition of its verb', async () => {
    await withWorkspace(async ({ pinlane, nx }) => {
      await pinlane('buildx', 'acme-base');
      for (const [command, kind] of [
        [['bundle', 'acme-one'], 'Bundle'],
        [['buildx', 'acme-one'], 'BuiltImage'],
        [['pin', 'acme-one', '--dry-run'], 'PinReport'],
        [['pin', 'acme-one'], 'PinReport'],
        [['pin', 'acme-one', '--check'], 'PinReport'],
        [['verify-pins'], 'PinAudit'],
        [['gc', '--dry-run'], 'StoreCollection'],
      ] as const) {
        const { stdout, stderr } = await pinlane(...command, '--json');
        const { document } = await VERBS[verbNamed(command[0])]();
        expect([command, kindsOf(stdout, document), stdout === '' ? stderr : '']).toEqual([command, [kind], '']);
      }
      const skipped = await nx('run', 'acme-one:buildx', '-c', 'pinned', '--json', '--outputStyle=static');
      expect(kindsOf(/^\{.*\}$/m.exec(skipped.output)?.[0] ?? 'null', (await VERBS.buildx()).document)).toEqual(['Skipped']);
    });
  }, 120_000);

  it('is an error if there is no other', async () => {
    await withWorkspace(async ({ pinlane, write }) => {
      await write({ 'processors/acme-one/registry.yaml': 'ref: acme/one@1\nbuild: { port: 0 }\nnonsense: 1\n' });
      for (const command of [
        ['pin', 'acme-one'],
        ['pin', 'acme-two', '--digest=nonsense'],
        ['pin', 'acme-two', '--engine=nothing'],
      ]) {
        const { stdout, exitCode } = await pinlane(...command, '--json');
        expect([exitCode, kindsOf(stdout, [errorDocumentSchema])]).toEqual([1, ['Error']]);
      }
    });
  }, 60_000);
});
