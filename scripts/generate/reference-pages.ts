import {
  acceptanceFileSchema,
  errorDocumentSchema,
  ERROR_CATALOGUE,
  errorEnvelopeSchema,
  INPUTS_STATUS,
  LANE_TABLE,
  LANES,
  PROCESSOR_ENV,
  PROCESSOR_ERROR_STATUS,
  processorSpecSchema,
  receiptSchema,
  runRequestSchema,
  SPEC_PURPOSES,
  successEnvelopeSchema,
  type SpecPath,
} from '@pinlane/contracts';
import { ANSWER_LIMITS, LOG_BYTES_AT_MOST, LOG_FLOOD_BYTES, SANDBOX_BYTES } from '@pinlane/adapters';
import {
  ANSWERS_BYTES_AT_MOST,
  ARTIFACT_LIMITS,
  CASES_AT_MOST_S,
  CASES_BYTES_AT_MOST,
  CASES_TOKENS_AT_MOST,
  OUTPUTS_AT_MOST,
  PATIENCE_MS,
  RULES_AT_MOST_MS,
} from '@pinlane/conformance';
import * as z from 'zod';
import { ENVIRONMENT } from '../../tools/nx-pinlane/src/command/environment.ts';
import { optionSchemas, type JsonSchema } from '../../tools/nx-pinlane/src/command/json-schema.ts';
import type { Verb } from '../../tools/nx-pinlane/src/command/verb.ts';

/** The files that people write, and the messages of processors: name of the schema's file -> schema and what it is. */
const FILES_AND_MESSAGES = {
  registry: [processorSpecSchema, 'registry.yaml'],
  'acceptance-case': [acceptanceFileSchema, 'a file of acceptance cases'],
  'run-request': [runRequestSchema, 'the body of POST /run and /run-stream'],
  'success-envelope': [successEnvelopeSchema, 'the answer of a run that succeeded'],
  'error-envelope': [errorEnvelopeSchema, 'the answer of a run that failed'],
  receipt: [receiptSchema, 'receipt.json and determinism.json'],
} as const satisfies Record<string, readonly [z.ZodType, string]>;

interface Json extends JsonSchema {
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
  readonly items?: Json;
  readonly anyOf?: readonly Json[];
  readonly const?: unknown;
}

const schemaOf = (schema: z.ZodType): Json => z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }) as Json;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`).join('\n');

const page = (title: string, ...parts: string[]): string =>
  [`# ${title}`, '<!-- Generated from the schemas by `npm run generate`. -->', ...parts, ''].join('\n\n').replace(/\n+$/, '\n');

const typeOf = (schema: Json): string => {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((each) => `\`${String(each)}\``).join(', ');
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives) return [...new Set(alternatives.map(typeOf))].join(' or ');
  if (schema.type === 'array') return `list of ${schema.items ? typeOf(schema.items) : 'anything'}`;
  return schema.type === undefined ? 'anything' : [schema.type].flat().join(' or ');
};

/** A row for each key of an object schema, nested keys by their path. */
const rowsOf = (schema: Json, prefix = ''): string[][] =>
  Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const object = [value, ...(value.anyOf ?? []), ...(value.items ? [value.items] : [])].find(({ properties }) => properties !== undefined);
    const path = `${prefix}${key}`;
    const given = value.default === undefined ? (schema.required?.includes(key) ? 'required' : '') : `\`${JSON.stringify(value.default)}\``;
    return [[`\`${path}\``, typeOf(value), given, value.description ?? ''], ...(object ? rowsOf(object, `${path}${value.items ? '[]' : ''}.`) : [])];
  });

const yes = (value: boolean): string => (value ? 'yes' : 'no');

/** The purpose of a key, `\`runtime.cpu\``, or of the section that it is in; none for a section whose fields have one each. */
const purposeOf = (key: string): string => {
  const parts = key.replaceAll('`', '').replaceAll('[]', '').split('.');
  const paths = parts.map((_, at) => parts.slice(0, at + 1).join('.'));
  const [purpose] = paths.flatMap((path) => (path in SPEC_PURPOSES ? SPEC_PURPOSES[path as SpecPath].of : []));
  // A section whose fields have a purpose each has none itself.
  if (purpose === undefined && parts.length > 1) throw new Error(`${parts.join('.')} has no purpose: libs/contracts/src/spec-purpose.ts`);
  return purpose ?? '';
};

