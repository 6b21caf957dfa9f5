import type { CommandForm, HealthTimes, InlineFile, Instruction, NamedValue } from './model.ts';
import { trimSpace } from '../patterns/space.ts';
import { openDocument } from './here-documents.ts';
import type { HereDocument, SourceInstruction } from './source.ts';
import { InstructionError, jsonStrings, plainWords, quotedWords, takeFlags } from './words.ts';

/** An instruction whose flags are taken off, before its arguments are parsed. */
interface Line {
  readonly keyword: string;
  readonly flags: ReadonlyMap<string, string | undefined>;
  /** The values of a flag that may be given several times. */
  readonly values: (name: string) => readonly string[];
  /** What follows the flags. */
  readonly rest: string;
  readonly documents: readonly HereDocument[];
  readonly escape: string;
}

/** What an instruction says, apart from where it stands. */
type Content<I = Instruction> = I extends Instruction ? Omit<I, 'line' | 'column' | 'text'> : never;

/** Of COPY, ADD, EXPOSE or VOLUME. A source may be a pattern, which any number of files match. */
const MOST_WORDS = 1000;

const refuse = (message: string): never => {
  throw new InstructionError(message);
};

/** The value of a flag; undefined if it is not given, or empty. */
const flag = ({ flags, keyword }: Line, name: string): string | undefined => {
  if (!flags.has(name)) return undefined;
  return (flags.get(name) ?? refuse(`--${name} of ${keyword} needs a value: --${name}=…`)) || undefined;
};

/** `a=b c=d`, or in the old form `a b and all the rest`. */
const pairs = ({ rest, escape, keyword }: Line): NamedValue[] => {
  const words = quotedWords(rest, escape);
  if (words.length === 0) return refuse(`${keyword} needs at least one name=value`);
  if (!words[0]!.includes('=')) {
    const [, name, value] = /^([^\t\v\f\r ]+)[\t\v\f\r ]+([^]+)$/.exec(rest) ?? refuse(`${keyword} needs a value: ${words[0]}=…`);
    return [{ name: name!, value: value! }];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals === -1) return refuse(`${word} has no =; every part of ${keyword} is name=value`);
    return equals === 0 ? refuse(`${keyword} has a blank name`) : { name: word.slice(0, equals), value: word.slice(equals + 1) };
  });
};

const command = (rest: string): CommandForm => {
  const argv = jsonStrings(rest);
  return argv ? { form: 'exec', argv } : { form: 'shell', line: rest };
};

const limited = (found: readonly string[], keyword: string): readonly string[] => {
  if (found.length === 0) return refuse(`${keyword} needs at least one argument`);
  return found.length <= MOST_WORDS ? found : refuse(`${keyword} has more than ${MOST_WORDS} arguments`);
};

/** The arguments in either form. */
const words = (rest: string, keyword: string): readonly string[] => limited(jsonStrings(rest) ?? plainWords(rest), keyword);

const value = ({ rest, keyword }: Line): string => (rest === '' ? refuse(`${keyword} needs an argument`) : rest);

/** The file that a word stands for, if it opens a here-document; empty if the line opens none of this name. */
const inlineFile = (word: string, documents: ReadonlyMap<string, string>): InlineFile | undefined => {
  const opened = openDocument(word);
  if (opened === undefined) return undefined;
  const { name, tabs, expand } = opened;
  const text = documents.get(name) ?? '';
  return { name, text: tabs ? text.replace(/^\t+/gm, '') : text, expand };
};

/** Flags of COPY and ADD that only Docker carries out. */
const DOCKER_ONLY = ['parents', 'exclude', 'checksum', 'keep-git-dir', 'unpack'];

const isRemote = (source: string): boolean => /^(?:[a-z][a-z0-9+.-]*:\/\/|git@)/i.test(source);

/** Tells here-documents from paths. In the JSON form they are empty, as a line of it opens none. */
const splitSources = ({ documents: written }: Line, words: readonly string[]): { readonly documents: InlineFile[]; readonly sources: string[] } => {
  const texts = new Map(written.map(({ name, text }) => [name, text]));
  const documents: InlineFile[] = [];
  const sources: string[] = [];
  for (const word of words) {
    const document = inlineFile(word, texts);
    if (document) documents.push(document);
    else sources.push(word);
  }
  return { documents, sources };
};

const copy = (line: Line): Content => {
  const keyword = line.keyword as 'COPY' | 'ADD';
  const unsupportedFlag = DOCKER_ONLY.find((name) => line.flags.has(name));
  if (unsupportedFlag !== undefined) return { kind: 'unsupported', what: `${keyword} --${unsupportedFlag}`, from: line.values('from') };
  const list = words(line.rest, keyword);
  if (list.length < 2) return refuse(`${keyword} needs at least one source and a destination`);
  if (list.includes('')) return refuse(`${keyword} has an empty path`);
  const [from, chown, chmod] = [keyword === 'COPY' ? flag(line, 'from') : undefined, flag(line, 'chown'), flag(line, 'chmod')];
  const destination = list.at(-1)!;
  if (openDocument(destination)) return refuse(`${keyword} cannot have a here-document as its destination`);
  const { documents, sources } = splitSources(line, list.slice(0, -1));
  if (keyword === 'ADD' && sources.some(isRemote)) return { kind: 'unsupported', what: 'ADD of a URL', from: [] };
  return { kind: 'copy', keyword, sources, documents, destination, from, chown, chmod };
};

