import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import type { AcceptanceCase, Check, ProcessorResponse, ProcessorSpec, RunningProcessor } from '@pinlane/contracts';
import { at, jsonOf, show, textOf } from '../rules/rule.ts';
import { listFiles, readIfThere, sha256Hex } from '../subject/files.ts';
import { prefixOf, requestBody } from '../subject/session.ts';
import { parseEventStream } from '../subject/sse.ts';
import type { CaseFile } from './read.ts';

type ExpectedOutput = AcceptanceCase['expect']['outputs'][number];

/** How one output file differs from what is expected of it; empty if it does not. */
export const outputProblems = (expected: ExpectedOutput, bytes: Uint8Array | undefined, mime: unknown): string[] => {
  const { path, text, contains, json, sha256, min_bytes } = expected;
  if (bytes === undefined) return [`${path} is not there`];
  const seen = Buffer.from(bytes).toString('utf8');
  const problems: string[] = [];
  if (expected.mime !== undefined && mime !== expected.mime) problems.push(`${path} is ${show(mime)}, not ${expected.mime}`);
  if (text !== undefined && seen !== text) problems.push(`${path} is ${show(seen)}, not ${show(text)}`);
  if (contains !== undefined && !seen.includes(contains)) problems.push(`${path} does not contain ${show(contains)}: ${show(seen)}`);
  if (sha256 !== undefined && sha256Hex(bytes) !== sha256) problems.push(`${path} has the sha256 ${sha256Hex(bytes)}, not ${sha256}`);
  if (min_bytes !== undefined && bytes.length < min_bytes) problems.push(`${path} has ${bytes.length} bytes, fewer than ${min_bytes}`);
  if (json !== undefined) {
    try {
      if (!isDeepStrictEqual(JSON.parse(seen), json)) problems.push(`${path} is ${show(seen)}, not ${show(json)}`);
    } catch {
      problems.push(`${path} is not JSON: ${show(seen)}`);
    }
  }
  return problems;
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
const filesProblems = async (expect: AcceptanceCase['expect'], envelope: unknown, folder: string): Promise<string[]> => {
  const listed = at(envelope, 'outputs') as readonly { readonly path: string; readonly mime: string }[];
  const problems: string[] = [];
  for (const expected of expect.outputs) {
    const mime = listed.find(({ path }) => path === expected.path)?.mime;
    problems.push(...outputProblems(expected, await readIfThere(join(folder, expected.path)), mime));
  }
  const more = (await listFiles(folder)).filter((path) => !expect.outputs.some((output) => output.path === path));
  if (expect.outputs.length > 0 && !expect.more_outputs && more.length > 0) problems.push(`there are more outputs: ${more.join(', ')}`);
  return problems;
};

/** Sends the request of one case, and tells how what comes back differs from what is expected; empty if it does not. */
const caseProblems = async (running: RunningProcessor, spec: ProcessorSpec, testCase: AcceptanceCase, executionId: string): Promise<string[]> => {
  const { mode, params, stream, expect } = testCase;
  const response = await running.request({
    method: 'POST',
    path: stream ? '/run-stream' : '/run',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(requestBody(spec.ref, executionId, params, mode)),
    timeoutMs: spec.runtime.timeout_s * 1000,
  });
  const envelope: unknown = stream ? JSON.parse(parseEventStream(textOf(response)).at(-1)?.data ?? 'null') : jsonOf(response);
  const problems = envelopeProblems(expect, response, envelope);
  if (at(envelope, 'status') !== 'success' || expect.status !== 'success') return problems;
  const folder = join(running.artifacts, prefixOf(executionId), 'outputs');
  return [...problems, ...(await filesProblems(expect, envelope, folder))];
};

/** Runs a processor's own cases, one after the other, on a processor that runs. A case that differs is a failed check. */
export const runCases = async (running: RunningProcessor, spec: ProcessorSpec, files: readonly CaseFile[], signal?: AbortSignal): Promise<readonly Check[]> => {
  const checks: Check[] = [];
  for (const { file, cases } of files)
    for (const testCase of cases) {
      signal?.throwIfAborted();
      const startedAt = performance.now();
      const problems = await caseProblems(running, spec, testCase, `case-${String(checks.length + 1).padStart(3, '0')}`).catch((error: Error) => [
        error.message,
      ]);
      checks.push({
        rule: `case:${file}#${testCase.name}`,
        title: testCase.name,
        outcome: problems.length === 0 ? 'passed' : 'failed',
        message: problems.join('; '),
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
