import {
  DEFAULT_PORT,
  formatRepository,
  isStoreReference,
  parseReference,
  PinlaneError,
  quoted,
  refParts,
  refSchema,
  secretNameSchema,
  STORE_HOST,
  type Problem,
  type Ref,
} from '@pinlane/contracts';

/** The options of `nx g processor`, as schema.json describes them. */
export interface ProcessorGeneratorOptions {
  readonly ref: string;
  readonly secret?: readonly string[];
  readonly port?: number;
  readonly directory?: string;
  readonly base?: string;
}

/** The same, valid and complete. */
export interface ProcessorPlan {
  readonly ref: Ref;
  readonly namespace: string;
  readonly name: string;
  /** `<namespace>-<name>`: the name of the Nx project, too. */
  readonly slug: string;
  /** Relative to the workspace's root, with `/`. */
  readonly directory: string;
  readonly secrets: readonly string[];
  readonly port: number;
  /** The default of BASE_IMAGE. */
  readonly baseImage: string;
}

const directoryProblem = (directory: string): string | null => {
  const parts = directory.split('/');
  if (directory === '' || directory.length > 200) return 'is empty or longer than 200 characters';
  if (/[\p{Cc}\u2028\u2029]/u.test(directory)) return 'contains a control character';
  if (directory.includes('\\') || directory.includes('${')) return 'contains a backslash or ${';
  if (directory.startsWith('/') || /^[A-Za-z]:/.test(directory)) return 'is not relative to the root of the workspace';
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return 'has an empty part, or . or ..';
  if (parts.some((part) => part.startsWith('-'))) return 'has a part that starts with -';
  return null;
};

/** `base-node` means the newest build of the project of that name; anything else must be an image by digest. */
const baseImage = (base: string): string | null => {
  if (/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(base)) return `${STORE_HOST}/${base}`;
  try {
    const reference = parseReference(base);
    if (reference.tag !== undefined || (reference.digest === undefined && !isStoreReference(reference))) return null;
    return reference.digest === undefined ? formatRepository(reference) : `${formatRepository(reference)}@${reference.digest}`;
  } catch {
    return null;
  }
};

/**
 * Plans a new processor from the options alone.
 * @throws ERR_REF_INVALID, ERR_OPTION_INVALID with every problem
 */
export const planProcessor = ({ ref, secret = [], port = DEFAULT_PORT, directory, base = 'base-node' }: ProcessorGeneratorOptions): ProcessorPlan => {
  const problems: Problem[] = [];
  const wrong = (option: string, message: string): void => void problems.push({ code: 'ERR_OPTION_INVALID', message: `--${option} ${message}` });

  const parsed = refSchema.safeParse(ref);
  if (!parsed.success)
    problems.push({ code: 'ERR_REF_INVALID', message: `${quoted(ref)} is not a ref: ${parsed.error.issues[0]?.message ?? 'expected namespace/name@major'}` });
  const secrets = [...new Set(secret)];
  for (const name of secrets) {
    const { error } = secretNameSchema.safeParse(name);
    // Whoever writes NAME=value by mistake has written a secret.
    if (error)
      wrong(
        'secret',
        `${name.includes('=') ? 'takes a name alone, without a value' : `${quoted(name)} can't name a secret: ${error.issues[0]?.message ?? ''}`}`,
      );
  }
  // Below 1024 only root may listen wherever the kernel was not told otherwise, and a processor never is root.
  if (!Number.isInteger(port) || port < 1024 || port > 65_535) wrong('port', `${quoted(port)} is not a port for a processor: 1024 to 65535`);
  const folder = directory?.replace(/\/+$/, '');
  const folderProblem = folder === undefined ? null : directoryProblem(folder);
  if (folderProblem !== null) wrong('directory', `${quoted(directory)} ${folderProblem}`);
  const image = baseImage(base);
  if (image === null) wrong('base', `${quoted(base)} is neither the name of a project that builds a base nor an image by digest`);

  if (problems[0] !== undefined || !parsed.success || image === null) throw new PinlaneError(problems as [Problem, ...Problem[]]);
  const { namespace, name, slug } = refParts(parsed.data);
  return { ref: parsed.data, namespace, name, slug, directory: folder ?? `processors/${slug}`, secrets, port, baseImage: image };
};
