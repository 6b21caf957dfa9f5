import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { clientFault, INSTALL, listApps, madeAt, proveOnModal, removeLeftover, requireEnvironment, type Made, type PythonClient } from '@pinlane/adapters';
import {
  asPinlaneError,
  fail,
  formatReference,
  isPinlaneError,
  isStoreReference,
  slugOf,
  type DeployEnvironment,
  type ModalProofs,
  type PinnedReference,
} from '@pinlane/contracts';
import { judgeModal, modalUntold, pinsOf } from '@pinlane/pipeline';
import * as z from 'zod';
import type { VerbContext } from '../../command/context.ts';
import { valueOf } from '../../command/environment.ts';
import { withAppLock } from '../../deploy/app-lock.ts';
import { openImage } from '../../deploy/open-image.ts';
import { hideFromGit } from '../../workspace/own-folder.ts';
import { readOwnFile, writeOwnFile } from '../../workspace/own-file.ts';
import { workspacePaths, type WorkspacePaths } from '../../workspace/paths.ts';
import type { SpecFile } from '../../workspace/spec-file.ts';
import type { ClientFor } from './checks/modal.ts';
import type { DoctorOptions } from './options.ts';
import type { Settings } from './settings.ts';

const madeSchema: z.ZodType<Made> = z.strictObject({
  name: z.string(),
  digest: z.string().nullable(),
  imageId: z.string().nullable(),
  building: z
    .strictObject({
      ...{ slug: z.string(), reference: z.string(), digest: z.string(), registrySecret: z.string().nullable() },
      ...{ commands: z.array(z.string()), builtIn: z.string() },
    })
    .nullable(),
});

/** What this machine made on the account and has not removed yet, a file for each run. */
const journalOf = (folder: string, temporary: string, note: VerbContext['note']) => {
  const fileOf = (name: string): string => join(folder, `${name}.json`);
  return {
    write: (made: Made) => writeOwnFile(fileOf(made.name), made, temporary),
    forget: (name: string) => rm(fileOf(name), { force: true }),
    read: async (): Promise<Made[]> => {
      const names = await readdir(folder).catch((thrown: NodeJS.ErrnoException) => (thrown.code === 'ENOENT' ? [] : Promise.reject(thrown)));
      const files = names.filter((name) => name.endsWith('.json')).sort();
      return files.flatMap((name) => readOwnFile(join(folder, name), madeSchema, 'what it names may be left on Modal', note) ?? []);
    },
  };
};

/** What a run of another machine made is left alone for this long, in ms: it may be at work. */
const OTHERS_MS = 3_600_000;

/** Removes what earlier runs left: those of this machine at once, those of others when they are old. @returns what could not be removed */
const sweep = async (client: PythonClient, journal: ReturnType<typeof journalOf>, { progress }: VerbContext): Promise<string[]> => {
  const own = await journal.read();
  const known = new Set(own.map(({ name }) => name));
  const apps = await listApps(client);
  const old = apps.filter(({ name }) => !known.has(name) && (madeAt(name) ?? Infinity) < Date.now() - OTHERS_MS);
  const left: string[] = [];
  for (const made of [...own, ...old.map(({ name }): Made => ({ name, digest: null, imageId: null, building: null }))]) {
    progress(`removing ${made.name}, which an earlier run left`);
    const stays = await removeLeftover(client, made);
    if (stays.length === 0) await journal.forget(made.name);
    left.push(...stays);
  }
  return left;
};

