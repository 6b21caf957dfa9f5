import { describe, expect, it } from '@jest/globals';
import { withWorkspace, type Ran } from './support/workspace.ts';

/** What the parsers of YAML would warn of by themselves: tags, keys that are no text, aliases, directives of other versions. */
const ODD = [
  'x: !unknown 1\n',
  '? [a, b]\n: 1\n',
  '{ a: 1 }: 2\n',
  'x: &a 1\ny: *a\n',
  'x: !!binary "==="\n',
  '%YAML 1.3\n---\nx: 1\n',
  'x: 2001-01-01\n? { b: 1 }\n: c\n',
];

describe('A command', () => {
  it("hands on no warning of Node's, whatever the YAML is", async () => {
    await withWorkspace(async ({ pinlane, nx, write }) => {
      const expectQuiet = (odd: string, ran: Ran): void => {
        expect([odd, ran.exitCode]).toEqual([odd, 1]);
        expect(ran.output).toMatch(/ERR_(?!INTERNAL)/);
        expect(ran.output).not.toMatch(/\(node:\d+\)|Warning:/);
      };
      for (const [at, odd] of ODD.entries()) {
        const ref = `ref: acme/odd-${at}@1`;
        await write({
          [`processors/acme-odd-${at}/registry.yaml`]: odd.startsWith('%') ? odd.replace('x: 1', ref) : `${ref}\n${odd}`,
          'libs/shared/base.yaml': odd,
        });
        expectQuiet(odd, await pinlane('base', 'libs/shared'));
      }
      const all = await pinlane('verify-pins');
      expectQuiet('all', all);
      for (const at of ODD.keys()) expect(all.output).toContain(`acme-odd-${at}/registry.yaml`);
      for (const at of [0, 5]) expectQuiet(ODD[at]!, await pinlane('pin', `processors/acme-odd-${at}`));
      expect((await nx('show', 'projects')).output).not.toMatch(/\(node:\d+\)|Warning:/);
    });
  }, 120_000);
});
