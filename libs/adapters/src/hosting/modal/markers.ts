import { createHmac, randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { fail } from '@pinlane/contracts';
import { makeFolder, writeFileAtomic } from '@pinlane/oci';
import type { AppPlace } from '@pinlane/pipeline';

const markersSchema = z.record(z.string(), z.string());

/** What the containers of an app were given, and with which version of it. */
const givenSchema = z.strictObject({ version: z.number(), secret: z.string(), markers: markersSchema });

type Markers = Readonly<Record<string, string>>;

/** What this machine knows of the secrets that it wrote: markers, from which no value comes back. */
export interface SecretMarkers {
  /** The markers of some values: an HMAC of each, with a key that never leaves this machine. */
  readonly of: (environment: string, name: string, values: ReadonlyMap<string, string>) => Promise<Markers>;
  /** The markers of what was written last; null if this machine never wrote it. */
  readonly stored: (environment: string, name: string) => Promise<Markers | null>;
  readonly store: (environment: string, name: string, markers: Markers) => Promise<void>;
  /** Notes that a version of an app was given what its secret holds now. */
  readonly give: (place: AppPlace, version: number, secret: string) => Promise<void>;
  readonly given: (place: AppPlace) => Promise<z.output<typeof givenSchema> | null>;
}

const KEY_BYTES = 32;

/** Reads a file that is this user's alone, or makes it; of two that make it at once, both read what one of them made. */
const ownFile = async (path: string, contents: () => string): Promise<string> => {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(contents());
    await file.close();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  }
  return readFile(path, 'utf8');
};

const keyIn = async (folder: string): Promise<Buffer> => {
  await makeFolder(folder);
  const key = Buffer.from(await ownFile(join(folder, 'key'), () => randomBytes(KEY_BYTES).toString('hex')), 'hex');
  if (key.length === KEY_BYTES) return key;
  return fail('ERR_SYSTEM', `${join(folder, 'key')} does not hold a key`, { fix: 'Remove it, and hand the secrets over again.' });
};

const readJson = async <Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema> | null> => {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (thrown) {
    // One that is not there, or was torn, tells nothing: what it would tell is then not known.
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT' || thrown instanceof SyntaxError || thrown instanceof z.ZodError) return null;
    throw thrown;
  }
};

/** Opens what is kept in a folder of this machine. */
export const openMarkers = (folder: string): SecretMarkers => {
  const write = async (path: string, value: unknown): Promise<void> => {
    await makeFolder(join(path, '..'));
    await ownFile(path, () => '');
    await writeFileAtomic(path, `${JSON.stringify(value)}\n`);
  };
  const secretFile = (environment: string, name: string): string => join(folder, 'secrets', environment, `${name}.json`);
  const appFile = ({ environment, app }: AppPlace): string => join(folder, 'apps', environment, `${app}.json`);
  const stored = (environment: string, name: string) => readJson(secretFile(environment, name), markersSchema);
  const given = (place: AppPlace) => readJson(appFile(place), givenSchema);
  return {
    of: async (environment, name, values) => {
      const key = await keyIn(folder);
      const marker = ([variable, value]: readonly [string, string]) =>
        [
          variable,
          createHmac('sha256', key)
            .update(JSON.stringify([environment, name, variable, value]))
            .digest('hex')
            .slice(0, 32),
        ] as const;
      return Object.fromEntries([...values].map(marker));
    },
    stored,
    store: (environment, name, markers) => write(secretFile(environment, name), markers),
    give: async (place, version, secret) => {
      // A deployment that changed nothing starts no container.
      if (((await given(place))?.version ?? 0) >= version) return;
      await write(appFile(place), { version, secret, markers: (await stored(place.environment, secret)) ?? {} });
    },
    given,
  };
};
