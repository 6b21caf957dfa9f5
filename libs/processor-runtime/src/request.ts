import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { inputsError } from './errors.ts';
import type { RuntimeSpec } from './spec.ts';

/** The body of POST /run and /run-stream, after it was checked. */
export interface RunRequest {
  readonly schema: 'v1';
  readonly execution_id: string;
  readonly ref: string;
  readonly mode: 'mock' | 'real';
  readonly inputs: { readonly schema: 'v1'; readonly params: Readonly<Record<string, unknown>> };
  readonly write_prefix: string;
}

const EXECUTION_ID = '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$';

const REQUEST_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['schema', 'execution_id', 'ref', 'inputs', 'write_prefix'],
  properties: {
    schema: { const: 'v1' },
    execution_id: { type: 'string', pattern: EXECUTION_ID },
    ref: { type: 'string', maxLength: 80 },
    mode: { enum: ['mock', 'real'] },
    inputs: {
      type: 'object',
      additionalProperties: false,
      required: ['schema', 'params'],
      properties: { schema: { const: 'v1' }, params: { type: 'object' } },
    },
    write_prefix: { type: 'string', maxLength: 1024 },
  },
};

const MAX_PROBLEMS = 20;

const describe = (at: string, errors: readonly ErrorObject[]): string => {
  const lines = errors.slice(0, MAX_PROBLEMS).map(({ instancePath, message, params, keyword }) => {
    const extra = keyword === 'additionalProperties' ? `: ${JSON.stringify(params['additionalProperty'])}` : '';
    const allowed = keyword === 'enum' || keyword === 'const' ? `: ${JSON.stringify(params['allowedValues'] ?? params['allowedValue'])}` : '';
    return `${at}${instancePath || (at ? '' : '/')} ${message ?? 'is invalid'}${extra}${allowed}`;
  });
  const more = errors.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
};

/** Checks requests against the contract and the spec. */
export interface RequestValidator {
  /** @throws ERR_INPUTS with every problem of the envelope */
  request(body: unknown): RunRequest;
  /** @returns a copy of the params, with the defaults of the schema filled in @throws ERR_INPUTS with every problem */
  params(request: RunRequest): Readonly<Record<string, unknown>>;
}

const options = { allErrors: true, strict: false, allowUnionTypes: true, validateFormats: true } as const;

const compileInputs = (schema: Readonly<Record<string, unknown>>): ValidateFunction => {
  const draft07 = String(schema['$schema'] ?? '').includes('draft-07');
  const ajv = draft07 ? new Ajv({ ...options, useDefaults: true }) : new Ajv2020({ ...options, useDefaults: true });
  formats.default(ajv);
  return ajv.compile(schema);
};

/** The execution id for the envelope of an error, from a body that may be anything; null if it names none that is valid. */
export const executionIdOf = (body: unknown): string | null => {
  const id = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)['execution_id'] : undefined;
  return typeof id === 'string' && new RegExp(EXECUTION_ID).test(id) ? id : null;
};

/** Whether a body that may be anything asks for a real run. */
export const asksForReal = (body: unknown): boolean => typeof body === 'object' && body !== null && (body as Record<string, unknown>)['mode'] === 'real';

/** Compiles the schemas, once for all requests. @throws Error if the spec's inputs are not a JSON Schema */
export const createValidator = (spec: RuntimeSpec): RequestValidator => {
  const envelope = new Ajv(options).compile(REQUEST_SCHEMA);
  const inputs = compileInputs(spec.inputs);
  return {
    request: (body) => {
      if (!envelope(body)) throw inputsError(describe('', envelope.errors ?? []));
      const request = body as Omit<RunRequest, 'mode'> & { mode?: 'mock' | 'real' };
      if (request.ref !== spec.ref) throw inputsError(`/ref is ${JSON.stringify(request.ref)}, but this processor is ${spec.ref}`);
      return { ...request, mode: request.mode ?? 'mock' };
    },
    params: (request) => {
      const params = structuredClone(request.inputs.params);
      if (!inputs(params)) throw inputsError(describe('/inputs/params', inputs.errors ?? []));
      return params;
    },
  };
};
