import { normalize } from 'node:path/posix';
import { isDeepStrictEqual } from 'node:util';
import { openArtifacts, type Artifacts, type Measured } from '../artifacts/index.ts';
import type { AcceptanceCase, Check, ProcessorResponse, ProcessorSpec, RunningProcessor } from '@pinlane/contracts';
import { listedOutputs } from '../rules/listed-outputs.ts';
import { at, jsonOf, parseJson, show, showList, textOf } from '../rules/rule.ts';
import { messageText } from '../report/message.ts';
import { prefixOf, requestBody } from '../subject/session.ts';
import { parseEventStream } from '../subject/sse.ts';
import { until } from '../until.ts';
import type { CaseFile } from './read.ts';

type ExpectedOutput = AcceptanceCase['expect']['outputs'][number];

/** What is wrong with the size, the hash and the media type of an output. */
const measuredProblems = ({ path, mime, sha256, min_bytes }: ExpectedOutput, seen: Measured, seenMime: unknown): string[] => [
  ...(mime !== undefined && seenMime !== mime ? [`${path} is ${show(seenMime)}, not ${mime}`] : []),
  ...(sha256 !== undefined && seen.sha256 !== sha256 ? [`${path} has the sha256 ${seen.sha256}, not ${sha256}`] : []),
  ...(min_bytes !== undefined && seen.size < min_bytes ? [`${path} has ${seen.size} bytes, fewer than ${min_bytes}`] : []),
];

const jsonProblems = (path: string, seen: string, json: unknown): string[] => {
  try {
    return isDeepStrictEqual(parseJson(path, seen), json) ? [] : [`${path} is ${show(seen)}, not ${show(json)}`];
  } catch (error) {
    return [(error as Error).message];
  }
};

/** What is wrong with the content of an output. */
const contentProblems = ({ path, text, contains, json }: ExpectedOutput, bytes: Buffer): string[] => {
  const seen = bytes.toString('utf8');
  return [
    ...(text !== undefined && seen !== text ? [`${path} is ${show(seen)}, not ${show(text)}`] : []),
    ...(contains !== undefined && !seen.includes(contains) ? [`${path} does not contain ${show(contains)}: ${show(seen)}`] : []),
    ...(json === undefined ? [] : jsonProblems(path, seen, json)),
  ];
};

/** How one output file differs from what is expected of it; empty if it does not. Only a file whose content is compared is held whole. */
export const outputProblems = async (expected: ExpectedOutput, file: string, mime: unknown, artifacts: Artifacts): Promise<string[]> => {
  const { path, text, contains, json } = expected;
  const measured = await artifacts.measure(file);
  if (measured === undefined) return [`${path} is not there`];
  const compared = text !== undefined || contains !== undefined || json !== undefined;
  const bytes = compared ? await artifacts.read(file) : undefined;
  return [...measuredProblems(expected, measured, mime), ...(bytes === undefined ? [] : contentProblems(expected, bytes))];
};

/** How the answer to a case differs from what is expected of its status and codes; empty if it does not. */
const envelopeProblems = (expect: AcceptanceCase['expect'], response: ProcessorResponse, envelope: unknown): string[] => {
  const [status, error, code] = [at(envelope, 'status'), at(envelope, 'error'), at(envelope, 'error', 'code')];
  const problems: string[] = [];
  if (expect.http !== undefined && response.status !== expect.http) problems.push(`expected HTTP ${expect.http}, got ${response.status}`);
  if (status !== expect.status) problems.push(`expected status ${expect.status}, got ${show(status)}${code === undefined ? '' : `: ${show(error)}`}`);
  if (expect.code !== undefined && code !== expect.code) problems.push(`expected the code ${expect.code}, got ${show(code ?? 'none')}`);
  return problems;
};

