import { describe, expect, it } from '@jest/globals';
import { runs } from '@pinlane/testing';
import { withWorkspace } from './support/workspace.ts';

const SECRET = 'hunter2pass';

/** A login in every form in which somebody may write one. */
const LOGINS = [
  `http://me:${SECRET}@host.example/x`,
  `me:${SECRET}@host.example`,
  `docker-image://me:${SECRET}/with@every"thing@host.example`,
  `me:${SECRET}${'x'.repeat(400)}@host.example/x`,
];

/** A command each: half of them, and all in `npm run fuzz`. */
const some = <T>(all: readonly T[]): readonly T[] => all.slice(0, Math.min(all.length, runs(Math.ceil(all.length / 2))));

const OPTIONS = some([
  '--digest',
  '--registry',
  '--platforms',
  '--insecureRegistry',
  '--buildArgs',
  '--nonsense',
  '--lane',
  '--engine',
  '--tags',
  '--labels',
  '--secret',
  '--target',
]);
const VARIABLES = some([
  'PINLANE_REGISTRY',
  'PINLANE_LANE',
  'PINLANE_INSECURE_REGISTRY',
  'PINLANE_BASE_IMAGE',
  'PINLANE_ENGINE',
  'PINLANE_PLATFORMS',
  'PINLANE_PUSH',
]);

describe('What a command says', () => {
  it('has no password in it that was typed in an option, also with --json', async () => {
    await withWorkspace(async ({ pinlane }) => {
      for (const [at, option] of OPTIONS.entries()) {
        const login = LOGINS[at % LOGINS.length] as string;
        const { exitCode, output } = await pinlane(option === '--digest' ? 'pin' : 'buildx', 'acme-base', `${option}=${login}`, '--json');
        expect([option, exitCode]).toEqual([option, 1]);
        expect(output).toMatch(/"code":"ERR_/);
        expect(output).not.toMatch(/hunter2|ERR_INTERNAL/);
      }
      for (const args of [[LOGINS[0]!], ['pin', LOGINS[2]!], ['pin', 'acme-base', LOGINS[1]!]]) {
        const { exitCode, output } = await pinlane(...args);
        expect([args, exitCode]).toEqual([args, 1]);
        expect(output).not.toContain('hunter2');
      }
    });
  }, 120_000);

  it('has none in it that a variable, a Dockerfile or registry.yaml holds', async () => {
    await withWorkspace(async ({ pinlaneWith, pinlane, write }) => {
      await write({ 'processors/acme-base/Dockerfile': 'ARG BASE_IMAGE=scratch\nFROM ${BASE_IMAGE}\n' });
      for (const [at, variable] of VARIABLES.entries()) {
        const { exitCode, output } = await pinlaneWith({ [variable]: LOGINS[at % LOGINS.length] as string }, 'buildx', 'acme-base');
        expect([variable, exitCode]).toEqual([variable, 1]);
        expect(output).not.toMatch(/hunter2|ERR_INTERNAL/);
      }
      const files: Record<string, string>[] = [
        { 'processors/acme-base/Dockerfile': `FROM ${LOGINS[0]}\n` },
        { 'processors/acme-base/Dockerfile': `FROM ${LOGINS[1]}/x\n` },
        { 'processors/acme-base/registry.yaml': `ref: acme/base@1\nimage: { repository: '${LOGINS[0]}' }\n` },
        { 'processors/acme-base/registry.yaml': `ref: acme/base@1\nimage: { index: '${LOGINS[1]}' }\n` },
        { 'processors/acme-base/registry.yaml': `ref: '${LOGINS[1]}'\n` },
      ];
      for (const file of files) {
        await write({ 'processors/acme-base/registry.yaml': 'ref: acme/base@1\n', ...file });
        const isSpec = 'processors/acme-base/registry.yaml' in file;
        const { output } = await (isSpec ? pinlane('verify-pins', '--json') : pinlane('buildx', 'processors/acme-base'));
        expect(output).toContain('ERR_');
        expect(output).not.toMatch(/hunter2|ERR_INTERNAL/);
      }
    });
  }, 120_000);
});
