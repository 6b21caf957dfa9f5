import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** A real part that tests may require, by its name in PINLANE_REQUIRE. */
export type Part = 'docker' | 'buildx' | 'registry' | 'qemu' | 'litellm' | 'modal' | 'chromium' | 'act' | 'compose' | 'mmdebstrap' | 'github-api';

/** The version of Modal's Python client that is deployed with, and no other. */
const MODAL_VERSION = '1.6.4';

/** The absolute path of a program on PATH, or null. */
const onPath = (name: string): string | null => {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter).filter((each) => each.startsWith('/'))) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not in this folder.
    }
  }
  return null;
};

/** What a command prints; null if it fails, or does not end within ten seconds, because a daemon that hangs is of no use. */
const answer = (program: string, ...args: string[]): string | null => {
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000, stdio: ['ignore', 'pipe', 'ignore'] });
  return status === 0 ? stdout.trim() : null;
};

/** The Python that has Modal's client: the one that PINLANE_MODAL_PYTHON names, else python3. */
export const modalPython = (): string => process.env['PINLANE_MODAL_PYTHON'] || 'python3';

/** The Chromium that pages are opened in: the one that PINLANE_CHROMIUM names, else that on PATH; null if there is none. */
export const chromiumPath = (): string | null => process.env['PINLANE_CHROMIUM'] || onPath('chromium');

/** The file of GitHub's own description of its API, `api.github.com.json` of the npm package @octokit/openapi, which unpacks to 400 MB. */
export const gitHubDescription = (): string => process.env['PINLANE_GITHUB_API'] ?? '';

/** The folder of act, which runs workflows: on PATH, else where `go install` puts it. */
export const actFolder = (): string | null => {
  const installed = [process.env['GOBIN'], join(homedir(), 'go/bin')].find((folder) => folder && existsSync(join(folder, 'act')));
  const found = onPath('act');
  return found === null ? (installed ?? null) : dirname(found);
};

const lacks: Readonly<Record<Part, () => string | null>> = {
  docker: () => {
    const program = onPath('docker');
    if (program === null) return 'there is no docker on PATH';
    return answer(program, 'version', '--format', '{{.Server.Version}}') ? null : `no Docker daemon answers to ${program}`;
  },
  buildx: () => lackOf('docker') ?? (answer(onPath('docker')!, 'buildx', 'version') ? null : 'docker has no buildx'),
  compose: () => lackOf('docker') ?? (answer(onPath('docker')!, 'compose', 'version') ? null : 'docker has no compose'),
  mmdebstrap: () => (onPath('mmdebstrap') === null ? 'there is no mmdebstrap on PATH' : null),
  registry: () => (onPath('docker-registry') === null ? 'there is no docker-registry on PATH' : null),
  litellm: () => (onPath('litellm') === null ? 'there is no litellm on PATH' : null),
  act: () => (actFolder() === null ? 'there is no act on PATH, nor where go install puts it' : null),
  'github-api': () => (existsSync(gitHubDescription()) ? null : 'PINLANE_GITHUB_API names no description of GitHub’s API'),
  chromium: () => {
    const program = chromiumPath();
    if (program === null) return 'there is no chromium on PATH';
    return answer(program, '--version') ? null : `${program} does not start`;
  },
  modal: () => {
    const version = answer(modalPython(), '-c', 'import importlib.metadata, modal_proto.api_pb2; print(importlib.metadata.version("modal"))');
    if (version === null) return `${modalPython()} has no modal ${MODAL_VERSION}`;
    return version === MODAL_VERSION ? null : `${modalPython()} has modal ${version}, not ${MODAL_VERSION}`;
  },
  // With the flag F the kernel keeps the emulator open, so that it is found in a container whose files do not hold it.
  qemu: () => {
    const file = '/proc/sys/fs/binfmt_misc/qemu-aarch64';
    try {
      const registered = readFileSync(file, 'utf8');
      return /^enabled$/m.test(registered) && /^flags: .*F/m.test(registered) ? null : `${file} is not enabled, or lacks the flag F`;
    } catch {
      return 'arm64 is not registered in binfmt_misc';
    }
  },
};

const found = new Map<Part, string | null>();

/** Why a real part is not available here; null if it is. A process looks once. */
export const lackOf = (part: Part): string | null => {
  let lack = found.get(part);
  if (lack === undefined) found.set(part, (lack = lacks[part]()));
  return lack;
};
