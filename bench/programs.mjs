// The programs of others that the bench runs beside ours.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where programs are looked for: in the folders of PINLANE_BENCH_PATH, then in those of PATH. */
export const PATH = [process.env.PINLANE_BENCH_PATH, process.env.PATH].filter(Boolean).join(delimiter);

export const installed = (program) => PATH.split(delimiter).some((folder) => existsSync(join(folder, program)));

/** Whether a command succeeds. */
export const answers = ([program, ...args]) => spawnSync(program, args, { env: { ...process.env, PATH }, timeout: 20_000 }).status === 0;
