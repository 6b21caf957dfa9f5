import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { openArtifacts, type ArtifactLimits } from '../../src/artifacts/index.ts';

jest.setTimeout(60_000);

const CANARY = 'canary-of-the-host-5b1f';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('what a processor leaves', () => {
  let host = '';
  let root = '';
  let server: Server | undefined;
  beforeEach(() => {
    const folder = temporaryFolder('artifacts');
    host = join(folder, 'host');
    root = join(folder, 'artifacts');
    mkdirSync(join(root, 'run/outputs'), { recursive: true });
    mkdirSync(host);
    writeFileSync(join(host, 'secret'), CANARY);
    writeFileSync(join(root, 'run/outputs/a.txt'), 'an answer');
  });
  afterEach(() => {
    server?.close();
    server = undefined;
  });

  const artifacts = (limits: Partial<ArtifactLimits> = {}) => openArtifacts(root, { limits });
  const file = (): string => join(root, 'run/outputs.json');
  const bind = (path: string): Promise<void> => new Promise((resolve) => void (server = createServer().listen(path, resolve)));

  it('is read, measured and listed', async () => {
    expect(String(await artifacts().read('run/outputs/a.txt'))).toBe('an answer');
    expect(await artifacts().measure('run/outputs/a.txt')).toEqual({ size: 9, sha256: sha256('an answer') });
    expect(await artifacts().list('')).toEqual(['run/', 'run/outputs/', 'run/outputs/a.txt']);
    expect(await artifacts().list('run')).toEqual(['outputs/', 'outputs/a.txt']);
  });

  it.each(['run/none', 'none/none', 'run/outputs/a.txt/b'])('is not there: %s', async (path) => {
    expect(await artifacts().read(path)).toBeUndefined();
    expect(await artifacts().measure(path)).toBeUndefined();
    expect(await artifacts().list(path)).toEqual([]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['a link to a file of the host', () => symlinkSync(join(host, 'secret'), file()), /is a link, which is not followed/],
    ['a link to the environment of this process', () => symlinkSync('/proc/self/environ', file()), /is a link, which is not followed/],
    ['a link to a file beside it', () => symlinkSync('outputs/a.txt', file()), /is a link, which is not followed/],
    ['a link to itself', () => symlinkSync('outputs.json', file()), /is a link, which is not followed/],
    ['a link to nowhere', () => symlinkSync('/none', file()), /is a link, which is not followed/],
    ['a link to an endless device', () => symlinkSync('/dev/zero', file()), /is a link, which is not followed/],
    ['a pipe', () => execFileSync('mkfifo', [file()]), /is a pipe, and no file/],
    ['a socket', () => bind(file()), /is a socket/],
    ['a folder', () => mkdirSync(file()), /is a folder, and no file/],
    ['a folder that is a link', () => (rmSync(join(root, 'run'), { recursive: true }), symlinkSync(host, join(root, 'run'))), /^run is a link/],
    ['a root that is a link', () => (renameSync(root, `${root}-moved`), symlinkSync(host, root)), /^the artifacts root is a link/],
  ])('is not read if it is %s', async (_, make, message) => {
    await make();
    for (const work of [() => artifacts().read('run/outputs.json'), () => artifacts().measure('run/outputs.json')])
      await expect(work()).rejects.toThrow(message);
  });

  it.each([
    '../host/secret',
    'run/../../host/secret',
    '/etc/hostname',
    'run/outputs/../outputs/a.txt',
    './run',
    'run//outputs/a.txt',
    'run/outputs/',
    'run/a\0b',
    '..',
    '.',
  ])('is not looked for at %j', async (path) => {
    for (const work of [() => artifacts().read(path), () => artifacts().measure(path), () => artifacts().list(path)])
      await expect(work()).rejects.toThrow(/is not the plain path of something below the artifacts root/);
  });

  it.each([
    ['half a surrogate pair', '\ud800'],
    ['an encoded path', '%2e%2e/host/secret'],
    ['a path with backslashes', '..\\host\\secret'],
    ['a mark of direction', '\u202ehost'],
    ['wide dots', '．．/host/secret'],
    ['a long name', 'x'.repeat(300)],
    ['a long path', `${'x/'.repeat(3000)}x`],
  ])('holds nothing at %s, and what is said of it is plain', async (_, path) => {
    const said = await artifacts()
      .read(path)
      .catch((error: Error) => error.message);
    expect(said === undefined || /cannot be read \(ENAMETOOLONG\)$/.test(String(said))).toBe(true);
  });

  it('names what is wrong with a name that has line breaks and escape sequences, on one line', async () => {
    symlinkSync('/', join(root, 'a\n\u001b[31mb'));
    const said = await artifacts()
      .read('a\n\u001b[31mb')
      .catch((error: Error) => error.message);
    expect(said).toBe('a\\n\\x1b[31mb is a link, which is not followed');
  });

  it('lists links, pipes and sockets without opening them', async () => {
    symlinkSync(host, join(root, 'run/link'));
    execFileSync('mkfifo', [join(root, 'run/pipe')]);
    await bind(join(root, 'run/socket'));
    expect(await artifacts().list('run')).toEqual(['link', 'outputs/', 'outputs/a.txt', 'pipe', 'socket']);
  });

  it.each<[string, number[], string]>([
    ['bytes that are never text', [0xff, 0xfe], '\\xff\\xfe'],
    ['another alphabet', [0x61, 0xe9], 'a\\xe9'],
    ['half a character, and a line break', [0xc3, 0x0a], '\\xc3\\x0a'],
    ['half a surrogate pair', [0xed, 0xa0, 0x80], '\\xed\\xa0\\x80'],
  ])('refuses by name what is no text, as two such names would look like one: %s', async (_, bytes, shown) => {
    writeFileSync(join(root, 'run/\ufffd'), '');
    expect(await artifacts().list('run')).toContain('\ufffd');
    writeFileSync(Buffer.concat([Buffer.from(`${root}/run/outputs/`), Buffer.from(bytes)]), '');
    for (const folder of ['', 'run', 'run/outputs']) await expect(artifacts().list(folder)).rejects.toThrow(`${shown} is no text in UTF-8`);
  });

  it('lists no folder that is a link', async () => {
    symlinkSync(host, join(root, 'way-out'));
    await expect(artifacts().list('way-out')).rejects.toThrow(/^way-out is a link/);
    await expect(artifacts().list('way-out/secret')).rejects.toThrow(/^way-out is a link/);
    expect(await artifacts().list('')).not.toContain('way-out/secret');
  });

  it('gives the target of a link as its content, and nothing of what it leads to', async () => {
    symlinkSync(join(host, 'secret'), join(root, 'link'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const seen: Record<string, string> = {};
    await artifacts().visit('', ({ path, content }) => content((piece) => void (seen[path] = `${seen[path] ?? ''}${String(piece)}`)));
    expect(seen).toEqual({ link: join(host, 'secret'), 'run/outputs/a.txt': 'an answer' });
  });

  it('stays what it was when it was opened, however often its folder is swapped for a link', async () => {
    const [real, link] = [join(root, 'run/outputs'), join(root, 'run/swapped')];
    writeFileSync(join(host, 'a.txt'), CANARY);
    symlinkSync(host, link);
    let on = true;
    const swap = (async () => {
      while (on) {
        for (const [from, to] of [
          [real, `${real}-aside`],
          [link, real],
          [real, link],
          [`${real}-aside`, real],
        ] as const)
          renameSync(from, to);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const seen = new Set<string>();
    for (let tries = 0; tries < 300; tries += 1)
      seen.add(
        await artifacts()
          .read('run/outputs/a.txt')
          .then(String, (error: Error) => error.message),
      );
    on = false;
    await swap;
    expect([...seen].join('\n')).not.toContain(CANARY);
  });

  it('may be a hard link, because it leads nowhere but into the same mount', async () => {
    linkSync(join(root, 'run/outputs/a.txt'), join(root, 'run/again.txt'));
    expect(String(await artifacts().read('run/again.txt'))).toBe('an answer');
  });

  it('is not held if it is large, and not read if it is larger than all that is read', async () => {
    truncateSync(join(root, 'run/outputs/a.txt'), 2_000_000_000);
    await expect(artifacts().read('run/outputs/a.txt')).rejects.toThrow('a.txt holds 2000000000 bytes; 8388608 at most are read');
    await expect(artifacts().measure('run/outputs/a.txt')).rejects.toThrow(/the files to be read hold more than 1073741824 bytes; it was run\/outputs\/a\.txt/);
  });

  it('is read by each reader up to one sum', async () => {
    const reader = artifacts({ allBytes: 20 });
    await reader.measure('run/outputs/a.txt');
    await reader.read('run/outputs/a.txt');
    await expect(reader.measure('run/outputs/a.txt')).rejects.toThrow(/hold more than 20 bytes/);
  });

  it('is not read without end if it grows meanwhile', async () => {
    const path = join(root, 'run/outputs/a.txt');
    truncateSync(path, 600_000);
    let grown = 0;
    const reader = artifacts({ allBytes: 2_000_000 });
    const all = reader.visit('run/outputs', ({ content }) =>
      content(() => {
        if (grown++ < 100) appendFileSync(path, Buffer.alloc(300_000));
      }),
    );
    await expect(all).rejects.toThrow(/hold more than 2000000 bytes/);
    expect(grown).toBeLessThan(20);
  });

  it('is listed up to a number of entries, in time that grows with them alone', async () => {
    for (let at = 0; at < 600; at += 1) writeFileSync(join(root, `run/outputs/${at}`), '');
    expect(await artifacts().list('run/outputs')).toHaveLength(601);
    await expect(artifacts({ entries: 500 }).list('run/outputs')).rejects.toThrow('run/outputs holds more than 500 entries');
  });

  it('is listed up to a depth', async () => {
    mkdirSync(join(root, 'd/'.repeat(200)), { recursive: true });
    await expect(artifacts().list('')).rejects.toThrow('the artifacts root holds folders that are nested deeper than 64');
  });

  it('is read for so long and no longer', async () => {
    await expect(artifacts({ readingMs: -1 }).list('')).rejects.toThrow(/took longer than/);
    await expect(openArtifacts(root, { signal: AbortSignal.abort(new Error('stopped')) }).list('')).rejects.toThrow('stopped');
  });

  it('leaves no descriptor open', async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    await artifacts().list('');
    const before = open();
    symlinkSync('/', join(root, 'link'));
    for (let round = 0; round < 20; round += 1) {
      for (const path of ['run/outputs/a.txt', 'none', 'link', 'run', '../x', 'run/outputs/a.txt/b'])
        await artifacts()
          .read(path)
          .catch(() => null);
      await artifacts({ depth: 1 })
        .list('')
        .catch(() => null);
    }
    expect(open()).toBeLessThanOrEqual(before + 1);
  });

  it('gets a link made in the root itself, and keeps what has that name', async () => {
    await artifacts().link('way-out', '..');
    await artifacts().link('way-out', '/');
    await artifacts().link('run', '..');
    expect(readdirSync(root, { withFileTypes: true }).map((entry) => [entry.name, entry.isSymbolicLink()])).toEqual([
      ['run', false],
      ['way-out', true],
    ]);
  });
});
