import { chmod, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '@pinlane/contracts';
import { makeFolder } from '@pinlane/oci';

/** What the stand-ins of one run of a workflow need to know. */
export interface StandInFacts {
  /** The folder of the run. */
  readonly folder: string;
  /** The workspace that is rehearsed. */
  readonly root: string;
  readonly remote: string;
  readonly artifacts: string;
  /** The folders of the workspace that have packages, relative to it. */
  readonly packages: readonly string[];
  /** The scripts that an install runs, of those that package.json has. */
  readonly scripts: readonly string[];
  /** The programs that are started in the place of these names. */
  readonly programs: { readonly node: string; readonly npm: string; readonly npx: string; readonly python: string };
  readonly withoutModal: boolean;
  /** The command that is to fail: see the option `fail`. */
  readonly fail: string | undefined;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** A clone of the remote, as actions/checkout makes one. Who may not push has no address to push to. */
const checkout = ({ remote }: StandInFacts): string => `
find . -mindepth 1 -maxdepth 1 -exec rm -rf {} +
git init -q .
git config gc.auto 0
git remote add origin ${quote(remote)}
target=\${REF:-$GITHUB_SHA}
if [ "$FETCH_DEPTH" = 0 ]; then git fetch -q --tags origin '+refs/heads/*:refs/remotes/origin/*'; depth=; else depth=--depth=$FETCH_DEPTH; fi
git fetch -q $depth origin "$target"
case "\${REF:-}$GITHUB_REF" in
  refs/heads/*) git checkout -q -B "\${GITHUB_REF#refs/heads/}" FETCH_HEAD ;;
  *) git checkout -q --detach FETCH_HEAD ;;
esac
[ "$PERSIST" = true ] || git config remote.origin.pushurl file:///no/credentials/were/kept
git log -1 --oneline
`;

const artifacts = (facts: StandInFacts): string => `
to=${quote(facts.artifacts)}/"$NAME"
[ -e "$ARTIFACT" ] || exit 0
mkdir -p "$to"
if [ -d "$ARTIFACT" ]; then cp -a "$ARTIFACT/." "$to/"; else cp -a "$ARTIFACT" "$to/"; fi
`;

interface StandIn {
  readonly inputs: Readonly<Record<string, { readonly variable: string; readonly value: string }>>;
  readonly script: (facts: StandInFacts) => string;
}

/** The actions that there are stand-ins for, without their versions. */
const ACTIONS: Readonly<Record<string, StandIn>> = {
  'actions/checkout': {
    inputs: {
      ref: { variable: 'REF', value: '' },
      'fetch-depth': { variable: 'FETCH_DEPTH', value: '1' },
      'persist-credentials': { variable: 'PERSIST', value: 'true' },
    },
    script: checkout,
  },
  'actions/setup-node': {
    inputs: { 'node-version': { variable: 'VERSION', value: '' }, 'package-manager-cache': { variable: 'CACHE', value: '' } },
    script: ({ folder }) => `echo ${quote(join(folder, 'bin'))} >>"$GITHUB_PATH"\n`,
  },
  'actions/setup-python': { inputs: { 'python-version': { variable: 'VERSION', value: '' } }, script: () => 'python3 --version\n' },
  'actions/upload-artifact': {
    inputs: {
      name: { variable: 'NAME', value: 'artifact' },
      path: { variable: 'ARTIFACT', value: '' },
      'include-hidden-files': { variable: 'HIDDEN', value: '' },
      'if-no-files-found': { variable: 'IF_NONE', value: '' },
    },
    script: artifacts,
  },
};

const actionFile = (name: string, { inputs }: StandIn, script: string): string =>
  JSON.stringify({
    name: `in the place of ${name}`,
    description: 'A stand-in of a rehearsal.',
    inputs: Object.fromEntries(Object.entries(inputs).map(([input, { value }]) => [input, { description: input, default: value }])),
    runs: {
      using: 'composite',
      steps: [
        {
          shell: 'bash',
          run: `bash ${quote(script)}`,
          env: Object.fromEntries(Object.entries(inputs).map(([input, { variable }]) => [variable, `\${{ inputs.${input} }}`])),
        },
      ],
    },
  });

/** Links the packages of the workspace, whose bytes they share, where the lockfile says that an install would bring the same. */
const npm = ({ root, packages, scripts, programs }: StandInFacts): string => `
if [ "$*" = ci ] && cmp -s package-lock.json ${quote(join(root, 'package-lock.json'))}; then
  echo 'rehearsal: the packages of the workspace are linked, whose lockfile is the same'
  for folder in ${packages.map(quote).join(' ')}; do
    from=${quote(root)}/$folder/node_modules
    [ -d "$folder" ] || continue
    rm -rf "$folder/node_modules"
    cp -al "$from" "$folder/node_modules" 2>/dev/null || { rm -rf "$folder/node_modules"; cp -a "$from" "$folder/node_modules"; }
  done
  for script in ${scripts.join(' ')}; do ${quote(programs.npm)} run --silent "$script" || exit; done
  exit 0
fi
exec ${quote(programs.npm)} "$@"
`;

/** The one command that is to fail does so, once in a run. */
const npx = ({ folder, programs, fail: failing }: StandInFacts): string => {
  const [job = '', word = '', after] = failing?.split(':') ?? [];
  return `
if [ "$GITHUB_JOB" = ${quote(job)} ] && [ ! -e ${quote(join(folder, 'failed'))} ]; then
  case " $(echo "$*" | tr ':=' '  ') " in *${quote(` ${word} `)}*)
    touch ${quote(join(folder, 'failed'))}
    ${after === undefined ? '' : `${quote(programs.npx)} "$@"`}
    echo 'rehearsal: this command was to fail' >&2
    exit 1
  esac
fi
exec ${quote(programs.npx)} "$@"
`;
};

const python = ({ programs }: StandInFacts): string => `
if [ "$1 $2" = '-m venv' ]; then
  mkdir -p "$3/bin"
  printf '#!/bin/sh\\necho "rehearsal: nothing is deployed to Modal, and its client is not installed"\\n' >"$3/bin/pip"
  chmod +x "$3/bin/pip"
  exit 0
fi
exec ${quote(programs.python)} "$@"
`;

const program = async (path: string, text: string): Promise<void> => {
  await writeFile(path, `#!/bin/sh${text}`);
  await chmod(path, 0o755);
};

/** The name of an action without its version; null if there is no stand-in for it. */
export const standsInFor = (uses: string): string | null => {
  const [name = ''] = uses.split('@');
  return Object.hasOwn(ACTIONS, name) ? name : null;
};

/**
 * Writes what stands in for actions and programs in one run.
 * @param actions as workflows write them
 * @returns the folder of each stand-in, by the action as it is written
 * @throws ERR_REHEARSAL_UNFIT if there is none for an action
 */
export const writeStandIns = async (actions: readonly string[], facts: StandInFacts): Promise<ReadonlyMap<string, string>> => {
  const folders = new Map<string, string>();
  for (const uses of actions) {
    const name = standsInFor(uses) ?? fail('ERR_REHEARSAL_UNFIT', `a rehearsal has nothing in the place of the action ${uses}`);
    const folder = join(facts.folder, 'actions', name.replace('/', '+'));
    await makeFolder(folder);
    const script = join(folder, 'run.sh');
    await writeFile(join(folder, 'action.yml'), actionFile(name, ACTIONS[name]!, script));
    await writeFile(script, `set -eu\n${ACTIONS[name]!.script(facts)}`);
    folders.set(uses, folder);
  }
  const bin = join(facts.folder, 'bin');
  await makeFolder(bin);
  await symlink(facts.programs.node, join(bin, 'node'));
  await program(join(bin, 'npm'), npm(facts));
  if (facts.fail !== undefined) await program(join(bin, 'npx'), npx(facts));
  if (facts.withoutModal) await program(join(bin, 'python3'), python(facts));
  return folders;
};
