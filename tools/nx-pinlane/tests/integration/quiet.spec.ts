import { describe, expect, it } from '@jest/globals';
import { withWorkspace } from './support/workspace.ts';

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
      for (const odd of ODD) {
        const text = odd.startsWith('%') ? odd.replace('x: 1', 'ref: acme/base@1') : `ref: acme/base@1\n${odd}`;
        await write({ 'processors/acme-base/registry.yaml': text, 'libs/shared/base.yaml': odd });
        for (const ran of [await pinlane('verify-pins'), await pinlane('base', 'libs/shared'), await pinlane('pin', 'processors/acme-base')]) {
          expect([odd, ran.exitCode]).toEqual([odd, 1]);
          expect(ran.output).toMatch(/ERR_(?!INTERNAL)/);
          expect(ran.output).not.toMatch(/\(node:\d+\)|Warning:/);
        }
      }
      expect((await nx('show', 'projects')).output).not.toMatch(/\(node:\d+\)|Warning:/);
    });
  }, 120_000);
});
