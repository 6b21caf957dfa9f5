/** One kind of error: why it happens, what mends it, the exit code, and whether trying again can help. */
export interface CatalogueEntry {
  readonly cause: string;
  readonly remedy: string;
  /** 1: an error. 2: a verdict against, such as stale pins or a failed acceptance. */
  readonly exitCode: 1 | 2;
  readonly retryable: boolean;
  /** A verdict on a pin: the pinned image, or a part of it, is `gone`, or it is `wrong`. Absent: the code says nothing about a pin. */
  readonly pin?: 'gone' | 'wrong';
}

const error = (cause: string, remedy: string): CatalogueEntry => ({ cause, remedy, exitCode: 1, retryable: false });
const transient = (cause: string, remedy: string): CatalogueEntry => ({ cause, remedy, exitCode: 1, retryable: true });
/** The same entry as a verdict on a pin. */
const onPin = (pin: 'gone' | 'wrong', entry: CatalogueEntry): CatalogueEntry => ({ ...entry, pin });
const verdict = (cause: string, remedy: string): CatalogueEntry => ({ cause, remedy, exitCode: 2, retryable: false });

/** Every error code there is. One meaning, one code; a code is never renamed and never given a second meaning. */
export const ERROR_CATALOGUE = {
  // registry.yaml and its values
  ERR_REGISTRY_SYNTAX: error(
    'registry.yaml is not well-formed YAML, or uses what it may not: aliases, merge keys, duplicate keys, several documents.',
    'Mend the YAML at the place named.',
  ),
  ERR_REGISTRY_INVALID: error(
    'registry.yaml holds a value or a key that the schema does not allow.',
    'Change the value at the place named; docs/reference/registry-yaml.md lists every key.',
  ),
  ERR_REGISTRY_TOO_LARGE: error(
    'registry.yaml is larger than 1 MiB, or has more than 50,000 words and marks of YAML.',
    'Keep long texts and lists in files of their own.',
  ),
  ERR_REGISTRY_OLD_FORM: error('registry.yaml uses the old form `image.oci`.', 'Move the reference to image.platforms.<architecture>, as the message shows.'),
  ERR_REGISTRY_CONFLICT: error(
    'registry.yaml changed while its pins were being written, or the edit would have changed more than the pins.',
    'Run the command again.',
  ),
  ERR_REF_INVALID: error(
    'A ref is not of the form namespace/name@major.',
    'Use lower-case letters, digits and single hyphens, and a major from 1 to 9999, as in llm/litellm@1.',
  ),
  ERR_REF_DUPLICATE: error('Two processors have one ref, or refs whose slugs are equal.', 'Give one of them another ref.'),
  ERR_DIGEST_INVALID: error('A digest is not sha256: and 64 lower-case hexadecimal digits.', 'Use the digest exactly as the registry or the store gives it.'),
  ERR_REFERENCE_INVALID: error('An image reference is malformed, or names a tag where a digest is needed.', 'Write repository@sha256:<64 hexadecimal digits>.'),
  ERR_PLATFORM_INVALID: error(
    'A platform is neither linux/amd64 nor linux/arm64.',
    'Name linux/amd64 or linux/arm64; where several are taken, with a comma between.',
  ),
  ERR_IMAGE_UNPINNED: error('A processor has no pin where one is needed.', 'Pin it first: nx run <processor>:pin.'),
  ERR_PIN_STALE: verdict('The source and the pin of a processor have parted, or a pinned image is gone.', 'Build and pin anew: nx run <processor>:pin.'),
  ERR_PIN_NOT_REPRODUCED: verdict(
    'A pinned image is not what the source in the working tree makes.',
    'Check out the commit that was pinned. If it is that one, find out who made the pinned image, or pin anew: nx run <processor>:pin --rebuild.',
  ),
  ERR_PIN_UNVERIFIED: onPin('wrong', error('An image that was to be pinned did not prove to be what it claims.', 'Build it anew; nothing was written.')),
  ERR_PIN_LOCAL: onPin('wrong', error('A pin names the local store in a lane that needs a published image.', 'Push and pin in lane staging.')),
  ERR_PIN_EDITED: verdict(
    'A pull request changes pins that staging did not commit.',
    'Undo the change of the pins: staging writes them, and they are brought by merging its pin commit.',
  ),

  // the pin commit
  ERR_PIN_COMMIT_DIRTY: error(
    'Something besides pins would be committed with the pins, or was changed in the checkout that was built.',
    'Commit or undo what the message names, then build and pin again.',
  ),
  ERR_PIN_COMMIT_LOOP: error(
    'A pipeline that a pin commit set off would pin the same source once more, and so on for ever.',
    'Find out why the image is not reproduced: nx run <processor>:pin --reproduce. Push the pin commit with a token that starts no workflow.',
  ),
  ERR_PIN_COMMIT_SUPERSEDED: error(
    'The commit that was built is no longer on the branch: it was force-pushed or deleted.',
    'Nothing was committed. Run the pipeline on what the branch holds now.',
  ),
  ERR_PIN_COMMIT_UNFINISHED: error(
    'A pin that was begun in this working tree failed or was killed, and a pin commit tells later pipelines that everything up to its source is pinned.',
    'Mend what pin says, and run it again: nx affected -t pin. What was pinned already is found again.',
  ),
  ERR_PIN_COMMIT_RACE: transient('Others pushed to the branch each time that the pins were to be.', 'Run it again: what was pinned is found again.'),
  ERR_PIN_COMMIT_PROTECTED: error(
    'The branch is protected, and does not take the commit from this account.',
    'Let the account of the pipeline push to the branch: Settings, Branches, "Allow specified actors to bypass".',
  ),
  ERR_PIN_COMMIT_RULESET: error(
    'A ruleset of the repository refuses the commit.',
    'Add the account of the pipeline to the bypass list of the ruleset: Settings, Rules, Rulesets.',
  ),
  ERR_PIN_COMMIT_DENIED: error(
    'The account may not write to the repository.',
    'Give the job `permissions: contents: write`, and check out with credentials that are kept, or set PINLANE_GIT_TOKEN.',
  ),
  ERR_PIN_COMMIT_WORKFLOW: error(
    'The push was refused because it seems to change workflow files, which the account may not.',
    'Run it again, so that it begins at the tip of the branch; else give the account the permission `workflows`.',
  ),
  ERR_PIN_COMMIT_REFUSED: error('The remote refused the pin commit for a reason of its own.', 'Read what the remote says, which the message quotes.'),
  ERR_RELEASE_NOT_GREEN: verdict(
    'The pipeline of staging has not succeeded on what would be promoted.',
    'Let the pipeline of staging end well, by running it again where that helps, then ask for the pull request again.',
  ),
  ERR_RELEASE_NOT_IN_SYNC: verdict(
    'What runs in staging is not what its tip pins.',
    'Deploy what is pinned: PINLANE_LANE=staging nx run-many -t modal-deploy; then PINLANE_LANE=staging nx run <root project>:drift-report.',
  ),
  ERR_RELEASE_UNKNOWN: error(
    'It could not be told whether staging is fit to be promoted.',
    'Give what the message misses: the report of drift of the tip of staging (the artifact `drift` of its pipeline, or PINLANE_LANE=staging nx run <root project>:drift-report), the branches, the whole history.',
  ),
  ERR_RELEASE_OUTDATED: error(
    'What is checked out is not the tip of staging, so it is not what would be promoted.',
    'Check out the tip of staging (git fetch origin staging, git checkout FETCH_HEAD), and ask for the pull request again.',
  ),
  ERR_RELEASE_FOREIGN: error(
    'Somebody has opened a pull request of their own from staging to main, and GitHub takes one at a time.',
    'Give it a title that begins as the release has it, so that it is brought up to date; or close it.',
  ),
  ERR_GITHUB_DENIED: error(
    "GitHub's API does not let this token do what is needed, or does not know the repository.",
    'Give the job `permissions: pull-requests: write, actions: read, checks: read, statuses: read`, or set PINLANE_GIT_TOKEN to a token that may.',
  ),
  ERR_GITHUB_REFUSED: error("GitHub's API refused the request for a reason of its own.", 'Read what GitHub says, which the message quotes.'),
  ERR_GITHUB_ANSWER: error(
    "The answer of GitHub's API is not what its description promises.",
    'Look at GITHUB_API_URL and at what stands between: a proxy may have answered. Else report it.',
  ),
  ERR_GITHUB_RATE_LIMITED: transient("GitHub's API has a limit of requests, which is reached.", 'Try again later; a pull request that is open is found again.'),
  ERR_GITHUB_UNAVAILABLE: transient("GitHub's API did not answer.", 'Try again later; a pull request that is open is found again.'),
  ERR_GIT_UNREACHABLE: transient('The git remote did not answer.', 'Try again later; a commit that arrived all the same is recognised.'),
  ERR_GIT_UNUSABLE: error('Git can not do here what is needed.', 'Run it in a clone of the repository; the message quotes git.'),
  ERR_PATH_ESCAPES: error('A path leaves the folder it must stay in.', 'Name a path below that folder, without .. and without links that lead out of it.'),

  // options and lanes
  ERR_NODE_UNSUPPORTED: error(
    'Nx, or pinlane itself, was started with a Node that is older than what Pinlane runs on.',
    'Start it as npx nx or npx pinlane, which take the Node of this workspace; else install Node 22.12 or newer.',
  ),
  ERR_OPTION_INVALID: error('An option has a value that it cannot take.', 'Run the command with --help to see what it takes.'),
  ERR_LANE_UNKNOWN: error('The lane is not one of local, pr, dev, staging, main.', 'Set --lane or PINLANE_LANE to local, pr, dev, staging or main.'),
  ERR_LANE_FORBIDS: error('The lane does not allow this.', 'Run it in a lane that does; docs/reference/lanes.md has the table.'),
  ERR_LANE_SECRET_SET: error('A secret is set in a lane that must run without any.', 'Unset it; this lane is hermetic.'),

  // the store and registries
  ERR_STORE_CORRUPT: onPin(
    'gone',
    error('A blob of the store is missing, truncated or altered.', 'Remove the named blob and build anew: nx run <processor>:buildx --noCache.'),
  ),
  ERR_STORE_LISTEN: error(
    'The address on which the store was to be served is taken, or may not be used.',
    'Choose another with --port or --host; --port=0 takes a free one.',
  ),
  ERR_STORE_LOCKED: transient('Another process has held the store for too long.', 'Try again when it has finished.'),
  ERR_LOCKED: transient('Another process holds a lock of the workspace for too long.', 'Try again when it has finished.'),
  ERR_MANIFEST_INVALID: onPin(
    'wrong',
    error('A manifest, index or config is not valid, or of a media type that is not known.', 'Rebuild the image, or name another one.'),
  ),
  ERR_MANIFEST_UNKNOWN: onPin('gone', error('The store or registry does not hold this image.', 'Check the name and digest; build or push it first.')),
  ERR_BLOB_UNKNOWN: onPin('gone', error('The registry does not hold this blob.', 'Push the image again.')),
  ERR_LAYER_GONE: onPin(
    'gone',
    error('A layer that the store left in a registry is no longer there.', 'Push the image that is named to that registry again, or build on another base.'),
  ),
  ERR_DIGEST_MISMATCH: onPin(
    'wrong',
    error('Bytes do not have the digest or the size they were announced with.', 'Try again; if it stays so, the source is damaged or dishonest.'),
  ),
  ERR_PLATFORM_MISSING: onPin('wrong', error('An image does not have the platform that is needed.', 'Build it for that platform, or name another image.')),
  ERR_REGISTRY_AUTH: error('The registry refused the credentials, or wants some.', 'Log in with docker login, or configure a credential helper.'),
  ERR_REGISTRY_DENIED: error('The registry denied the request.', 'Ask for the right to read or write this repository.'),
  ERR_REGISTRY_UNAVAILABLE: transient('The registry did not answer, or answered that it cannot now.', 'Try again later.'),
  ERR_REGISTRY_PROTOCOL: error(
    'The registry answered with what the distribution specification does not allow.',
    'Check that the address is a container registry.',
  ),

  // building
  ERR_ENGINE_UNAVAILABLE: error('The engine asked for is not available on this machine.', 'Use --engine=embedded, or install what the message names.'),
  ERR_DOCKERFILE_SYNTAX: error('The Dockerfile has a line that is not a valid instruction.', 'Mend the line named.'),
  ERR_DOCKERFILE_UNSUPPORTED: error('The Dockerfile uses an instruction that the embedded engine cannot carry out.', 'Build it with Docker: --engine=docker.'),
  ERR_DOCKERFILE_STAGE: error('A Dockerfile stage is unknown, or stages depend on each other in a circle.', 'Name an earlier stage, its number or an image.'),
  ERR_COPY_MISSING: error('COPY or ADD names a file that is not in the build context.', 'Check the path and .dockerignore.'),
  ERR_CONTEXT_INVALID: error('The build context cannot be read, or holds what cannot be put into an image.', 'Remove or ignore the entry named.'),
  ERR_BASE_UNAVAILABLE: error('The base image cannot be had.', 'Build it, name one by digest in PINLANE_BASE_IMAGE, or install apt.'),
  ERR_BASE_DEFINITION_INVALID: error(
    'base.yaml is not well-formed YAML, or holds a value or a key that its schema does not allow.',
    'Change the value at the place named.',
  ),
  ERR_BASE_CONFLICT: error(
    'Two packages of the base, or a package and a file that is made for it, put different things at one path.',
    'Take one of the two packages out of base.yaml.',
  ),
  ERR_BASE_LOCK_STALE: error('A version in the base lock can no longer be downloaded.', 'Resolve anew: nx run <base>:update.'),
  ERR_BASE_LOCK_INVALID: error('The base lock is malformed or does not fit the package list.', 'Resolve anew: nx run <base>:update.'),
  ERR_SECRET_IN_BUILD_ARG: error(
    'A build argument looks like a secret; it would be readable in the image.',
    'Hand it to the processor when it runs, as one of secrets in registry.yaml; or, if it only looks like one, name it in build.public_args there.',
  ),
  ERR_BUILD_FAILED: error('Docker could not build the image.', 'Mend the Dockerfile at the line named, or what its step needs.'),
  ERR_BUNDLE_FAILED: error('The processor could not be bundled.', 'Mend the source at the place named.'),

  // unpacking and running
  ERR_LAYER_UNSAFE: error(
    'A layer holds an entry that leaves the root, is a device node, or is far larger than it says.',
    'Do not run this image; rebuild it from a source you trust.',
  ),
  ERR_RUNTIME_UNAVAILABLE: error('No runtime on this machine can run the image as asked.', 'Install bubblewrap or util-linux, or name another with --runtime.'),
  ERR_PLATFORM_UNRUNNABLE: error(
    'The image is of another processor architecture than this machine, and nothing here can emulate it.',
    'Register QEMU (docker run --privileged --rm tonistiigi/binfmt --install all, or apt-get install qemu-user-static), or test on a machine of that architecture.',
  ),
  ERR_IMAGE_ROOT: verdict('The image runs as root, or names no user.', 'Name a user other than root in the Dockerfile: USER 1000:1000.'),
  ERR_START_FAILED: error('The processor did not become healthy.', 'Read its log, which the message names.'),
  ERR_EGRESS_OPEN: error(
    'The network of the processor under test is not blocked, or could not be proven to be.',
    'Use a runtime that isolates the network: bubblewrap, unshare or docker.',
  ),
  ERR_ACCEPTANCE_FAILED: verdict('A processor broke a rule of its contract or one of its own cases.', 'Read the report; each failed check names its rule.'),
  ERR_ACCEPTANCE_CASE_INVALID: error('An acceptance case is malformed.', 'Mend the case at the place named.'),

  // deploying
  ERR_DEPLOY_FAILED: error(
    'The hosting platform could not deploy the image.',
    'Mend what the message names, and deploy again: an earlier version stays live until the platform has taken the new one.',
  ),
  ERR_DEPLOY_MISMATCH: verdict(
    'What runs after a deployment is not what was to run.',
    'Go back to the version before with the command that the message names.',
  ),
  ERR_DEPLOY_UNREACHABLE: transient('The deployed app did not answer at its address in time.', 'Read its log, and run the command again.'),
  ERR_DEPLOY_CLEANUP: error('What was started for a probe may still run.', 'End what the message names by hand.'),
  ERR_EVIDENCE_MISSING: verdict(
    'No passing acceptance report of the lane that is needed is attached to the pinned image.',
    'Run acceptance on the pinned image, attached: nx run <processor>:acceptance -c pinned --attach.',
  ),
  ERR_NOT_PROMOTED: verdict(
    'What is pinned was not pinned by a pin commit of staging, or something was built since.',
    'Deploy nothing. Merge what staging pinned; where staging has lost its pin commit, take the pins out of registry.yaml there, and let its pipeline pin anew.',
  ),
  ERR_PROMOTION_UNKNOWN: error(
    'It could not be told whether staging pinned and accepted what is pinned.',
    'Fetch the whole history with all branches: fetch-depth: 0 in a workflow, git fetch --unshallow; git fetch origin +refs/heads/staging:refs/remotes/origin/staging.',
  ),
  ERR_REHEARSAL_UNFIT: error(
    'A workflow can not be rehearsed on this machine: none is of the lane, it uses an action that nothing stands in for, or act refuses it.',
    'A workflow of a lane is set off by its event and has PINLANE_LANE in its env; the message says what is wanting.',
  ),
  ERR_ROLLBACK_TARGET: error(
    'There is no earlier pin to go back to, or the one that was named is none.',
    'Name a commit that pinned this processor with --to: git log -- <its registry.yaml>.',
  ),
  ERR_HOSTING_UNAVAILABLE: transient('The hosting platform did not answer, or refused.', 'See the message; try again later.'),
  ERR_HOSTING_AUTH: error(
    'The hosting platform refused the token of the account, or there is none.',
    'Set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET, or log in: modal token new.',
  ),
  ERR_HOSTING_ENVIRONMENT: error('The hosting platform has no such environment.', 'Create it: modal environment create <name>.'),
  ERR_HOSTING_REFUSED: error('The hosting platform refused what was asked of it, or answered what is not known of it.', 'Read what it says.'),
  ERR_SECRET_MISSING: error('A secret that the processor requires is not stored with the hosting platform.', 'Store it: nx run <processor>:secrets-sync.'),
  ERR_PROBE_SUCCEEDED: verdict('A request that had to be refused was carried out.', 'Stop: find out what runs there before anything is deployed on.'),
  ERR_SMOKE_FAILED: verdict('The deployed processor broke a rule of its contract.', 'Read the report; each failed check names its rule.'),
  ERR_DRIFT: verdict('What runs is not what is pinned.', 'Deploy what is pinned: nx run <processor>:modal-deploy; or pin what runs.'),
  ERR_DRIFT_UNKNOWN: error('It could not be told whether what runs is what is pinned.', 'Read why; it may be good or bad.'),

  // generators
  ERR_GENERATOR_CONFLICT: error('What was to be generated exists already.', 'Choose another ref or folder.'),

  // the processor contract, as answered over HTTP
  ERR_INPUTS: error('The request does not fit the contract or the inputs schema.', 'Send what registry.yaml declares.'),
  ERR_REGISTRY_MISMATCH: error('The processor is not the image the caller expects.', 'Deploy the pinned digest.'),
  ERR_MISSING_SECRET: error('A required secret is not set.', 'Set it in the environment of the processor.'),
  ERR_IMAGE_DIGEST_MISSING: error('The processor was started without its image digest.', 'Start it with IMAGE_DIGEST set.'),
  ERR_PROVIDER: transient('The service behind the processor failed.', 'See the message; try again later.'),
  ERR_TIMEOUT: transient('The run took longer than runtime.timeout_s.', 'Raise the limit or send less work.'),
  ERR_OUTPUT_DUPLICATE: error('A run wrote one output path twice.', 'Give each output a path of its own.'),
  ERR_RUNTIME: error('The processor failed in an unforeseen way.', 'Read its log.'),
  ERR_BUSY: transient('The processor is at its limit of concurrent runs, or shutting down.', 'Try again later, or run more replicas.'),

  // the system
  ERR_NO_SPACE: error('The disk is full, or the quota of this user is used up.', 'Free some space: pinlane gc empties the store of what nothing names.'),
  ERR_READ_ONLY: error('The file system of the path named can not be written to.', 'Mount it to be written to, or work in a folder that can be.'),
  ERR_PERMISSION: error('The system does not let this user do what was to be done.', 'Give this user the right to the path named, or run it as its owner.'),
  ERR_TOO_MANY_FILES: transient(
    'This process, or the machine, has as many files open as it may.',
    'Raise the limit (ulimit -n), or run fewer tasks at once (--parallel).',
  ),
  ERR_NAME_TOO_LONG: error('A name or a path is longer than the file system takes.', 'Shorten it, or work in a folder with a shorter path.'),
  ERR_SYSTEM: error('The system refused something, for the reason that the message names.', 'See to what the message names, then run it again.'),

  // everything else
  ERR_ADAPTER: error('An external program failed.', 'Read its output, which the message quotes.'),
  ERR_TOOL_MISSING: error('An external program that is needed is not installed.', 'Install the program named.'),
  ERR_PORT_TAKEN: error('A port of this machine that is needed is taken.', 'End what listens there, or choose another port: the message names the variable.'),
  ERR_CANCELLED: error('The command was interrupted.', 'Run it again; nothing was half written.'),
  ERR_INTERNAL: error('Pinlane met a state that it holds to be impossible.', 'Report it, with the output of the command run with --verbose.'),
} as const satisfies Record<string, CatalogueEntry>;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** Whether a code says that a pinned image is gone, or not what it should be; null if it says nothing about a pin. */
export const pinVerdict = (code: ErrorCode): 'gone' | 'wrong' | null => (ERROR_CATALOGUE[code] as CatalogueEntry).pin ?? null;
