import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findingOf, missing, type Check, type Finding } from '../check.ts';
import type { WorkspaceFacts } from '../facts.ts';
import { installedVersion } from '../packages.ts';

const pluginFinding = ({ root, nxJson, broken }: WorkspaceFacts): Finding => {
  const install = 'Install it, and name it in nx.json: npm install --save-dev @pinlane/nx, "plugins": ["@pinlane/nx"].';
  if (!existsSync(join(root, 'nx.json'))) return missing('there is no nx.json here or above: this is no workspace of Nx', `Make one with nx init. ${install}`);
  if (nxJson === null && broken.some(({ file }) => file === 'nx.json'))
    return { state: 'unknown', message: 'nx.json can not be read', fix: 'Mend nx.json.', file: 'nx.json' };
  const isNamed = (nxJson?.plugins ?? []).some((entry) => (typeof entry === 'object' ? entry?.plugin : entry) === '@pinlane/nx');
  const version = installedVersion('@pinlane/nx', root);
  if (version === null) return missing('@pinlane/nx is not in node_modules', install);
  return isNamed ? { state: 'ok', message: version } : missing(`${version} is installed, and not among the plugins of nx.json`, install);
};

const processorsFinding = ({ specs, broken }: WorkspaceFacts): Finding => {
  if (specs.length > 0 || broken.length > 0) return { state: 'ok', message: `${specs.length} can be read` };
  return missing('there is none yet', 'Make one: npx nx g @pinlane/nx:processor acme/echo@1.');
};

/** What a workspace has, and what of it can't be read: a line for each problem, with its place. */
export const workspaceChecks = (facts: WorkspaceFacts): Check[] => [
  { group: 'workspace', name: 'plugin', needed: 'it makes targets of processors', without: '', look: () => pluginFinding(facts) },
  { group: 'workspace', name: 'processors', needed: null, without: 'there is nothing to build', look: () => processorsFinding(facts) },
  ...facts.broken.map((problem): Check => ({
    ...{ group: 'workspace', name: problem.file ?? 'workspace', needed: 'what it says counts for every command', without: '' },
    look: () => findingOf('missing', problem),
  })),
];
