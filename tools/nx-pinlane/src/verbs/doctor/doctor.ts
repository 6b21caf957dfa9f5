import { readFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { EXIT, laneRules, type DoctorReport } from '@pinlane/contracts';
import { doctorVerdict, laneNeeds, renderDoctor } from '@pinlane/pipeline';
import { valueOf } from '../../command/environment.ts';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { openHosting } from '../../deploy/hosting.ts';
import { openLocations } from '../../images/locations.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { lookAtAll, type Check } from './check.ts';
import { buildingChecks } from './checks/building.ts';
import { machineChecks } from './checks/machine.ts';
import { modalChecks, type ClientFor } from './checks/modal.ts';
import { registryChecks } from './checks/registry.ts';
import { runningChecks } from './checks/running.ts';
import { secretChecks } from './checks/secrets.ts';
import { workspaceChecks } from './checks/workspace.ts';
import { dockerOnly, readWorkspace, type WorkspaceFacts } from './facts.ts';
import type { DoctorOptions } from './options.ts';
import { installedVersion, ownVersion } from './packages.ts';
import { scrubbed } from './scrub.ts';
import { namesOfVariables, readSettings, type Settings } from './settings.ts';

/** Name and version of the Linux distribution (os-release(5)). */
const distribution = (): string | null => {
  try {
    return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? null;
  } catch {
    return null;
  }
};

const machineOf = (env: VerbContext['env']): DoctorReport['machine'] => ({
  os: platform(),
  release: release(),
  distribution: distribution(),
  architecture: arch(),
  cpus: cpus().length,
  memoryBytes: totalmem(),
  root: process.getuid?.() === 0,
  ci: !['', 'false', undefined].includes(env['CI']),
});

const clientsOf = ({ root, env }: VerbContext): ClientFor => {
  const python = valueOf(env, 'PINLANE_MODAL_PYTHON') ?? 'python3';
  return (environment, signal) => ({ python: python.includes('/') ? resolve(root, python) : python, env, environment, signal });
};

/** All that is looked at, and what the lane needs of it. */
const plan = (settings: Settings, facts: WorkspaceFacts, context: VerbContext) => {
  const { root, env } = context;
  const { lane, adapter, engine, registry, insecure } = settings;
  const paths = workspacePaths(root, lane);
  const access = { insecureRegistries: insecure };
  const locations = openLocations(paths, access);
  const needs = laneNeeds({
    ...{ lane, adapter, engine, specs: facts.specs.map(({ spec }) => spec) },
    ...{ dockerOnly: dockerOnly(facts, lane), assembles: facts.bases.length > 0 },
  });
  const clientFor = clientsOf(context);
  const modal = modalChecks(clientFor, needs);
  const checks: Check[] = [
    ...machineChecks(root, paths.store, env),
    ...settings.faults,
    ...workspaceChecks(facts),
    ...buildingChecks(settings, needs, facts.bases, locations, env),
    ...runningChecks(settings, needs),
    ...modal.checks,
    ...secretChecks(facts.specs, settings, needs, {
      clientFor,
      ask: modal.ask,
      env,
      local: () => openHosting('local', { lane, runtime: settings.runtime, locations, env }),
    }),
    // Of these there may be the most.
    ...registryChecks(facts.specs, registry, access, needs),
  ];
  return { checks, needs, clientFor };
};

const EXIT_CODES = { good: EXIT.good, lacking: EXIT.verdict, unknown: EXIT.error } as const;

/**
 * Looks at everything that Pinlane can use here, at once and within a bounded time, and changes nothing. Whatever is broken is a line, and the end of none
 * of the others. @throws ERR_CANCELLED
 */
export const doctor = async (options: DoctorOptions, context: VerbContext): Promise<VerbOutcome<DoctorReport>> => {
  const { root, env, signal, progress } = context;
  progress('looking at this machine and account');
  const facts = await readWorkspace(root, signal);
  const settings = readSettings(options, env, facts.nxJson ?? {});
  const { checks, needs, clientFor } = plan(settings, facts, context);
  const looked = await lookAtAll(checks, signal);
  const modal = options.modal === true ? await (await import('./prove.ts')).prove(facts.specs, settings, clientFor, options, context) : null;
  const report: DoctorReport = {
    kind: 'DoctorReport',
    schemaVersion: 1,
    at: new Date().toISOString(),
    lane: settings.lane,
    environment: laneRules(settings.lane).deploysTo,
    adapters: [...needs.adapters],
    verdict: doctorVerdict(looked, modal),
    versions: { node: process.versions.node, nx: installedVersion('nx', root), pinlane: ownVersion() },
    machine: machineOf(env),
    ...namesOfVariables(env),
    settings: [...settings.told],
    checks: looked,
    modal,
  };
  const document = scrubbed(report, root, env);
  return { document, lines: renderDoctor(document), exitCode: EXIT_CODES[document.verdict] };
};
