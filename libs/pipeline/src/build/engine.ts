import { fail, PinlaneError, type Availability, type Problem } from '@pinlane/contracts';
import { dockerOnly, type BuildRequest } from './request.ts';

/** The engine that builds, and if Docker is taken because of the Dockerfile, the problems that the embedded engine has with it. */
export interface EngineChoice {
  readonly engine: 'embedded' | 'docker';
  readonly because: readonly Problem[];
}

/**
 * Chooses the engine: the one asked for; else the embedded one, and Docker for what only Docker can do. So whether a Docker happens to run on a machine
 * changes no digest.
 * @param facts `unsupported`: what the embedded engine can't carry out of the Dockerfile; read only if no engine is asked for
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

/** The error if Docker is needed because of the Dockerfile and there is none. Its lines that need Docker say more than that there is none, so they come first. */
export const engineMissing = (because: readonly Problem[], { reason, fix }: Extract<Availability, { available: false }>): PinlaneError => {
  const all: readonly Problem[] = [...because, { code: 'ERR_ENGINE_UNAVAILABLE', message: reason, fix }];
  return new PinlaneError(all as [Problem, ...Problem[]]);
};
