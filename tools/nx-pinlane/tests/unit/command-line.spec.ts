import { describe, expect, it } from '@jest/globals';
import { parseArguments, type CommandArguments } from '../../src/cli/arguments.ts';
import { commandOf, overview, verbNamed } from '../../src/cli/commands.ts';
import { helpText } from '../../src/cli/help.ts';
import { VERBS, type VerbName } from '../../src/verbs/index.ts';

const names = Object.keys(VERBS) as VerbName[];
const verbs = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await VERBS[name]()] as const)));
const help = (name: VerbName): string => helpText(verbs[name]!, commandOf(name));

/** A command line as a person types it. */
const parseCommandLine = ([command = '', ...args]: readonly string[]): CommandArguments & { readonly verb: VerbName } => {
  const verb = verbNamed(command);
  return { verb, ...parseArguments(verbs[verb]!, command, args) };
};

describe('the command line', () => {
  it('is a verb, a project and options, in camel case or with hyphens', () => {
    expect(parseCommandLine(['pin', 'llm-litellm', '--dry-run', '--platforms=linux/arm64', '--verbose'])).toEqual({
      kind: 'run',
      verb: 'pin',
      project: 'llm-litellm',
      options: { dryRun: true, platforms: ['linux/arm64'] },
      verbose: true,
    });
    expect(parseCommandLine(['pin', '--dryRun', 'llm-litellm'])).toMatchObject({ options: { dryRun: true } });
  });

  it('gathers build arguments as Nx does, whatever their value holds', () => {
    expect(parseCommandLine(['buildx', 'x', '--buildArgs.A=1', '--build-args.B=a=b --c'])).toMatchObject({ options: { buildArgs: { A: '1', B: 'a=b --c' } } });
    expect(parseCommandLine(['buildx', 'x', '--buildArgs.A=1', '--buildArgs=B=2'])).toMatchObject({ options: { buildArgs: ['B=2', 'A=1'] } });
  });

  it('changes no object but its own, whatever options and their entries are named', () => {
    for (const option of ['constructor', 'toString', 'has-own-property', 'value-of'])
      for (const entry of ['prototype', '__proto__', 'polluted'])
        expect(parseCommandLine(['buildx', 'x', `--${option}.${entry}=1`, `--${option}.${entry}=2`])).toMatchObject({ kind: 'run', project: 'x' });
    expect(Object.prototype).not.toHaveProperty('polluted');
    expect([Object, Object.prototype.toString, Object.prototype.valueOf].map((each) => Object.hasOwn(each, 'polluted'))).toEqual([false, false, false]);
    const parsed = parseCommandLine(['buildx', 'x', '--buildArgs.constructor=1', '--buildArgs.__proto__=2']);
    expect(Object.entries((parsed as unknown as { options: { buildArgs: object } }).options.buildArgs)).toEqual([
      ['constructor', '1'],
      ['__proto__', '2'],
    ]);
  });

  it('takes a list with commas between or repeated', () => {
    const hosts = ['a.example:5000,b.example', 'c.example'];
    expect(parseCommandLine(['verify-pins', ...hosts.map((host) => `--insecure-registry=${host}`), '--concurrency=3'])).toMatchObject({
      verb: 'verify-pins',
      project: null,
      options: { insecureRegistry: hosts, concurrency: 3 },
    });
  });

  it("takes Docker's options as Docker does: again and again, and some alone or with a value", () => {
    const args = [
      '--labels=a=1',
      '--labels=b=2',
      '--tags=latest',
      '--secret=id=a,env=A',
      '--secret',
      'id=b,env=B',
      '--sbom',
      '--provenance=mode=max',
      '--no-cache',
    ];
    expect(parseCommandLine(['buildx', ...args, 'x'])).toMatchObject({
      project: 'x',
      options: { labels: ['a=1', 'b=2'], tags: ['latest'], secret: ['id=a,env=A', 'id=b,env=B'], sbom: true, provenance: 'mode=max', noCache: true },
    });
  });

  it('takes what may be one or several as often as it is given, and yes or no as Nx does', () => {
    const given = ['--tags=a', '--tags=b', '--secret=id=npm', '--cache-from=x', '--cacheFrom=y', '--sbom', '--provenance=mode=max', '--push=false', '--load'];
    expect(parseCommandLine(['buildx', ...given, 'acme-one'])).toMatchObject({
      project: 'acme-one',
      options: { tags: ['a', 'b'], secret: ['id=npm'], cacheFrom: ['x', 'y'], sbom: true, provenance: 'mode=max', push: false, load: true },
    });
    expect(parseCommandLine(['acceptance', 'acme-one', '--attach=false'])).toMatchObject({ options: { attach: false } });
    expect(() => parseCommandLine(['acceptance', 'acme-one', '--attach=maybe'])).toThrow(/^ERR_OPTION_INVALID: .*attach/);
  });

  it.each([[['pinn', 'x']], [['pin']], [['pin', 'x', 'y']], [['pin', 'x', '--nonsense']], [['pin', 'x', '--spec=1']], [['pin', 'x', '--platforms']]])(
    'is refused as %j',
    (args) => {
      expect(() => parseCommandLine(args)).toThrow(/^ERR_OPTION_INVALID: /);
    },
  );

  it('takes no project where the whole workspace is meant, and numbers where the option is one', () => {
    expect(parseCommandLine(['gc', '--grace-minutes=5', '--dry-run'])).toEqual({
      kind: 'run',
      verb: 'store-gc',
      project: null,
      options: { graceMinutes: 5, dryRun: true },
      verbose: false,
    });
    expect(() => parseCommandLine(['gc', 'x'])).toThrow(/^ERR_OPTION_INVALID: .*takes no project/);
    expect(parseCommandLine(['gc', '--graceMinutes='])).toMatchObject({ options: { graceMinutes: NaN } });
  });

  it('explains every verb and every option that a person may give', () => {
    expect(parseCommandLine(['pin', '--help'])).toEqual({ kind: 'help', verb: 'pin' });
    expect(names.filter((name) => !overview().includes(`  ${commandOf(name)} `))).toEqual([]);
    expect(help('buildx')).toMatch(/--engine=<auto\|embedded\|docker>\n {6}\S/);
    expect(help('buildx')).not.toMatch(/--(spec|skip|bundle)/);
    expect(help('buildx')).toMatch(/--labels=<string>, may be repeated\n[^]*--sbom\[=<string>\]\n/);
    expect(help('buildx')).toContain('--buildArgs=<string>, may be repeated\n');
    expect(help('store-serve')).toContain('Usage: pinlane serve [options]\n');
    expect(help('store-serve')).toContain('--port=<integer>, 5055 where absent\n');
    expect(names.filter((name) => /undefined|<array>/.test(help(name)))).toEqual([]);
  });

  it('takes a verb by its name, and by its shorter one', () => {
    expect([verbNamed('gc'), verbNamed('store-gc'), verbNamed('pin')]).toEqual(['store-gc', 'store-gc', 'pin']);
    expect(() => verbNamed('nonsense')).toThrow(/^ERR_OPTION_INVALID: "nonsense" is no command; there are .*\bgc\b/);
  });
});
