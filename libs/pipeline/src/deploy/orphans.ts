import type { DeployEnvironment, DriftEntry, Known } from '@pinlane/contracts';
import type { ObservedApp } from './hosting.ts';
import { APP_NAME_AT_MOST, HASH_DIGITS } from './names.ts';

/** A dev app that nobody deployed for so many days is stale. */
export const STALE_DAYS = 14;
const DAY_MS = 86_400_000;

const CUT = new RegExp(`^(.+)-[0-9a-f]{${HASH_DIGITS}}$`);

/** The endings of a name that begin after a hyphen, the whole name first. */
const endingsOf = (name: string): string[] => [name, ...[...name.matchAll(/-/g)].map(({ index }) => name.slice(index + 1))];

/**
 * Whether an app has a name that Pinlane gives: `<slug>-v<major>`, in dev with a branch and a user before it, of a slug that the workspace has or that an
 * image of the environment was published for. Others share an environment and may well call an app `shop-v2`; they publish no image `shop:<64 digits>`.
 * A name that was cut is known by its beginning; in dev that may hold nothing of the slug, and then it is not known.
 */
export const hasNameOfOurs = (app: string, environment: DeployEnvironment, slugs: ReadonlySet<string>): boolean => {
  const [, plain] = /^(.+)-v\d+$/.exec(app) ?? [];
  if (plain !== undefined) return environment === 'dev' ? endingsOf(plain).some((each) => slugs.has(each)) : slugs.has(plain);
  const [, start] = app.length > APP_NAME_AT_MOST - HASH_DIGITS ? (CUT.exec(app) ?? []) : [];
  return start !== undefined && environment !== 'dev' && [...slugs].some((slug) => `${slug}-v`.startsWith(start));
};

/** What is known of an environment besides the apps that should be there. */
export interface OrphanFacts {
  readonly environment: DeployEnvironment;
  /** The slugs of the workspace. */
  readonly slugs: Iterable<string>;
  /** The slugs that images of the environment were published for. */
  readonly published: Known<readonly string[]>;
  /** Files that can't be read: each may claim any app. */
  readonly unread: readonly string[];
  readonly now: Date;
}

const ageOf = (app: ObservedApp, now: Date): { readonly days: number; readonly text: string } | null => {
  if (!app.deployedAt.known || app.deployedAt.value === null) return null;
  // Clocks may be apart.
  const days = Math.max(0, Math.floor((now.getTime() - Date.parse(app.deployedAt.value)) / DAY_MS));
  return { days, text: days === 0 ? 'today' : days === 1 ? 'a day ago' : `${days} days ago` };
};

const orphan = (app: ObservedApp, { environment, unread, now }: OrphanFacts): DriftEntry => {
  const age = ageOf(app, now);
  const by = app.deployedBy.known ? app.deployedBy.value : null;
  const deployed = age === null ? '' : `, deployed ${age.text}${by === null ? '' : ` by ${by}`}`;
  const stale = environment === 'dev' && age !== null && age.days >= STALE_DAYS ? 'stale: ' : '';
  const base = { ref: null, app: app.app, pinned: null, observed: app, differences: [], serving: null, nameLeadsToPin: null };
  const when = { since: app.deployedAt.known ? app.deployedAt.value : null, by };
  if (unread.length === 0) return { ...base, ...when, verdict: 'orphan', message: `${stale}no registry.yaml claims it${deployed}`, unknown: [] };
  const reason = `${unread.join(', ')} can't be read, and may claim it`;
  return { ...base, ...when, verdict: 'unverifiable', message: `${reason}${deployed}`, unknown: [{ what: 'plan', reason }] };
};

/** The apps of ours that no registry.yaml claims, by name. @param others apps that none of the workspace's processors claims */
export const orphansOf = (others: readonly ObservedApp[], facts: OrphanFacts): DriftEntry[] => {
  const slugs = new Set([...facts.slugs, ...(facts.published.known ? facts.published.value : [])]);
  return others.filter(({ app }) => hasNameOfOurs(app, facts.environment, slugs)).map((app) => orphan(app, facts));
};