/** In nanoseconds. */
const UNITS: Readonly<Record<string, number>> = { h: 3.6e12, m: 6e10, s: 1e9, ms: 1e6, us: 1e3, '\u00b5s': 1e3, '\u03bcs': 1e3, ns: 1 };

const PART = /(?:(\d+)(?:\.(\d*))?|\.(\d+))(h|ms|m|s|us|\u00b5s|\u03bcs|ns)/y;

/** A duration such as `1m30s` in nanoseconds (Go, time.ParseDuration); undefined if it is none, or neither 0 nor at least the millisecond that Docker wants. */
const parseDuration = (text: string): number | undefined => {
  if (/^[+-]?0$/.test(text)) return 0;
  let [at, total] = [/^[+-]/.test(text) ? 1 : 0, 0];
  // Part by part: one expression for all of them would take time that grows with the square of the text.
  do {
    PART.lastIndex = at;
    const [part, whole = '0', behind = '', alone = '', unit] = PART.exec(text) ?? [];
    if (part === undefined) return undefined;
    total += Number(whole) * UNITS[unit!]! + Math.trunc(Number(`0.${behind || alone || 0}`) * UNITS[unit!]!);
    at += part.length;
  } while (at < text.length);
  const signed = text.startsWith('-') ? -total : total;
  return Number.isSafeInteger(total) && (total === 0 || signed >= 1e6) ? total : undefined;
};

/** A whole number of 32 bits that is not negative (Go, strconv.ParseInt); undefined for anything else. */
const parseCount = (text: string): number | undefined => (/^(?:\+?\d+|-0+)$/.test(text) && Number(text) < 2 ** 31 ? Math.abs(Number(text)) : undefined);

const HEALTH_FLAGS = { interval: 'Interval', timeout: 'Timeout', 'start-period': 'StartPeriod', 'start-interval': 'StartInterval' } as const;

const healthcheck = (line: Line): Content => {
  const [, word = '', rest = ''] = /^([^\t\n\v\f\r ]+)[\t\n\v\f\r ]*([^]*)$/.exec(line.rest) ?? refuse('HEALTHCHECK needs CMD or NONE');
  if (word.toUpperCase() === 'NONE')
    return rest === '' || jsonStrings(rest)?.length === 0 ? { kind: 'healthcheck', check: 'none' } : refuse('HEALTHCHECK NONE takes no arguments');
  if (word.toUpperCase() !== 'CMD') return refuse(`HEALTHCHECK needs CMD or NONE, not ${word}`);
  const times: Record<string, number> = {};
  for (const [name, key] of Object.entries(HEALTH_FLAGS)) {
    const text = flag(line, name);
    if (text !== undefined) times[key] = parseDuration(text) ?? refuse(`--${name}=${text} is not a duration such as 30s`);
  }
  const retries = flag(line, 'retries');
  if (retries !== undefined) times['Retries'] = parseCount(retries) ?? refuse(`--retries=${retries} is not a number`);
  const check = command(rest);
  if (rest === '' || (check.form === 'exec' && check.argv.length === 0)) return refuse('HEALTHCHECK CMD needs a command');
  return { kind: 'healthcheck', check: { command: check, times: times as HealthTimes } };
};

const arg = ({ rest, escape, keyword }: Line): Content => {
  const list = quotedWords(rest, escape);
  if (list.length === 0) return refuse(`${keyword} needs a name`);
  const entries = list.map((word) => {
    const equals = word.indexOf('=');
    if (equals === 0) return refuse(`${keyword} has a blank name`);
    return equals === -1 ? { name: word, value: undefined } : { name: word.slice(0, equals), value: word.slice(equals + 1) };
  });
  return { kind: 'arg', entries };
};

const shell = ({ rest }: Line): Content => {
  const argv = jsonStrings(rest);
  return argv && argv.length > 0 ? { kind: 'shell', argv } : refuse('SHELL needs the JSON form: ["/bin/sh", "-c"]');
};

const onbuild = ({ keyword, rest }: Line): Content => ({
  kind: 'unsupported',
  what: keyword,
  from: rest === '' ? refuse(`${keyword} needs an instruction`) : [],
});

/** What `RUN --mount=type=bind,from=…` mounts from (Dockerfile reference, "RUN --mount"). The value is a record of CSV; a tmpfs mounts from nothing. */
const mountedFrom = (mount: string): string[] => {
  const fields = mount.split(',').map((field) => /^"?([a-z]+)=([^"]*)"?$/i.exec(field.trim()) ?? []);
  const value = (name: string): string => fields.find(([, key]) => key?.toLowerCase() === name)?.[2] ?? '';
  return value('from') === '' || value('type') === 'tmpfs' ? [] : [value('from')];
};

