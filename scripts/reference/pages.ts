import {
  acceptanceFileSchema,
  acceptanceReportSchema,
  buildPlanSchema,
  builtImageSchema,
  deploymentSchema,
  driftReportSchema,
  ERROR_CATALOGUE,
  errorEnvelopeSchema,
  INPUTS_STATUS,
  LANE_TABLE,
  LANES,
  observedDeploymentSchema,
  pinReportSchema,
  PROCESSOR_ENV,
  PROCESSOR_ERROR_STATUS,
  processorSpecSchema,
  receiptSchema,
  runRequestSchema,
  successEnvelopeSchema,
} from '@pinlane/contracts';
import * as z from 'zod';

/** Every document there is a schema for: its file's name and what it is. */
const DOCUMENTS = {
  registry: [processorSpecSchema, 'registry.yaml'],
  'acceptance-case': [acceptanceFileSchema, 'a file of acceptance cases'],
  'build-plan': [buildPlanSchema, 'what is to be built'],
  'built-image': [builtImageSchema, 'what was built'],
  'pin-report': [pinReportSchema, 'what `pin` did or found'],
  'acceptance-report': [acceptanceReportSchema, 'the verdict on one platform digest'],
  deployment: [deploymentSchema, 'what was deployed'],
  'observed-deployment': [observedDeploymentSchema, 'what the platform says is running'],
  'drift-report': [driftReportSchema, 'where what runs differs from what is pinned'],
  'run-request': [runRequestSchema, 'the body of POST /run and /run-stream'],
  'success-envelope': [successEnvelopeSchema, 'the answer of a run that succeeded'],
  'error-envelope': [errorEnvelopeSchema, 'the answer of a run that failed'],
  receipt: [receiptSchema, 'receipt.json and determinism.json'],
} as const satisfies Record<string, readonly [z.ZodType, string]>;

interface Json {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
  readonly items?: Json;
  readonly anyOf?: readonly Json[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
}

const schemaOf = (schema: z.ZodType): Json => z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }) as Json;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`).join('\n');

const page = (title: string, ...parts: string[]): string =>
  [`# ${title}`, '<!-- Generated from the schemas by `npm run docs`. -->', ...parts, ''].join('\n\n').replace(/\n+$/, '\n');

const typeOf = (schema: Json): string => {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((each) => `\`${String(each)}\``).join(', ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' or ');
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
      'network in acceptance',
    ],
    LANES.map((lane) => {
      const { builds, imageUnderTest, mayPush, writesPins, deploysTo, secrets, acceptsStorePins, fresh, attaches, egress } = LANE_TABLE[lane];
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

const contract = (): string[] => [
  'What every processor answers over HTTP on `build.port`. The suite behind `acceptance` checks every rule of it.',
  table(
    ['code', 'HTTP status'],
    Object.entries(PROCESSOR_ERROR_STATUS).map(([code, status]) => [
      `\`${code}\``,
      code === 'ERR_INPUTS' ? `${status} (${INPUTS_STATUS.mediaType} wrong media type, ${INPUTS_STATUS.tooLarge} too large)` : String(status),
    ]),
  ),
  '## Environment of a processor',
  table(
    ['variable', 'what'],
    Object.entries(PROCESSOR_ENV).map(([name, variable]) => [`\`${variable}\``, name]),
  ),
];

/** The options of an executor, from its schema.json. */
export const executorsPage = (schemas: readonly Json[]): string =>
  page(
    'Executors',
    ...(schemas as readonly (Json & { title: string })[]).flatMap((schema) => [
      `## ${schema.title}`,
      schema.description ?? '',
      table(['option', 'type', 'default', 'what'], rowsOf(schema)),
    ]),
  );

/** Every page and schema of docs/reference that follows from the contracts: path -> text. */
export const referenceFiles = (): Record<string, string> => ({
  'errors.md': page(
    'Error codes',
    'One meaning, one code. Exit code 1 is an error, 2 a verdict against: acceptance failed, drift found, pins stale.',
    errors(),
  ),
  'lanes.md': page('Lanes', 'The lane comes from `--lane`, else `PINLANE_LANE`, else `local`.', lanes()),
  'registry-yaml.md': page(
    'registry.yaml',
    'Strict at every level: an unknown key is an error with its line and column. For completion in an editor, begin the file with `# yaml-language-server: $schema=<path to>/docs/reference/schemas/registry.schema.json`.',
    table(['key', 'type', 'default', 'what'], rowsOf(schemaOf(processorSpecSchema))),
  ),
  'artefacts.md': page(
    'Artefacts',
    'Strict JSON with `kind` and `schemaVersion`, so that CI jobs hand on files rather than state.',
    table(
      ['document', 'schema'],
      Object.entries(DOCUMENTS).map(([name, [, what]]) => [what, `[${name}.schema.json](schemas/${name}.schema.json)`]),
    ),
  ),
  'processor-contract.md': page('The processor contract', ...contract()),
  ...Object.fromEntries(Object.entries(DOCUMENTS).map(([name, [schema]]) => [`schemas/${name}.schema.json`, `${JSON.stringify(schemaOf(schema), null, 2)}\n`])),
});
