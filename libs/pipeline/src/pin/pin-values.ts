import canonicalize from 'canonicalize';
import { ARCHITECTURES } from '@pinlane/contracts';
import { parseYaml } from '../spec/syntax.ts';
import { applyPins, applyPublished } from './apply.ts';
import { commentsIn } from './comments.ts';
import type { PinEdit } from './plan.ts';

/** The files that hold pins: registry.yaml of a processor, and base.yaml of a base. */
export const PIN_FILE_NAMES = ['registry.yaml', 'base.yaml'] as const;
export type PinFileName = (typeof PIN_FILE_NAMES)[number];

/** The name of a path if a file of that name holds pins; null otherwise. */
export const pinFileName = (path: string): PinFileName | null => PIN_FILE_NAMES.find((name) => path === name || path.endsWith(`/${name}`)) ?? null;

/** The paths of everything that `pin` writes into a registry.yaml. */
const SPEC_PATHS: readonly PinEdit['path'][] = [
  ...ARCHITECTURES.map((each) => ['image', 'platforms', each] as const),
  ['image', 'index'],
  ['image', 'source', 'fingerprint'],
  ['image', 'source', 'revision'],
];

const pathsOf = (name: PinFileName): readonly (readonly [string, ...string[]])[] => (name === 'registry.yaml' ? SPEC_PATHS : [['published']]);

/** All pins of one file by their path, with dots; null where nothing is pinned. They belong together: a part of them pins nothing. */
export type PinValues = Readonly<Record<string, string | null>>;

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

const raw = (text: string, file: string): unknown => parseYaml(text, file).document.toJS({ maxAliasCount: 0 });

/** The pins that a text has. @throws ERR_REGISTRY_SYNTAX, ERR_REGISTRY_TOO_LARGE */
export const pinValues = (text: string, file: string, name: PinFileName): PinValues => {
  const document = raw(text, file);
  const at = (path: readonly string[]) => path.reduce<unknown>((value, key) => (isFields(value) ? value[key] : undefined), document);
  return Object.fromEntries(
    pathsOf(name).map((path) => {
      const value = at(path);
      return [path.join('.'), typeof value === 'string' ? value : null];
    }),
  );
};

/** Whether two files pin the same. */
export const samePins = (a: PinValues, b: PinValues): boolean => Object.keys({ ...a, ...b }).every((path) => (a[path] ?? null) === (b[path] ?? null));

/** Whether a file pins nothing. */
export const pinsNothing = (pins: PinValues): boolean => Object.values(pins).every((value) => value === null);

/** Writes pins into a text; no other byte of it changes, and nothing at all if it has them. @throws ERR_REGISTRY_CONFLICT and the codes of parseSpec */
export const withPinValues = (text: string, pins: PinValues, file: string, name: PinFileName): string => {
  const present = pinValues(text, file, name);
  const edits = pathsOf(name)
    .map((path) => ({ path, value: pins[path.join('.')] ?? null }))
    .filter(({ path, value }) => (present[path.join('.')] ?? null) !== value);
  if (edits.length === 0) return text;
  if (name === 'registry.yaml') return applyPins(text, edits as PinEdit[], { file });
  return applyPublished(text, pins['published'] ?? null, { file });
};

const without = (value: unknown, [key, ...rest]: readonly string[]): unknown => {
  if (!isFields(value) || key === undefined || !Object.hasOwn(value, key)) return value;
  const { [key]: inner, ...others } = value;
  const left = rest.length === 0 ? undefined : without(inner, rest);
  const isEmpty = left == null || (isFields(left) && Object.keys(left).length === 0);
  return isEmpty ? others : { ...others, [key]: left };
};

const isSame = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((each, at) => each === b[at]);

/** Whether two texts of a file differ in nothing but their pins: in no other value and in no comment. @throws ERR_REGISTRY_SYNTAX, ERR_REGISTRY_TOO_LARGE */
export const differInPinsOnly = (before: string, after: string, file: string, name: PinFileName): boolean => {
  const rest = (text: string): string | undefined => canonicalize(pathsOf(name).reduce<unknown>(without, raw(text, file)));
  return rest(before) === rest(after) && isSame(commentsIn(before), commentsIn(after));
};
