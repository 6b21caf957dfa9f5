import type { Digest, ImageRunConfig, ModalClaim, ModalProof } from '@pinlane/contracts';

/** What came of a step on an account: something, a refusal by Modal itself, or nothing that could be told. */
export type Attempted<T> = { readonly kind: 'seen'; readonly value: T } | { readonly kind: 'refused' | 'unknown'; readonly reason: string };

/** What a container told of itself. */
export interface Witness {
  /** Whether it was started by the ENTRYPOINT of the image, or by the command of a Sandbox in its place. */
  readonly startedBy: 'entrypoint' | 'command';
  readonly arguments: readonly string[];
  readonly workdir: string;
  readonly uid: number;
  readonly gid: number;
  /** The variables that it was asked for; null if unset. */
  readonly env: Readonly<Record<string, string | null>>;
}

/** What a Server answered until its container did. */
export interface ColdStart {
  readonly witness: Witness;
  /** The answers before that: a status, or why there was none. */
  readonly before: readonly (number | string)[];
  /** How long the answer took that came at last, in ms. */
  readonly heldMs: number;
}

/** Everything that was seen on an account. */
export interface ModalSeen {
  /** Whether Modal was given credentials for the registry. */
  readonly withCredentials: boolean;
  /** Modal's id of what it pulled. */
  readonly pulled: Attempted<string>;
  /** Ids of one image that was built twice. */
  readonly built: Attempted<readonly [string, string]>;
  /** The id that was published under the whole digest, and the one that is found by that name. */
  readonly published: Attempted<readonly [string, string | null]>;
  readonly server: Attempted<ColdStart>;
  readonly sandbox: Attempted<Witness>;
  /** Ids of one secret that was written twice. */
  readonly secret: Attempted<readonly [string, string]>;
}

/** What the pinned image says of itself, and what was added to it. */
export interface ModalExpected {
  readonly config: ImageRunConfig;
  readonly digest: Digest;
  /** The CMD that was set. */
  readonly cmd: readonly string[];
  /** The command of the Sandbox. */
  readonly command: readonly string[];
}

const SAYS: Readonly<Record<ModalClaim, string>> = {
  'pull-by-digest': 'Modal pulls a platform manifest by its digest from the registry',
  'image-identity': 'the same image has the same id when it is built again',
  'long-names': 'an image is published under a name with 64 hex digits, and found by it',
  'server-entrypoint': "a Server runs the image's own ENTRYPOINT with its CMD",
  'server-env': "a Server has the image's ENV",
  'server-workdir': "a Server runs in the image's WORKDIR",
  'server-user': "a Server runs as the image's USER",
  'cold-server': 'a cold Server holds a request, or answers 5xx, until its container answers',
  'sandbox-command': 'the command of a Sandbox replaces CMD, and keeps ENTRYPOINT',
  'secret-identity': 'a secret keeps its id when it is written again with --force',
};

type Judged = Pick<ModalProof, 'outcome' | 'message'>;

const told = (right: boolean, message: string): Judged => ({ outcome: right ? 'proven' : 'disproven', message });
const untold = (message: string): Judged => ({ outcome: 'unknown', message });

/** A refusal of Modal's disproves a claim about what it takes, and tells nothing of any other. */
const judged = <T>(seen: Attempted<T>, judge: (value: T) => Judged, refusalDisproves = false): Judged => {
  if (seen.kind === 'seen') return judge(seen.value);
  return seen.kind === 'refused' && refusalDisproves ? told(false, seen.reason) : untold(seen.reason);
};

const same = <T>(one: T, other: T): boolean => JSON.stringify(one) === JSON.stringify(other);

const pull = ({ pulled, withCredentials }: ModalSeen): Judged => {
  const how = withCredentials ? 'with the credentials of the registry secret' : 'without credentials';
  const found = judged(pulled, (id) => told(true, `pulled ${how}, as ${id}`), withCredentials);
  if (pulled.kind !== 'refused' || withCredentials) return found;
  return untold(`${pulled.reason}; no registry secret is named in PINLANE_MODAL_REGISTRY_SECRET, and the registry may want one`);
};