const lanes = (): string =>
  table(
    [
      'lane',
      'builds',
      'image under test',
      'pushes',
      'writes pins',
      'deploys to',
      'secrets',
      'store pins',
      'builds fresh',
      'attaches evidence',
      'needs evidence of',
      'network in acceptance',
    ],
    LANES.map((lane) => {
      const { builds, imageUnderTest, mayPush, writesPins, deploysTo, secrets, acceptsStorePins, fresh, attaches, evidenceOf, egress } = LANE_TABLE[lane];
      const named = secrets === 'own' ? "the developer's own" : secrets === 'unset' ? 'unset; the lane fails if one is set' : `\`<NAME>${secrets}\``;
      return [
        lane,
        builds.join(', ') || '**no**',
        imageUnderTest,
        yes(mayPush),
        writesPins,
        deploysTo ?? 'no',
        named,
        yes(acceptsStorePins),
        yes(fresh),
        yes(attaches),
        evidenceOf ?? 'no lane',
        egress,
      ];
    }),
  );

const errors = (): string =>
  table(
    ['code', 'cause', 'remedy', 'exit code', 'retryable'],
    Object.entries(ERROR_CATALOGUE)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, { cause, remedy, exitCode, retryable }]) => [`\`${code}\``, cause, remedy, String(exitCode), yes(retryable)]),
  );

const bytes = (count: number): string => (count >= 2 ** 20 ? `${count / 2 ** 20} MiB` : `${count / 1024} KiB`);

const acceptanceLimits = (): string[][] => [
  ['the body of one answer', bytes(ANSWER_LIMITS.bodyBytes)],
  ['the header of one answer', bytes(ANSWER_LIMITS.headerBytes)],
  ['all answers together', bytes(ANSWERS_BYTES_AT_MOST)],
  ['the time for one answer', `${PATIENCE_MS.first / 1000} s; ${PATIENCE_MS.then / 1000} s once there was none; \`runtime.timeout_s\` in a case`],
  ['outputs of one run', String(OUTPUTS_AT_MOST)],
  ['a file that is held whole: `outputs.json`, `receipt.json`, an output that a case compares', bytes(ARTIFACT_LIMITS.wholeBytes)],
  ['all files that one rule or one case reads', bytes(ARTIFACT_LIMITS.allBytes)],
  ['files and folders in one listing', String(ARTIFACT_LIMITS.entries)],
  ['folders within one another', String(ARTIFACT_LIMITS.depth)],
  ['the time for which one rule or one case reads files', `${ARTIFACT_LIMITS.readingMs / 1000} s`],
  ['all rules together', `${RULES_AT_MOST_MS / 1000} s`],
  ['all cases together', `${CASES_AT_MOST_S} s, or twice \`runtime.timeout_s\``],
  ['the log that is kept', bytes(LOG_BYTES_AT_MOST)],
  ['the log after which a processor is ended', bytes(LOG_FLOOD_BYTES)],
  ['a file of cases', `${bytes(CASES_BYTES_AT_MOST)}, and ${CASES_TOKENS_AT_MOST} words and marks of YAML`],
];

const contract = (): string[] => [
  'What every processor answers over HTTP on `build.port`. The suite behind `acceptance` checks every rule of it.',
  table(
    ['code', 'HTTP status'],
    Object.entries(PROCESSOR_ERROR_STATUS).map(([code, status]) => [
      `\`${code}\``,
      code === 'ERR_INPUTS' ? `${status} (${INPUTS_STATUS.mediaType} wrong media type, ${INPUTS_STATUS.tooLarge} too large)` : String(status),
    ]),
  ),
  '## Files and messages',
  table(
    ['document', 'schema'],
    Object.entries(FILES_AND_MESSAGES).map(([name, [, what]]) => [what, linkTo(`${name}.schema.json`)]),
  ),
  '## Environment of a processor',
  table(
    ['variable', 'what'],
    Object.entries(PROCESSOR_ENV).map(([name, variable]) => [`\`${variable}\``, name]),
  ),
  '## Limits of acceptance',
  'What a processor under test answers and leaves is read up to these limits. More is a failed check, which names the limit. Links are not followed, nothing but regular files is read, and a name is text in UTF-8.',
  table(['what', 'at most'], acceptanceLimits()),
  '## The sandbox of acceptance',
  'In the runtimes `bubblewrap`, `unshare` and `docker` a processor has no capability, not even in its bounding set, can gain none, and has a read-only root, with what of `/proc` is about the whole machine. The runtime `host` isolates nothing. It can write to:',
  table(
    ['where', 'how much'],
    [
      ['`/artifacts`', 'as much as the file system of the temporary folder of this machine has'],
      ['`/tmp`', bytes(SANDBOX_BYTES.tmp)],
      ['`/dev/shm`', bytes(SANDBOX_BYTES.sharedMemory)],
    ],
  ),
];

