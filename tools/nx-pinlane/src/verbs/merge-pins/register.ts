import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clone } from '@pinlane/adapters';
import { EXIT } from '@pinlane/contracts';
import { PIN_FILE_NAMES } from '@pinlane/pipeline';
import { replaceOwnFile } from '../../workspace/own-file.ts';

const ATTRIBUTES = PIN_FILE_NAMES.map((name) => `${name} merge=pinlane`);

const quotedForShell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * The command that git runs with a shell at the top of the working tree, with the Node of the workspace if it has one. Where nothing is installed, or the
 * driver fails, it is git's own merge of texts: a failure must not pass for a conflict whose text is ours.
 * @param prefix the workspace's path below the top: empty, or with `/` at its end
 */
export const driverCommand = (prefix: string): string => {
  const folder = quotedForShell(`./${prefix}`);
  const files = '--base="$top"/%O --ours="$top"/%A --theirs="$top"/%B --path=%P --markerSize=%L';
  const run = `(cd ${folder} && PATH="$PWD/node_modules/.bin:$PATH" ./node_modules/.bin/pinlane merge-pins ${files})`;
  return `top=$PWD; ${run}; code=$?; case $code in 0|${EXIT.verdict}) exit $code;; *) exec git merge-file --marker-size=%L %A %O %B;; esac`;
};

/** Registers the driver: for everybody in .gitattributes, which is to be committed, and in the configuration of this clone. @returns what was written */
export const register = async (root: string, clone: Clone): Promise<string[]> => {
  const path = join(root, '.gitattributes');
  const text = await readFile(path, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return '';
    throw thrown;
  });
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const missing = ATTRIBUTES.filter((line) => !lines.includes(line));
  const end = text === '' || text.endsWith('\n') ? '' : '\n';
  if (missing.length > 0) await replaceOwnFile(path, `${text}${end}${missing.join('\n')}\n`);
  await clone.configure('merge.pinlane.name', 'pins of Pinlane, by the newer pin commit');
  await clone.configure('merge.pinlane.driver', driverCommand(await clone.prefix()));
  return ['the merge driver of pins is registered in this clone', ...missing.map((line) => `  .gitattributes: ${line}`)];
};