/** How the variables of a container differ from the image's, by their names: nobody needs the values. */
const env = ({ config, digest }: ModalExpected, { env: found }: Witness): Judged => {
  const expected = new Map((config.Env ?? []).map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)] as const));
  expected.set('IMAGE_DIGEST', digest);
  const wrong = [...expected].filter(([name, value]) => found[name] !== value).map(([name]) => `${name} is ${found[name] == null ? 'unset' : 'another value'}`);
  return wrong.length === 0 ? told(true, `${[...expected.keys()].join(', ')} are as in the image`) : told(false, wrong.join(', '));
};

const user = ({ config }: ModalExpected, { uid, gid }: Witness): Judged => {
  const wanted = config.User || '0';
  const [, wantedUid, wantedGid] = /^(\d+)(?::(\d+))?$/.exec(wanted) ?? [];
  const seen = `it is ${uid}:${gid}, and USER is ${config.User || 'not set'}`;
  // Which number a name stands for is in the image's files.
  if (wantedUid === undefined) return told((uid === 0) === /^root(?::|$)/.test(wanted), seen);
  return told(uid === Number(wantedUid) && (wantedGid === undefined || gid === Number(wantedGid)), seen);
};

const cold = ({ before, heldMs }: ColdStart): Judged => {
  const seen = `${before.length === 0 ? 'the first request was answered' : `before it answered: ${before.join(', ')}; then it answered`} within ${(heldMs / 1000).toFixed(1)} s`;
  return told(
    before.every((answer) => typeof answer === 'string' || (answer >= 500 && answer <= 599)),
    seen,
  );
};

const sandbox = ({ command, cmd }: ModalExpected, witness: Witness): Judged => {
  if (witness.startedBy === 'command') return told(false, 'the command was run in place of the ENTRYPOINT');
  if (same(witness.arguments, command)) return told(true, 'the ENTRYPOINT was given the command');
  const how = same(witness.arguments, cmd) ? 'the CMD, and no command' : `${witness.arguments.length} arguments that are not the command`;
  return told(false, `the ENTRYPOINT was given ${how}`);
};

/** Judges what was seen on an account of Modal against what the image says: each claim is proven, disproven by what was seen, or not told. */
export const judgeModal = (seen: ModalSeen, expected: ModalExpected): ModalProof[] => {
  const witnessed = (judge: (witness: Witness) => Judged): Judged => judged(seen.server, ({ witness }) => judge(witness));
  const judgements: Readonly<Record<ModalClaim, Judged>> = {
    'pull-by-digest': pull(seen),
    'image-identity': judged(seen.built, ([one, other]) => told(one === other, `${one}, and again ${other}`)),
    'long-names': judged(
      seen.published,
      ([is, found]) => told(is === found, found === null ? 'nothing is found by that name' : `${is}, and by its name ${found}`),
      true,
    ),
    'server-entrypoint': witnessed((witness) =>
      told(
        same(witness.arguments, expected.cmd),
        `the ENTRYPOINT was given ${same(witness.arguments, expected.cmd) ? 'the CMD' : JSON.stringify(witness.arguments)}`,
      ),
    ),
    'server-env': witnessed((witness) => env(expected, witness)),
    'server-workdir': witnessed(({ workdir }) => {
      const wanted = expected.config.WorkingDir || '/';
      return told(workdir === wanted, `it is ${workdir}, and WORKDIR is ${wanted}`);
    }),
    'server-user': witnessed((witness) => user(expected, witness)),
    'cold-server': judged(seen.server, cold),
    'sandbox-command': judged(seen.sandbox, (witness) => sandbox(expected, witness)),
    'secret-identity': judged(seen.secret, ([one, other]) => told(one === other, `${one}, and again ${other}`)),
  };
  return (Object.keys(SAYS) as ModalClaim[]).map((claim) => ({ claim, says: SAYS[claim], ...judgements[claim] }));
};

/** All claims, none of them told, for one reason. */
export const modalUntold = (reason: string): ModalProof[] =>
  (Object.keys(SAYS) as ModalClaim[]).map((claim) => ({ claim, says: SAYS[claim], ...untold(reason) }));