/** The kind of a document: what its `kind` is, and where its schema lies. */
const kindOf = (document: z.ZodType): string => String(schemaOf(document).properties?.['kind']?.const);

const fileOf = (document: z.ZodType): string =>
  `${kindOf(document)
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .toLowerCase()}.schema.json`;

const linkTo = (file: string): string => `[${file}](schemas/${file})`;

const executor = (verb: Verb): string[] => [
  `## @pinlane/nx:${verb.name}`,
  verb.title,
  ...(verb.alias === undefined ? [] : [`As a command: \`pinlane ${verb.alias}\`.`]),
  table(['option', 'type', 'default', 'what'], rowsOf({ properties: optionSchemas(verb) })),
  `With \`--json\` it prints: ${verb.document.map((document) => linkTo(fileOf(document))).join(' or ')}.`,
  ...(verb.environment.length === 0 ? [] : [`It reads ${verb.environment.map((name) => `\`${name}\``).join(', ')}: [the variables](environment.md).`]),
];

const environment = (verbs: readonly Verb[]): string =>
  table(
    ['variable', 'what', 'option that wins over it', 'input of targets', 'read by'],
    (Object.keys(ENVIRONMENT) as (keyof typeof ENVIRONMENT)[]).map((name) => {
      const { what, option, inCacheKey } = ENVIRONMENT[name];
      const readers = verbs.filter(({ environment: read }) => read.includes(name)).map((verb) => verb.name);
      return [`\`${name}\``, what, option === null ? '' : `\`--${option}\``, yes(inCacheKey), readers.join(', ')];
    }),
  );

/** Every document that something prints, and which verbs do. */
const printed = (verbs: readonly Verb[]): ReadonlyMap<z.ZodType, readonly string[]> => {
  const documents = new Map<z.ZodType, string[]>();
  for (const { name, document } of verbs) for (const each of document) documents.set(each, [...(documents.get(each) ?? []), name]);
  return documents.set(errorDocumentSchema, ['every verb that fails']);
};

const artefacts = (verbs: readonly Verb[]): string =>
  table(
    ['document', 'what', 'printed by', 'schema'],
    [...printed(verbs)].map(([document, names]) => [kindOf(document), document.description ?? '', names.join(', '), linkTo(fileOf(document))]),
  );

const schemaFile = (name: string, schema: z.ZodType): [string, string] => [`schemas/${name}`, `${JSON.stringify(schemaOf(schema), null, 2)}\n`];

const pages = (verbs: readonly Verb[]): Record<string, string> => ({
  'errors.md': page(
    'Error codes',
    'One meaning, one code. Exit code 1 is an error, 2 a verdict against: acceptance failed, drift found, pins stale.',
    errors(),
  ),
  'executors.md': page('Executors', ...verbs.flatMap(executor)),
  'environment.md': page(
    'Environment variables',
    'A variable stands for an option in a whole run; an empty one counts as unset. Those that change what a build makes are inputs of the targets.',
    environment(verbs),
  ),
  'lanes.md': page('Lanes', 'The lane comes from `--lane`, else `PINLANE_LANE`, else `local`.', lanes()),
  'registry-yaml.md': page(
    'registry.yaml',
    'Strict at every level: an unknown key is an error with its line and column. For completion in an editor, begin the file with `# yaml-language-server: $schema=<path to>/docs/reference/schemas/registry.schema.json`.',
    'A field is part of the image, of its deployment, or is a pin. The build, its cache key and the fingerprint see the part of the image alone, so a change of the others rebuilds and repins nothing.',
    table(
      ['key', 'type', 'default', 'part of', 'what'],
      rowsOf(schemaOf(processorSpecSchema)).map(([key = '', type = '', given = '', what = '']) => [key, type, given, purposeOf(key), what]),
    ),
  ),
  'artefacts.md': page(
    'Artefacts',
    'What `--json` prints: strict JSON with `kind` and `schemaVersion`, so that CI jobs hand on files rather than state.',
    artefacts(verbs),
  ),
  'processor-contract.md': page('The processor contract', ...contract()),
});

/** Every page and schema of docs/reference: path -> text. */
export const referenceFiles = (verbs: readonly Verb[]): Record<string, string> => {
  const schemas = [
    ...Object.entries(FILES_AND_MESSAGES).map(([name, [schema]]) => schemaFile(`${name}.schema.json`, schema)),
    ...[...printed(verbs).keys()].map((document) => schemaFile(fileOf(document), document)),
  ];
  const files = { ...pages(verbs), ...Object.fromEntries(schemas) };
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`docs/reference/${path}`, text]));
};
