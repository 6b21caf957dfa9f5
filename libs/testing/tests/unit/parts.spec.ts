import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../../src/index.ts';

/** What a process finds missing if this is its PATH. */
const lackOf = (part: string, path: string): string | null => {
  const code = `const { lackOf } = await import(process.argv[1]); console.log(JSON.stringify(lackOf(process.argv[2])))`;
  const file = new URL('../../src/parts.ts', import.meta.url).href;
  const argv = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code, file, part];
  return JSON.parse(execFileSync(process.execPath, argv, { env: { PATH: path }, encoding: 'utf8' })) as string | null;
};

describe('A real part', () => {
  let folder: string;
  const program = (name: string, script: string): void => writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  beforeAll(() => {
    folder = temporaryFolder('parts');
    program('docker', 'case "$1" in version) echo 26.1.5 ;; buildx) echo "docker: no such command" >&2; exit 1 ;; esac');
    program('docker-registry', 'true');
  });

  it('is missing where its program is not on PATH', () => {
    expect(lackOf('docker', '/nowhere')).toBe('there is no docker on PATH');
    expect(lackOf('buildx', '/nowhere')).toBe('there is no docker on PATH');
    expect(lackOf('registry', '/nowhere')).toBe('there is no docker-registry on PATH');
  });

  it('is there where its program answers', () => {
    expect(lackOf('docker', folder)).toBeNull();
    expect(lackOf('registry', folder)).toBeNull();
  });

  it('is missing where docker answers and its plugin does not', () => {
    expect(lackOf('buildx', folder)).toBe('docker has no buildx');
  });

  it('is missing where there is a client and no daemon', () => {
    const other = temporaryFolder('parts');
    writeFileSync(join(other, 'docker'), '#!/bin/sh\necho "Cannot connect to the Docker daemon" >&2\nexit 1\n', { mode: 0o755 });
    expect(lackOf('docker', other)).toMatch(/^no Docker daemon answers to /);
  });
});
