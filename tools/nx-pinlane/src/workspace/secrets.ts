import { join } from 'node:path';
import { fail, LANES, laneRules, type Lane, type ProcessorSpec } from '@pinlane/contracts';
import { readSpecBytes } from './spec-bytes.ts';
import { specFiles } from './spec-files.ts';

/** The names that processors of the workspace have for their secrets. A file that can't be read names none; running that processor reports it. */
const secretsOfWorkspace = async (root: string, env: Readonly<Record<string, string | undefined>>): Promise<string[]> => {
  // Loaded only now: few lanes need it.
  const [{ openFactsCache }, { readSpecFacts }] = await Promise.all([import('./facts-cache.ts'), import('./spec-facts.ts')]);
  const cache = openFactsCache(root, env);
  return specFiles(root).flatMap((file) => {
    try {
      const text = Buffer.from(readSpecBytes(join(root, file), file)).toString('utf8');
      return cache.facts(text, () => readSpecFacts(file, text)).secrets;
    } catch {
      return [];
    }
  });
};

/**
 * A lane without secrets fails if one is set that any processor of the workspace knows, in any lane's form, because then it proves nothing of a run
 * without: every image that is built runs in that environment, whosesoever the secret is.
 * @throws ERR_LANE_SECRET_SET with every name
 */
export const requireSecretsUnset = async (
  lane: Lane,
  { secrets }: Pick<ProcessorSpec, 'secrets'>,
  { root, env }: { readonly root: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<void> => {
  if (laneRules(lane).secrets !== 'unset') return;
  const suffixes = LANES.map((each) => laneRules(each).secrets).filter((rule) => rule.startsWith('_'));
  const known = new Set([...secrets.required, ...secrets.optional, ...(await secretsOfWorkspace(root, env))]);
  const set = [...known].flatMap((name) => ['', ...suffixes].map((suffix) => `${name}${suffix}`)).filter((name) => (env[name] ?? '') !== '');
  if (set.length > 0) fail('ERR_LANE_SECRET_SET', `lane ${lane} runs without secrets, and set ${set.length === 1 ? 'is' : 'are'} ${set.join(', ')}`);
};
