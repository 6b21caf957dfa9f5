import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as z from 'zod';
import { LAYER_FORMAT } from '@pinlane/oci';
import { ARCHITECTURES, artefact, digestSchema, fail, parseDigest, PinlaneError, type Architecture, type Digest, type Problem } from '@pinlane/contracts';
import { DEBIAN_ARCHITECTURES, forEachArchitecture, NPM_CPUS } from '../architectures.ts';
import { baseConfigSchema, packageNameSchema, releaseSchema } from './definition.ts';

/** Stands for the code that makes bytes of a lock: the first number is raised with a change here, the second with one of the layer writer. */
export const ASSEMBLY_FORMAT = `1.${LAYER_FORMAT}`;

const MAX_DEB = 512 * 1024 * 1024;
const size = z.int().positive().max(MAX_DEB);

/** A Debian package by content. The version is Debian's (policy 5.6.12). */
export const lockedPackageSchema = z.strictObject({
  name: packageNameSchema,
  version: z
    .string()
    .max(200)
    .regex(/^[0-9][A-Za-z0-9.+~:-]*$/, 'expected a Debian version'),
  architecture: z.enum([...Object.values(DEBIAN_ARCHITECTURES), 'all']),
  size,
  digest: digestSchema,
});
export type LockedPackage = z.infer<typeof lockedPackageSchema>;

/** The name of the npm package that carries Node for an architecture. */
export const nodePackageName = (architecture: Architecture): string => `node-linux-${NPM_CPUS[architecture]}`;

/** The npm package that carries Node for one platform, by content. */
export const lockedNodeSchema = z.strictObject({
  name: z.string().regex(new RegExp(`^node-linux-(?:${Object.values(NPM_CPUS).join('|')})$`), `expected ${ARCHITECTURES.map(nodePackageName).join(' or ')}`),
  version: z
    .string()
    .max(50)
    .regex(/^[0-9]+\.[0-9]+\.[0-9]+$/, 'expected a version such as 24.21.0'),
  size,
  digest: digestSchema,
});
export type LockedNode = z.infer<typeof lockedNodeSchema>;

const platformLockSchema = z.strictObject({ packages: z.array(lockedPackageSchema).min(1).max(400), node: lockedNodeSchema });
export type PlatformLock = z.infer<typeof platformLockSchema>;

/** The image that a lock gives, and the form of assembling that gives it. */
export const lockedImageSchema = z.strictObject({
  format: z.string().max(20),
  index: digestSchema,
  platforms: z.strictObject(forEachArchitecture(() => digestSchema)),
});
export type LockedImage = z.infer<typeof lockedImageSchema>;

export const baseLockSchema = artefact('BaseLock', {
  /** The digest of the definition that was resolved. */
  definition: digestSchema,
  release: releaseSchema,
  config: baseConfigSchema,
  /** What it assembles to, so that nobody has to assemble it to learn that; absent if nobody has yet. */
  image: lockedImageSchema.optional(),
  platforms: z.strictObject(forEachArchitecture(() => platformLockSchema)),
});
/** Everything that the base is made of, named by content and never by address. */
export type BaseLock = z.infer<typeof baseLockSchema>;

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The faults that the schema cannot find: names unsorted or repeated, a package listed under the wrong platform. */
const inconsistencies = (lock: BaseLock): string[] =>
  ARCHITECTURES.flatMap((architecture) => {
    const { packages, node } = lock.platforms[architecture];
    const found: string[] = [];
    packages.forEach(({ name, architecture: own }, index) => {
      const before = packages[index - 1]?.name;
      if (before !== undefined && compareText(before, name) >= 0) found.push(`platforms.${architecture}: ${name} is listed twice or out of order`);
      if (own !== 'all' && own !== architecture) found.push(`platforms.${architecture}: ${name} is of architecture ${own}`);
    });
    if (node.name !== nodePackageName(architecture)) found.push(`platforms.${architecture}: Node comes from ${node.name}`);
    return found;
  });

