import { randomBytes } from 'node:crypto';
import {
  fail,
  MAX_BODY_BYTES,
  type AcceptanceCase,
  type Check,
  type Digest,
  type ProcessorRequest,
  type ProcessorResponse,
  type ProcessorSpec,
  type RunningProcessor,
} from '@pinlane/contracts';
import type { CaseFile } from './cases/read.ts';
import { exampleParams } from './cases/run.ts';
import { listedOutputs } from './rules/listed-outputs.ts';
import { jsonOf, must, mustSucceed, notJudged, show, type Rule } from './rules/rule.ts';
import { RULES } from './rules/index.ts';
import { runConformance } from './run-conformance.ts';
import { sha256Hex } from './subject/sha256.ts';
import type { Subject } from './subject/subject.ts';

/** A processor that was deployed, and is known by its address alone. */
export interface Deployed {
  readonly spec: ProcessorSpec;
  /** The digest that it must be. */
  readonly digest: Digest;
  readonly request: (request: ProcessorRequest) => Promise<ProcessorResponse>;
  readonly cases: readonly CaseFile[];
}

const outOfReach = (): never => fail('ERR_INTERNAL', 'a deployed processor is looked at from outside alone');

/** A deployed processor as the rules see one; whatever a rule wants to see from inside is out of reach. */
const subjectOf = ({ spec, digest, request, cases }: Deployed): Subject => {
  const open = { runtime: 'host', network: 'open', filesystem: 'open', user: 'same', processes: 'shared' } as const;
  const running: RunningProcessor = {
    ...{ isolation: open, healthyAfterMs: 0, artifacts: '', artifactsRoot: '', port: spec.build.port, socket: '', request },
    ...{ observeNetwork: outOfReach, suspend: outOfReach, resume: outOfReach, stop: outOfReach, logs: outOfReach, stderr: outOfReach },
    ...{ unkeptLogBytes: () => 0, ended: () => null },
  };
  return {
    ...{ spec, digest, uid: 0, environment: '', isolation: open, egress: { blocked: false, reasons: [] }, isolationRequired: false },
    // A deployed processor has other callers: another smoke test at the same time, and a later one that would find this one's folders.
    executions: `deployed-${randomBytes(6).toString('hex')}`,
    ...{ maxBodyBytes: MAX_BODY_BYTES, params: exampleParams(cases, spec), running },
    start: async () => outOfReach(),
  };
};

/** Rules that can be judged through an address. */
const BY_ADDRESS: readonly string[] = [
  ...['healthz.ok', 'healthz.media-type', 'healthz.ref', 'healthz.digest'],
  ...['run.success', 'run.media-type', 'run.envelope', 'run.execution-id', 'run.ref', 'run.digest', 'run.inputs-hash', 'run.env-fingerprint', 'run.index-path'],
  ...['outputs.sorted', 'outputs.unique', 'outputs.declared'],
  ...['stream.media-type', 'stream.end', 'stream.progress', 'stream.done', 'guard.match'],
];

const named = (names: readonly string[]): Rule[] => RULES.filter(({ name }) => names.includes(name));

/** The first case whose params a mock run is given, and succeeds with. */
const exampleCase = (cases: readonly CaseFile[]): AcceptanceCase | undefined =>
  cases.flatMap((file) => file.cases).find(({ mode, expect }) => mode === 'mock' && expect.status === 'success');

/** Rules about the hashes of outputs, whose files are out of reach: the envelope tells them. */
const hashRules = (cases: readonly CaseFile[]): readonly Rule[] => [
  {
    name: 'outputs.repeated',
    title: 'The same inputs give outputs of the same sizes and hashes',
    needs: ['run.success'],
    check: async (session) => {
      const again = await session.run();
      mustSucceed(again.response);
      const [one, two] = [listedOutputs(jsonOf((await session.mockRun()).response)), listedOutputs(jsonOf(again.response))];
      must(JSON.stringify(one) === JSON.stringify(two), `they were ${show(one)}, and then ${show(two)}`);
    },
  },
  {
    name: 'outputs.expected',
    title: "Outputs have the hashes that the processor's own case demands",
    needs: ['run.success'],
    check: async (session) => {
      const wanted = (exampleCase(cases)?.expect.outputs ?? []).flatMap(({ path, sha256, text }) => {
        const hash = sha256 ?? (text === undefined ? undefined : sha256Hex(text));
        return hash === undefined ? [] : [{ path, hash }];
      });
      if (wanted.length === 0) notJudged('no case says the content of an output');
      const listed = listedOutputs(jsonOf((await session.mockRun()).response));
      for (const { path, hash } of wanted) {
        const seen = listed.find((output) => output.path === path)?.sha256;
        must(seen === hash, `${show(path)} has the sha256 ${show(seen ?? 'none')}, not ${hash}`);
      }
    },
  },
];

/** Runs a deployed processor in mode mock through its address, and checks what can be seen from there. @throws the signal's reason */
export const smokeTest = (deployed: Deployed, signal: AbortSignal): Promise<readonly Check[]> =>
  runConformance(subjectOf(deployed), { rules: [...named(BY_ADDRESS), ...hashRules(deployed.cases)], signal, atMostMs: 300_000 });

/** Checks one rule of the contract through an address. @throws the signal's reason */
export const checkByAddress = async (deployed: Deployed, rule: 'guard.mismatch' | 'real.missing-secret', signal: AbortSignal): Promise<Check> =>
  (await runConformance(subjectOf(deployed), { rules: named([rule]), signal, atMostMs: 120_000 }))[0] as Check;