const run = (line: Line): Content => {
  jsonStrings(line.rest);
  return { kind: 'unsupported', what: line.keyword, from: line.values('mount').flatMap(mountedFrom) };
};

const volume = ({ rest, keyword }: Line): Content => ({
  kind: 'volume',
  values: words(rest, keyword).map((each) => trimSpace(each) || refuse('VOLUME has an empty path')),
});

interface Kind {
  readonly parse: (line: Line) => Content;
  /** The flags that Docker knows; `*` if any will do. */
  readonly flags?: readonly string[];
}

const KINDS: Readonly<Record<string, Kind>> = {
  ADD: { parse: copy, flags: ['chown', 'chmod', 'link', 'checksum', 'keep-git-dir', 'unpack', 'exclude'] },
  // BuildKit takes flags off these two, and looks at none.
  ARG: { parse: arg, flags: ['*'] },
  CMD: { parse: ({ rest }) => ({ kind: 'cmd', command: command(rest) }) },
  COPY: { parse: copy, flags: ['from', 'chown', 'chmod', 'link', 'parents', 'exclude'] },
  ENTRYPOINT: { parse: ({ rest }) => ({ kind: 'entrypoint', command: command(rest) }) },
  ENV: { parse: (line) => ({ kind: 'env', pairs: pairs(line) }) },
  EXPOSE: { parse: ({ rest, keyword }) => ({ kind: 'expose', values: limited(plainWords(rest), keyword) }) },
  HEALTHCHECK: { parse: healthcheck, flags: [...Object.keys(HEALTH_FLAGS), 'retries'] },
  LABEL: { parse: (line) => ({ kind: 'label', pairs: pairs(line) }) },
  MAINTAINER: { parse: (line) => ({ kind: 'maintainer', value: value(line) }) },
  ONBUILD: { parse: onbuild, flags: ['*'] },
  RUN: { parse: run, flags: ['*'] },
  SHELL: { parse: shell },
  STOPSIGNAL: { parse: (line) => ({ kind: 'stopsignal', value: value(line) }), flags: ['*'] },
  USER: { parse: (line) => ({ kind: 'user', value: value(line) }) },
  VOLUME: { parse: volume },
  WORKDIR: { parse: (line) => ({ kind: 'workdir', value: value(line) }) },
};

/** All instructions of the language. */
export const KEYWORDS: readonly string[] = [...Object.keys(KINDS), 'FROM'].sort();

const BOOLEAN = ['link', 'parents', 'keep-git-dir', 'unpack'];

const takeLine = ({ keyword, rest, documents }: SourceInstruction, escape: string, allowed: readonly string[]): Line => {
  const { flags, values, repeated, rest: after } = takeFlags(rest, escape);
  const unknown = [...flags.keys()].find((name) => !allowed.includes(name) && !allowed.includes('*'));
  if (unknown !== undefined) return refuse(`${keyword} has no flag --${unknown}`);
  const odd = BOOLEAN.find((name) => flags.has(name) && !/^(?:true|false)$/i.test(flags.get(name) ?? 'true'));
  if (odd !== undefined && !allowed.includes('*')) return refuse(`--${odd} of ${keyword} is true or false`);
  const twice = repeated.find((name) => name !== 'exclude' && !allowed.includes('*'));
  return twice === undefined ? { keyword, flags, values, escape, documents, rest: after } : refuse(`--${twice} of ${keyword} is given twice`);
};

/** Parses any instruction but FROM. @throws InstructionError */
export const parseInstruction = (source: SourceInstruction, escape: string): Instruction => {
  const kind = Object.hasOwn(KINDS, source.keyword)
    ? KINDS[source.keyword]!
    : refuse(`${JSON.stringify(source.keyword.slice(0, 40))} is not a Dockerfile instruction`);
  const content = kind.parse(takeLine(source, escape, kind.flags ?? []));
  return { ...content, line: source.line, column: source.column, text: `${source.keyword} ${source.rest}` } as Instruction;
};

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/i;

/** Parses `FROM [--platform=…] image [AS name]`. @throws InstructionError */
export const parseFrom = (source: SourceInstruction, escape: string): { image: string; platform: string | undefined; name: string | undefined } => {
  const line = takeLine(source, escape, ['platform']);
  const [image, as, name, ...more] = plainWords(line.rest);
  if (image === undefined) return refuse('FROM needs an image');
  if (as !== undefined && (as.toUpperCase() !== 'AS' || name === undefined || more.length > 0)) return refuse('FROM is: FROM image [AS name]');
  if (name !== undefined && !STAGE_NAME.test(name))
    return refuse(`${JSON.stringify(name)} is not the name of a stage: letters, digits, and - _ . after a letter`);
  return { image, platform: flag(line, 'platform'), name: name?.toLowerCase() };
};