/** Parses base.lock.json strictly. @throws ERR_BASE_LOCK_INVALID */
export const parseLock = (source: string, file = 'base.lock.json'): BaseLock => {
  const refuse = (messages: readonly string[]): never => {
    const problems = messages.map((message): Problem => ({ code: 'ERR_BASE_LOCK_INVALID', message, file }));
    throw new PinlaneError([problems[0] as Problem, ...problems.slice(1)]);
  };
  if (source.length > 1024 * 1024) return refuse(['is larger than 1 MiB']);
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    return refuse(['is not JSON']);
  }
  const parsed = baseLockSchema.safeParse(value);
  if (!parsed.success) return refuse(parsed.error.issues.map((issue) => `${issue.path.map(String).join('.') || 'the lock'}: ${issue.message}`));
  const found = inconsistencies(parsed.data);
  return found.length > 0 ? refuse(found) : parsed.data;
};

/** The lock's text: keys in a fixed order, packages by name, one final newline. */
export const formatLock = (lock: BaseLock): string => {
  const { kind, schemaVersion, definition, release, config, image } = lock;
  const env = Object.fromEntries(Object.entries(config.env).sort(([a], [b]) => compareText(a, b)));
  const platform = ({ packages, node }: PlatformLock) => ({
    packages: [...packages]
      .sort((a, b) => compareText(a.name, b.name))
      .map(({ name, version, architecture, size, digest }) => ({ name, version, architecture, size, digest })),
    node: { name: node.name, version: node.version, size: node.size, digest: node.digest },
  });
  const platforms = forEachArchitecture((architecture) => platform(lock.platforms[architecture]));
  const { format, index, platforms: digests } = image ?? {};
  const recorded = image === undefined ? {} : { image: { format, index, platforms: forEachArchitecture((architecture) => digests?.[architecture]) } };
  const text = JSON.stringify({ kind, schemaVersion, definition, release, config: { env, cmd: [] }, ...recorded, platforms }, null, 2);
  // A formatter would put the short list on one line, so it is written like that.
  return `${text.replace('"cmd": []', () => `"cmd": [${config.cmd.map((part) => JSON.stringify(part)).join(', ')}]`)}\n`;
};

/** The base's fingerprint: a hash of what the lock holds and of how it is put together. The definition's digest is left out, because it shapes no image. */
export const lockFingerprint = ({ release, config, platforms }: BaseLock): Digest =>
  parseDigest(
    `sha256:${createHash('sha256')
      .update(canonicalize({ format: ASSEMBLY_FORMAT, release, config, platforms })!)
      .digest('hex')}`,
  );

/** The image that a lock records; null if it records none, or one that an earlier form of assembling gave. */
export const recordedImage = ({ image }: BaseLock): LockedImage | null => (image?.format === ASSEMBLY_FORMAT ? image : null);

/**
 * Makes sure that a lock assembles to what it records, so that everybody may rely on the record. @param made what it was assembled to here
 * @throws ERR_BASE_LOCK_INVALID
 */
export const requireRecorded = (lock: BaseLock, made: Pick<LockedImage, 'index' | 'platforms'>, file: string): void => {
  const recorded = recordedImage(lock);
  if (recorded === null) return;
  const pairs = [['the index', recorded.index, made.index], ...ARCHITECTURES.map((each) => [each, recorded.platforms[each], made.platforms[each]])] as const;
  const [what, said, found] = pairs.find(([, one, other]) => one !== other) ?? [];
  if (what !== undefined)
    fail('ERR_BASE_LOCK_INVALID', `records ${said} for ${what}, and what it locks assembles to ${found}`, {
      file,
      fix: 'Run the target update of the base, which records what the lock gives, and look at what it changed.',
    });
};

/**
 * Makes sure that a package is what the lock calls it. Its bytes have the digest that the lock names, so if the two don't agree the lock contradicts itself,
 * and the image would claim what is not in it.
 * @throws ERR_BASE_LOCK_INVALID
 */
export const requireLocked = (locked: string, actual: string): void => {
  if (locked !== actual) fail('ERR_BASE_LOCK_INVALID', `the lock says ${locked}, and the package with its digest is ${JSON.stringify(actual.slice(0, 200))}`);
};
