import { homedir } from 'node:os';
import { join, sep } from 'node:path';
import { redactText, typedPasswords, type DoctorReport } from '@pinlane/contracts';
import { readSmallFile } from '@pinlane/oci';

type Env = Readonly<Record<string, string | undefined>>;

/** A shorter value is found by chance in ordinary words. */
const SHORTEST = 6;

/** Names of variables that hold secrets, whoever made them up. Pinlane's own hold none: they name secrets. */
const SECRET_NAME = /token|secret|passw|passphrase|key|auth|credential|cookie|session|jwt/i;

const secretsOfVariables = (env: Env): string[] => {
  const values = Object.entries(env).flatMap(([name, value]) => (value ? [[name, value] as const] : []));
  return [
    ...values.flatMap(([name, value]) => (SECRET_NAME.test(name) && !name.startsWith('PINLANE_') ? [value] : [])),
    ...typedPasswords(values.map(([, value]) => value)),
  ];
};

/** The largest file of logins that is read, in bytes. */
const LIMIT = 1024 * 1024;

const textOf = (path: string): string => {
  try {
    const read = readSmallFile(path, LIMIT);
    return read.kind === 'file' ? Buffer.from(read.bytes).toString('utf8') : '';
  } catch {
    return '';
  }
};

/** All that stands behind an equals sign or a colon, or in quotes: of a file of logins, well-formed or not, whatever its keys are called. */
const valuesIn = (text: string): string[] => [
  ...[...text.matchAll(/"([^"\n]+)"|'([^'\n]+)'/g)].map(([, double, single]) => (double ?? single)!),
  ...[...text.matchAll(/[=:][ \t]*([^\s"',}]+)/g)].map(([, bare]) => bare!),
];

/** `user:password` in base64, as Docker keeps it. */
const decoded = (value: string): string[] => {
  const text = /^[A-Za-z0-9+/]{8,}={0,2}$/.test(value) ? Buffer.from(value, 'base64').toString('utf8') : '';
  return /^[\x20-\x7e]+:[\x20-\x7e]+$/.test(text) ? [text, text.slice(text.indexOf(':') + 1)] : [];
};

/** Keys and words of files of logins that are no secrets, and stand in messages. */
const PLAIN = /^(?:https?:\/\/)?[a-z0-9.-]+(?::\d+)?(?:\/v\d+\/?)?$|^(?:auths?|username|password|identitytoken|registrytoken|credsStore|credHelpers|email)$/i;

const secretsOfFiles = (root: string, env: Env): string[] => {
  const home = env['HOME'] || homedir();
  const docker = textOf(join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json'));
  const others = [env['MODAL_CONFIG_PATH'] || join(home, '.modal.toml'), env['npm_config_userconfig'] || join(home, '.npmrc'), join(root, '.npmrc')];
  const values = valuesIn(docker).filter((value) => !PLAIN.test(value));
  return [...values, ...values.flatMap(decoded), ...others.flatMap((path) => valuesIn(textOf(path)).filter((value) => !PLAIN.test(value) || /\d/.test(value)))];
};

/** Changes every text in a document, however deep. */
const mapTexts = <T>(value: T, change: (text: string) => string): T => {
  if (typeof value === 'string') return change(value) as T;
  if (Array.isArray(value)) return value.map((each: unknown) => mapTexts(each, change)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapTexts(each, change)])) as T;
};

/**
 * A report that may be handed to anybody: without any value of a variable or a file that holds logins, wherever a program may have quoted it, and without
 * the paths of this machine's workspace and home, which name people.
 */
export const scrubbed = (report: DoctorReport, root: string, env: Env): DoctorReport => {
  const secrets = [...new Set([...secretsOfVariables(env), ...secretsOfFiles(root, env)])].filter(({ length }) => length >= SHORTEST);
  const home = env['HOME'] || homedir();
  const placeless = (text: string): string => {
    const near = text.replaceAll(`${root}${sep}`, '').replaceAll(root, '.');
    return home.length > 1 ? near.replaceAll(home, '~') : near;
  };
  const clean = (text: string): string => placeless(redactText(text, secrets));
  const { checks, settings, modal } = report;
  return { ...report, checks: mapTexts(checks, clean) as typeof checks, settings: mapTexts(settings, clean), modal: mapTexts(modal, clean) };
};
