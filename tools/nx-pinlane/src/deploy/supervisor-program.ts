import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fail } from '@pinlane/contracts';

/** Beside this file in the source; in the bundle, beside or above the chunk that this file is in. */
const PLACES = ['./supervisor.ts', './supervisor.js', '../supervisor.js'];

/** The program of a supervisor, be it source or bundled. */
export const supervisorProgram = (): string =>
  PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path)) ??
  fail('ERR_INTERNAL', 'the program of the supervisor is not beside the plugin');

/** The variables that a supervisor gets of those of the command: none that may hold a secret. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'USER',
  'LANG',
  'TZ',
  'TMPDIR',
  'XDG_RUNTIME_DIR',
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_CONFIG',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS_VERIFY',
];

/** The environment of a supervisor. */
export const supervisorEnv = (env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> =>
  Object.fromEntries(PASSED_ON.map((name) => [name, env[name]]));
