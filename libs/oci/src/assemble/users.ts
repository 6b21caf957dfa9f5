import { fail } from '@pinlane/contracts';
import type { Owner } from './changes.ts';
import type { FileNode, FileTree } from './tree.ts';

/** Reads a small file. */
export type ReadText = (file: FileNode) => Promise<string>;

/** Linux takes the number after it for no user at all. */
const LARGEST_ID = 0xffff_fffe;

const numberOf = (text: string): number | undefined => {
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  return id <= LARGEST_ID ? id : fail('ERR_DOCKERFILE_SYNTAX', `${text.slice(0, 100)} is too large for a user or group`);
};

/** The fields of the line of passwd or group that begins with a name. */
const entryOf = async (tree: FileTree, read: ReadText, file: string, name: string): Promise<string[]> => {
  const node = tree.find(file);
  const text = node?.type === 'file' ? (node.text ?? (await read(node))) : undefined;
  const line = text?.split('\n').find((each) => each.startsWith(`${name}:`));
  return (
    line?.split(':') ??
    fail('ERR_DOCKERFILE_SYNTAX', `${JSON.stringify(name.slice(0, 100))} is not in /${file} of the stage`, {
      fix: 'Name a user or group that the base has, or give its number.',
    })
  );
};

const idIn = (fields: readonly string[], at: number, file: string): number => {
  const id = numberOf(fields[at] ?? '');
  return id ?? fail('ERR_DOCKERFILE_SYNTAX', `/${file} of the stage has no number for ${JSON.stringify(fields[0])}`);
};

/**
 * Finds the numbers of `user[:group]`; names are looked up in the stage's own files. Without a group, a user's number is also the group's, and a
 * user's name stands for the group that passwd gives it.
 * @throws ERR_DOCKERFILE_SYNTAX
 */
export const resolveOwner = async (text: string, tree: FileTree, read: ReadText): Promise<Owner> => {
  const [user = '', group, ...more] = text.split(':');
  if (user === '' || group === '' || more.length > 0) return fail('ERR_DOCKERFILE_SYNTAX', `${JSON.stringify(text.slice(0, 100))} is not user or user:group`);
  const number = numberOf(user);
  const fields = number === undefined ? await entryOf(tree, read, 'etc/passwd', user) : [];
  const uid = number ?? idIn(fields, 2, 'etc/passwd');
  if (group === undefined) return { uid, gid: number ?? idIn(fields, 3, 'etc/passwd') };
  const gid = numberOf(group);
  return { uid, gid: gid ?? idIn(await entryOf(tree, read, 'etc/group', group), 2, 'etc/group') };
};
