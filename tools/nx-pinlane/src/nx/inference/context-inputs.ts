import { climbs } from '@pinlane/contracts';

const PLAIN = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._*-]+)*\/?$/;

/**
 * The files that a build context may hold, as Nx inputs. If .dockerignore is an allow-list (`*` first, then only `!path` lines)
 * they are those paths; everywhere else any file of the project, because an input too many costs a look at the fingerprint and one
 * too few would serve an old image. registry.yaml is left out: the build sees its projection, which is part of the target's options.
 */
export const contextInputs = (facts: { context: string; dockerfile: string; dockerignore: string | null }): string[] => {
  const everything = ['{projectRoot}/**/*', '!{projectRoot}/registry.yaml'];
  if (facts.dockerignore === null || facts.context !== '.') return everything;
  const lines = facts.dockerignore
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const [first, ...rest] = lines;
  if (first !== '*' && first !== '**') return everything;
  const allowed = rest.map((line) => (line.startsWith('!') ? line.slice(1).replace(/^\.?\//, '') : null));
  if (!allowed.every((path) => path !== null && PLAIN.test(path) && !climbs(path))) return everything;
  const paths = (allowed as string[]).map((path) => path.replace(/\/$/, '')).filter((path) => path !== 'registry.yaml');
  return [facts.dockerfile, '.dockerignore', ...paths.flatMap((path) => [path, `${path}/**/*`])].map((path) => `{projectRoot}/${path}`);
};