/** The processor that is proven with, and its pin. @throws ERR_OPTION_INVALID if the one that was asked for is not there, or not pinned in a registry */
const subjectOf = (specs: readonly SpecFile[], asked: string | undefined): { readonly spec: SpecFile['spec']; readonly pin: PinnedReference } | null => {
  const pinned = specs.flatMap(({ spec }) => {
    // Modal runs no other platform.
    const pin = pinsOf(spec).amd64;
    return pin === undefined || isStoreReference(pin) ? [] : [{ spec, pin }];
  });
  if (asked === undefined) return pinned[0] ?? null;
  const found = pinned.find(({ spec }) => spec.ref === asked || slugOf(spec.ref) === asked);
  const fix = pinned.length === 0 ? 'Pin one in lane staging, and push it.' : `Name one of ${pinned.map(({ spec }) => slugOf(spec.ref)).join(', ')}.`;
  return found ?? fail('ERR_OPTION_INVALID', `--project: no processor ${JSON.stringify(asked)} is pinned for linux/amd64 in a registry`, { fix });
};

interface Proving {
  readonly client: PythonClient;
  readonly environment: DeployEnvironment;
  readonly settings: Settings;
  readonly paths: WorkspacePaths;
  readonly context: VerbContext;
}

const proveWith = async ({ spec, pin }: NonNullable<ReturnType<typeof subjectOf>>, { client, environment, settings, paths, context }: Proving) => {
  const { root, env, signal, note, progress } = context;
  const journal = journalOf(join(paths.doctor, environment), paths.temporary, note);
  const insecureRegistries = [...settings.insecure];
  const image = { root, lane: settings.lane, slug: slugOf(spec.ref), image: formatReference(pin), platform: 'linux/amd64' } as const;
  const order = { ...image, insecureRegistries, roots: paths.appRoots };
  const { config } = await openImage(order, signal);
  const swept = await sweep(client, journal, context);
  let name = '';
  const { seen, expected, left } = await proveOnModal(
    client,
    { reference: formatReference(pin), digest: pin.digest, config, registrySecret: valueOf(env, 'PINLANE_MODAL_REGISTRY_SECRET') ?? null },
    {
      progress: (line) => (signal.aborted ? note(line) : progress(line)),
      noteMade: async (made) => {
        name = made.name;
        await journal.write(made);
      },
      removed: async (stays) => {
        if (stays.length === 0) await journal.forget(name);
        if (signal.aborted) stays.forEach((each) => note(`could not be removed: ${each}`));
      },
    },
  );
  return { proofs: judgeModal(seen, expected), left: [...swept, ...left] };
};

/**
 * Proves on the user's own account what can only be assumed without one, and tells why not where that can't be. One run of a workspace at a time.
 * @throws ERR_OPTION_INVALID, ERR_LOCKED, ERR_CANCELLED
 */
export const prove = async (
  specs: readonly SpecFile[],
  settings: Settings,
  clientFor: ClientFor,
  options: DoctorOptions,
  context: VerbContext,
): Promise<ModalProofs> => {
  const { environment } = options;
  const { root, signal } = context;
  const subject = subjectOf(specs, options.processor ?? options.project);
  if (subject === null) return { environment, ref: null, proofs: modalUntold('no processor is pinned for linux/amd64 in a registry'), left: [] };
  const { ref } = subject.spec;
  const client = clientFor(environment, signal);
  const paths = workspacePaths(root, settings.lane);
  hideFromGit(root);
  try {
    const fault = await clientFault(client);
    if (fault !== null) fail('ERR_TOOL_MISSING', fault, { fix: INSTALL });
    await requireEnvironment(client);
    const proving: Proving = { client, environment, settings, paths, context };
    const proven = await withAppLock('modal', { environment, app: 'pinlane-doctor' }, paths, signal, () => proveWith(subject, proving));
    return { environment, ref, ...proven };
  } catch (thrown) {
    if (signal.aborted || isPinlaneError(thrown, 'ERR_CANCELLED') || isPinlaneError(thrown, 'ERR_LOCKED')) throw thrown;
    return {
      environment,
      ref,
      proofs: modalUntold(
        asPinlaneError(thrown)
          .problems.map(({ code, message }) => `${code}: ${message}`)
          .join('; '),
      ),
      left: [],
    };
  }
};