/** How the output files of a run differ from those that are expected; empty if they do not. */
const filesProblems = async (expect: AcceptanceCase['expect'], envelope: unknown, folder: string, artifacts: Artifacts): Promise<string[]> => {
  const listed = new Map(listedOutputs(envelope).map(({ path, mime }) => [path, mime]));
  const problems: string[] = [];
  const expectations = expect.outputs.map((expected) => ({ ...expected, path: normalize(expected.path) }));
  for (const expected of expectations) {
    const wrong = outputProblems(expected, `${folder}/${expected.path}`, listed.get(expected.path), artifacts);
    problems.push(...(await wrong.catch((error: Error) => [error.message])));
  }
  if (expect.outputs.length === 0 || expect.more_outputs) return problems;
  const known = new Set(expectations.map(({ path }) => path));
  const more = (await artifacts.list(folder)).filter((path) => !path.endsWith('/') && !known.has(path));
  return [...problems, ...(more.length > 0 ? [`there are more outputs: ${showList(more)}`] : [])];
};

/** How long all cases of a processor may take together, in s; if one run may take longer than half of it, twice as long as that. */
export const CASES_AT_MOST_S = 1800;

/** Sends the request of one case, and tells how what comes back differs from what is expected; empty if it does not. */
const caseProblems = async (
  running: RunningProcessor,
  spec: ProcessorSpec,
  testCase: AcceptanceCase,
  { executionId, signal }: { readonly executionId: string; readonly signal: AbortSignal },
): Promise<string[]> => {
  const { mode, params, stream, expect } = testCase;
  const response = await running.request({
    method: 'POST',
    path: stream ? '/run-stream' : '/run',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(requestBody(spec.ref, executionId, params, mode)),
    timeoutMs: spec.runtime.timeout_s * 1000,
    signal,
  });
  const envelope = stream ? parseJson('the data of the last event', parseEventStream(textOf(response)).at(-1)?.data ?? 'null') : jsonOf(response);
  const problems = envelopeProblems(expect, response, envelope);
  if (at(envelope, 'status') !== 'success' || expect.status !== 'success') return problems;
  const artifacts = openArtifacts(running.artifacts, { signal });
  return [...problems, ...(await filesProblems(expect, envelope, `${prefixOf(executionId)}/outputs`, artifacts))];
};

/**
 * Runs a processor's own cases, one after the other, on a processor that runs. A case that differs is a failed check, and so is each that is left once the
 * time that all cases have together is over.
 * @throws the signal's reason, as soon as it comes
 */
export const runCases = async (
  running: RunningProcessor,
  spec: ProcessorSpec,
  files: readonly CaseFile[],
  signal?: AbortSignal,
  atMostS: number = Math.max(CASES_AT_MOST_S, 2 * spec.runtime.timeout_s),
): Promise<readonly Check[]> => {
  const late = AbortSignal.timeout(atMostS * 1000);
  const over = signal === undefined ? late : AbortSignal.any([signal, late]);
  const checks: Check[] = [];
  for (const { file, cases } of files)
    for (const testCase of cases) {
      signal?.throwIfAborted();
      const startedAt = performance.now();
      const executionId = `case-${String(checks.length + 1).padStart(3, '0')}`;
      const problems = await until(over, () => caseProblems(running, spec, testCase, { executionId, signal: over })).catch((error: Error) => {
        signal?.throwIfAborted();
        return [late.aborted ? `it had not ended when the ${atMostS} s were over that all cases have together` : error.message];
      });
      checks.push({
        rule: `case:${file}#${testCase.name}`,
        title: testCase.name,
        outcome: problems.length === 0 ? 'passed' : 'failed',
        message: messageText(problems.join('; ')),
        durationMs: Math.round(performance.now() - startedAt),
      });
    }
  return checks;
};

/** Params with which a mock run succeeds: those of the first case that expects so, else the first example of the inputs schema, else none. */
export const exampleParams = (files: readonly CaseFile[], spec: ProcessorSpec): Readonly<Record<string, unknown>> => {
  const good = files.flatMap(({ cases }) => cases).find(({ mode, expect }) => mode === 'mock' && expect.status === 'success');
  if (good !== undefined) return good.params;
  const [example] = Array.isArray(spec.inputs['examples']) ? (spec.inputs['examples'] as unknown[]) : [];
  return typeof example === 'object' && example !== null ? (example as Record<string, unknown>) : {};
};
