import { readFileSync } from 'node:fs';
import { DEFAULT_CONCURRENCY, DEFAULT_CPU, DEFAULT_MEMORY_GB, DEFAULT_PORT, DEFAULT_TIMEOUT_S } from '@pinlane/contracts/processor';
import { parse } from 'yaml';

/** What a processor must know of its registry.yaml while it runs. Pinlane checked the whole file before it built the image. */
export interface RuntimeSpec {
  readonly ref: string;
  readonly port: number;
  readonly cpu: number;
  readonly memoryGb: number;
  readonly gpu: string | null;
  /** The longest a run may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly concurrency: number;
  readonly secrets: { readonly required: readonly string[]; readonly optional: readonly string[] };
  /** The JSON Schema of inputs.params. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The files that a run may write; empty if the spec declares none. */
  readonly outputs: readonly { readonly path: string; readonly mime: string }[];
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const section = (root: Json, name: string): Json => {
  const value = root[name] ?? {};
  if (!isObject(value)) throw new Error(`${name} is not a mapping`);
  return value;
};

const number = (from: Json, name: string, fallback: number): number => {
  const value = from[name] ?? fallback;
  if (typeof value !== 'number' || !(value > 0)) throw new Error(`${name} is not a positive number`);
  return value;
};

const names = (from: Json, name: string): string[] => {
  const value = from[name] ?? [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw new Error(`secrets.${name} is not a list of names`);
  return [...value].sort();
};

/** Reads the text of a registry.yaml, or of its projection in an image. @throws Error that says what is wrong */
export const parseSpec = (text: string): RuntimeSpec => {
  const root: unknown = parse(text, { maxAliasCount: 0 });
  if (!isObject(root)) throw new Error('it is not a mapping');
  if (typeof root['ref'] !== 'string') throw new Error('ref is missing');
  const runtime = section(root, 'runtime');
  const secrets = section(root, 'secrets');
  const outputs: unknown = root['outputs'] ?? [];
  if (!Array.isArray(outputs) || !outputs.every((output) => isObject(output) && typeof output['path'] === 'string' && typeof output['mime'] === 'string'))
    throw new Error('outputs is not a list of paths with media types');
  return {
    ref: root['ref'],
    port: number(section(root, 'build'), 'port', DEFAULT_PORT),
    cpu: number(runtime, 'cpu', DEFAULT_CPU),
    memoryGb: number(runtime, 'memory_gb', DEFAULT_MEMORY_GB),
    gpu: typeof runtime['gpu'] === 'string' ? runtime['gpu'] : null,
    timeoutMs: number(runtime, 'timeout_s', DEFAULT_TIMEOUT_S) * 1000,
    concurrency: number(runtime, 'concurrency', DEFAULT_CONCURRENCY),
    secrets: { required: names(secrets, 'required'), optional: names(secrets, 'optional') },
    inputs: section(root, 'inputs'),
    outputs: outputs as { path: string; mime: string }[],
  };
};

/** Reads a registry.yaml. @throws Error that names the file */
export const readSpec = (file: string): RuntimeSpec => {
  try {
    return parseSpec(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Error(`cannot read the spec ${file}: ${(cause as Error).message}`, { cause });
  }
};
