import type {
  DeployedSettings,
  DeployEnvironment,
  HostingName,
  Known,
  ObservedDeployment,
  PinnedReference,
  Platform,
  Problem,
  Progress,
  Ref,
} from '@pinlane/contracts';
import type { DeploymentSettings } from '../spec/deployment.ts';

/** The place of one app. */
export interface AppPlace {
  readonly environment: DeployEnvironment;
  readonly app: string;
}

/** All that a platform is told of one deployment: what is to run there, and how. */
export interface DeploymentPlan {
  readonly ref: Ref;
  readonly slug: string;
  readonly place: AppPlace;
  /** The platform manifest, by digest. */
  readonly image: PinnedReference;
  readonly platform: Platform;
  readonly settings: DeploymentSettings;
  /** The same settings in the words in which a platform tells them; compared with what it tells. */
  readonly expected: DeployedSettings;
  /** The name of the secret that holds the processor's keys in that environment; null if it declares none. */
  readonly secret: string | null;
  /** Variables that every container gets besides its secrets: PINLANE_ENV; no secret is in them. */
  readonly env: Readonly<Record<string, string>>;
}

/** A deployment as far as it is known without its image: enough to ask a platform what stands in its way. */
export type DeploymentDraft = Omit<DeploymentPlan, 'image' | 'platform'>;

/** An app as a platform reports it, each fact known or not. */
export type ObservedApp = Omit<ObservedDeployment, 'kind' | 'schemaVersion'>;

/** What there is in an environment. */
export interface EnvironmentSurvey {
  /** The apps that were asked for, fact by fact, by name: also those that are not there. */
  readonly asked: ReadonlyMap<string, ObservedApp>;
  /** All others that run, as far as a listing tells of them. */
  readonly others: Known<readonly ObservedApp[]>;
  /** The slugs that images were ever published for there by Pinlane. */
  readonly published: Known<readonly string[]>;
}

/** How a platform's work is told and broken off. */
export interface HostingIo {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A secret as it is stored: its keys, each with a keyed marker of its value (an HMAC; null if the platform keeps none), never a value or a plain hash. */
export interface StoredSecret {
  readonly name: string;
  readonly keys: readonly { readonly name: string; readonly marker: string | null }[];
}

/** The platform's own store of secrets. */
export interface HostingSecrets {
  describe(environment: DeployEnvironment, name: string, signal: AbortSignal): Promise<Known<StoredSecret | null>>;
  /** Replaces all keys of a secret. Values are handed over in memory, by a file descriptor or a file that is unlinked whatever happens; never on argv. */
  put(environment: DeployEnvironment, name: string, values: ReadonlyMap<string, string>, io: HostingIo): Promise<StoredSecret>;
  /** Which of some values differ from those that are stored, by their markers; unknown if the platform keeps none. */
  changed(environment: DeployEnvironment, name: string, values: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Known<readonly string[]>>;
}

/** An address at which a processor answers, and the headers that open it: credentials for the platform's proxy, never printed. */
export interface HostedAddress {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A processor that was started beside a deployment, for a probe. */
export interface StartedProbe extends HostedAddress {
  /** Ends and removes it, within a bounded time. @throws ERR_DEPLOY_CLEANUP if it may still be there */
  remove(): Promise<void>;
}

/**
 * A place that runs images: the port that each hosting platform's adapter implements. What a deployment should be is decided before, by pure code; an
 * adapter carries it out and tells what it finds, and guesses nothing. Every call ends within a time of its own, whatever the platform does.
 */
export interface HostingPlatform {
  readonly name: HostingName;
  /** The platform of the images that it takes unless told otherwise. */
  readonly takes: Platform;
  /** The status with which its proxy answers callers without credentials where `deploy.proxy_auth` is on; null if it has no such proxy. */
  readonly proxyRefusal: number | null;
  readonly secrets: HostingSecrets;
  /**
   * What stands in the way of a deployment, read only, all problems at once: the client and its version, account, environment, and required secrets with
   * their keys. What could not be found out is a problem too.
   */
  preflight(draft: DeploymentDraft, io: HostingIo): Promise<readonly Problem[]>;
  /** Tells what there is at a place. What can't be told is not known, with its reason; nothing is thrown for it but ERR_CANCELLED. */
  describe(place: AppPlace, signal: AbortSignal): Promise<ObservedApp>;
  /**
   * Tells what there is in an environment: all of some apps, and which others run. One listing serves for all, at most 32 apps are asked about at once, and
   * nothing is woken. As with `describe`, nothing is thrown but ERR_CANCELLED.
   * @param apps their names, which may be found out meanwhile
   */
  survey(environment: DeployEnvironment, apps: Iterable<string> | AsyncIterable<string>, signal: AbortSignal): Promise<EnvironmentSurvey>;
  /** In which other environments apps of some names run. */
  elsewhere(environment: DeployEnvironment, apps: readonly string[], signal: AbortSignal): Promise<Known<ReadonlyMap<string, readonly DeployEnvironment[]>>>;
  /**
   * Makes a plan come true: the image by its digest, the settings and the secrets. An earlier version stays live if it fails. Running it again after it was
   * killed at any step converges. @throws ERR_DEPLOY_FAILED and what keeps the platform from answering
   */
  deploy(plan: DeploymentPlan, io: HostingIo): Promise<void>;
  /** Replaces running containers by new ones of the same image and configuration, which get the values that the secrets have now. */
  rollover(place: AppPlace, io: HostingIo): Promise<void>;
  /** Ends an app, and nothing else. It is good if there is none. */
  stop(place: AppPlace, io: HostingIo): Promise<void>;
  /** The address of an app that was deployed, with credentials for the platform's proxy if it needs any. @throws ERR_DEPLOY_UNREACHABLE if there is none */
  address(place: AppPlace, signal: AbortSignal): Promise<HostedAddress>;
  /** The same of an app that was just observed. */
  addressOf(app: ObservedApp): HostedAddress;
  /** Starts the very image that is configured there beside the deployment, with no secrets; whoever starts it removes it. It ends by itself after `atMostMs`. */
  probe(plan: DeploymentPlan, atMostMs: number, io: HostingIo): Promise<StartedProbe>;
  /**
   * Whether the name that a platform knows the pinned image by still leads to it, found out by making it anew: a name that was moved to another image would
   * make everything else look right. Absent where a platform knows images by their digests.
   */
  nameLeadsToPin?(plan: DeploymentPlan, io: HostingIo): Promise<Known<boolean>>;
}
