import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fail, type ImageRunConfig, type RunnableImage } from '@pinlane/contracts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What an image runs as, decided from its config as Docker decides it. */
export interface ImageProcess {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

const variables = (config: ImageRunConfig): Record<string, string> =>
  Object.fromEntries(
    (config.Env ?? []).map((entry) => {
      const at = entry.indexOf('=');
      const name = at === -1 ? entry : entry.slice(0, at);
      if (!VARIABLE.test(name) || entry.includes('\0'))
        fail('ERR_MANIFEST_INVALID', `the image's config sets a variable with a malformed name: ${JSON.stringify(name)}`);
      return [name, at === -1 ? '' : entry.slice(at + 1)];
    }),
  );

const MAX_ID = 2 ** 31;
const numericId = (text: string | undefined): number | null =>
  text !== undefined && /^[0-9]{1,10}$/.test(text) && Number(text) < MAX_ID ? Number(text) : null;

/** In bytes, of passwd and of group: ten thousand users, and more than any image has. */
const ROWS_LIMIT = 1024 * 1024;

/** The text of a file of the image, of which nobody knows how large it is, or what. @throws ERR_MANIFEST_INVALID */
const textOf = async (path: string, file: string): Promise<string> => {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile()) return fail('ERR_MANIFEST_INVALID', `the image's /etc/${file} is no file`);
    const buffer = Buffer.alloc(ROWS_LIMIT + 1);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    if (bytesRead > ROWS_LIMIT) return fail('ERR_MANIFEST_INVALID', `the image's /etc/${file} holds more than the ${ROWS_LIMIT} bytes that are read`);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
};

/** The rows of passwd or group. There are none if the image has no such file, or a link that leads out of it, to this machine's. */
const rows = async (rootfs: string, file: string): Promise<string[][]> => {
  const path = await realpath(join(rootfs, 'etc', file)).catch(() => null);
  const inside = path?.startsWith(`${await realpath(rootfs)}${sep}`) === true;
  const text = path !== null && inside ? await textOf(path, file) : '';
  return text.split('\n').map((line) => line.split(':'));
};

/** Resolves `user[:group]` by number or by the image's own passwd and group; nothing means root. @throws ERR_MANIFEST_INVALID */
export const resolveUser = async (rootfs: string, user: string): Promise<{ readonly uid: number; readonly gid: number }> => {
  const unknown = (what: string) => fail('ERR_MANIFEST_INVALID', `the image runs as ${JSON.stringify(user)}, but has no ${what} of that name`);
  const [name = '', group] = user.split(':');
  const passwd = await rows(rootfs, 'passwd');
  const row = passwd.find(([login, , uid]) => (numericId(name) === null ? login === name : uid === name));
  const uid = name === '' ? 0 : (numericId(name) ?? numericId(row?.[2]) ?? unknown('user'));
  if (group === undefined || group === '') return { uid, gid: numericId(row?.[3]) ?? 0 };
  const gid = numericId(group) ?? numericId((await rows(rootfs, 'group')).find(([known]) => known === group)?.[2]) ?? unknown('group');
  return { uid, gid };
};

/** The user as which an image runs. It is known without unpacking the image if it is given by number alone. @throws ERR_MANIFEST_INVALID */
export const userOf = async ({ config, rootfs }: Pick<RunnableImage, 'config' | 'rootfs'>): Promise<{ readonly uid: number; readonly gid: number }> => {
  const user = config.User ?? '';
  const [uid, gid] = user.split(':').map(numericId);
  if (uid != null && gid != null) return { uid, gid };
  return resolveUser(await rootfs(), user);
};

/** The command that an image runs. @throws ERR_MANIFEST_INVALID if it has none */
export const commandOf = (config: ImageRunConfig): readonly [string, ...string[]] => {
  const [program, ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  return program === undefined ? fail('ERR_MANIFEST_INVALID', 'the image has neither ENTRYPOINT nor CMD, so it cannot be run') : [program, ...args];
};

/** Decides command, environment, folder and user of an image's process. @throws ERR_MANIFEST_INVALID */
export const imageProcess = async (rootfs: string, config: ImageRunConfig, env: Readonly<Record<string, string>>): Promise<ImageProcess> => {
  const argv = commandOf(config);
  const user = await resolveUser(rootfs, config.User ?? '');
  return { argv, env: { PATH: DEFAULT_PATH, ...variables(config), ...env }, cwd: config.WorkingDir || '/', ...user };
};
