import { fail, PinlaneError, type Availability, type Problem } from '@pinlane/contracts';
import { dockerOnly, type BuildRequest } from './request.ts';

/** The engine that builds. If Docker was chosen because of the Dockerfile, `because` holds the lines that the embedded engine can't carry out. */
export interface EngineChoice {
  readonly engine: 'embedded' | 'docker';
  readonly because: readonly Problem[];
}

/**
 * Chooses the engine: the one asked for; else Docker if an option or the Dockerfile needs it; else the embedded one. Whether Docker runs on this machine
 * plays no part, so that no digest depends on it.
 * @param facts `unsupported`: the lines of the Dockerfile that the embedded engine can't carry out; read only if no engine is asked for
 * @throws ERR_OPTION_INVALID for an option that the engine asked for can't carry out
 */
export const chooseEngine = (facts: {
  readonly asked: 'auto' | 'embedded' | 'docker';
  readonly request: BuildRequest;
  readonly unsupported: readonly Problem[];
}): EngineChoice => {
  const { asked, request, unsupported } = facts;
  if (asked === 'docker') return { engine: 'docker', because: [] };
  const needed = dockerOnly(request.docker);
  if (asked === 'embedded' && needed.length > 0)
    fail('ERR_OPTION_INVALID', `the embedded engine cannot carry out ${needed.map((name) => `--${name}`).join(', ')}`, { fix: 'Build with --engine=docker.' });
  if (asked === 'embedded') return { engine: 'embedded', because: [] };
  if (needed.length > 0) return { engine: 'docker', because: [] };
  return { engine: unsupported.length > 0 ? 'docker' : 'embedded', because: unsupported };
};

/** The error if Docker is needed and is not available. The lines of the Dockerfile that need it come first, because they tell more. */
export const engineMissing = (because: readonly Problem[], { reason, fix }: Extract<Availability, { available: false }>): PinlaneError => {
  const all: readonly Problem[] = [...because, { code: 'ERR_ENGINE_UNAVAILABLE', message: reason, fix }];
  return new PinlaneError(all as [Problem, ...Problem[]]);
};
