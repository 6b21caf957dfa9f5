import { describe, expect, it } from '@jest/globals';
import { definitionDigest, parseDefinition } from '@pinlane/base-node';
import { problemsOfSync } from '@pinlane/testing';

const GOOD = `# what it is
release: bookworm
packages: [libc6, dash]
without: [debconf]
node: '24'
config:
  env: { PATH: /usr/bin }
  cmd: [node]
`;

const problemsOf = (text: string): string[] =>
  problemsOfSync(() => parseDefinition(text, 'base.yaml')).map(({ code, file, line, column, message }) => `${code} ${file}:${line}:${column} ${message}`);

describe('base.yaml', () => {
  it('is read into what it asks for', () => {
    expect(parseDefinition(GOOD)).toEqual({
      release: 'bookworm',
      packages: ['libc6', 'dash'],
      without: ['debconf'],
      node: '24',
      config: { env: { PATH: '/usr/bin' }, cmd: ['node'] },
    });
  });

  it('reports every problem at once, each at its place', () => {
    const text = GOOD.replace('bookworm', 'Book Worm').replace("'24'", "'latest'").replace('dash', '--force');
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^ERR_BASE_DEFINITION_INVALID base\.yaml:2:10 release: /),
      expect.stringMatching(/^ERR_BASE_DEFINITION_INVALID base\.yaml:3:19 packages\.1: /),
      expect.stringMatching(/^ERR_BASE_DEFINITION_INVALID base\.yaml:5:7 node: /),
    ]);
  });

  it.each([
    ['an unknown key', `${GOOD}mirror: example.org\n`, /mirror/],
    ['a duplicate key', `${GOOD}release: trixie\n`, /unique/],
    ['a Node release that YAML reads as a number', GOOD.replace("'24'", '24.10'), /in quotes/],
    ['a package twice', GOOD.replace('dash', 'libc6'), /twice/],
    ['a package that is both in and out', GOOD.replace('[debconf]', '[dash]'), /dash is in packages too/],
    ['no package', GOOD.replace('[libc6, dash]', '[]'), /packages/],
    ['a package with a version', GOOD.replace('dash', 'dash=1'), /name of a Debian package/],
    ['a variable with a line break', GOOD.replace('/usr/bin', '"a\\nb"'), /one line/],
    ['a variable whose name is none', GOOD.replace('PATH', 'A=B'), /config\.env/],
    ['a published image by tag', `${GOOD}published: ghcr.io/pinlane/base-node:latest\n`, /published/],
    ['tabs', GOOD.replace('  env', '\tenv'), /tab/i],
    ['two documents', `${GOOD}---\n${GOOD}`, /more than one document/],
    ['nothing', '', /empty|expected/i],
    ['a list', '- release\n', /expected object/],
    ['an alias bomb', `a: &a [x, x]\nb: &b [*a, *a]\nrelease: *b\n${GOOD}`, /alias|unique/i],
    ['a merge key', `base: &base { release: bookworm }\n<<: *base\n`, /alias/i],
    ['more than 64 KiB', `${GOOD}# ${'x'.repeat(70_000)}\n`, /larger/],
  ])('refuses %s', (_, text, message) => {
    expect(problemsOf(text).join('\n')).toMatch(/^ERR_BASE_DEFINITION_INVALID/);
    expect(problemsOf(text).join('\n')).toMatch(message);
  });

  it('keeps its digest when only comments, order or the published image change', () => {
    const changed = GOOD.replace('# what it is', '# other words').replace('[libc6, dash]', '[dash, libc6]');
    const published = `${changed}published: ghcr.io/pinlane/base-node@sha256:${'a'.repeat(64)}\n`;
    expect(definitionDigest(parseDefinition(published))).toBe(definitionDigest(parseDefinition(GOOD)));
  });

  it.each([
    ['release', 'bookworm', 'trixie'],
    ['packages', 'dash', 'bash'],
    ['without', 'debconf', 'openssl'],
    ['node', "'24'", "'25'"],
    ['env', '/usr/bin', '/bin'],
    ['cmd', '[node]', '[sh]'],
  ])('changes its digest with %s', (_, from, to) => {
    expect(definitionDigest(parseDefinition(GOOD.replace(from, to)))).not.toBe(definitionDigest(parseDefinition(GOOD)));
  });
});
