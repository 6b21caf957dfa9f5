import type { ErrorCode } from '@pinlane/contracts';

/** What a failed fetch or push came to. `race`: the branch moved. `unreachable`: nobody knows whether it arrived. */
export type RemoteAnswer = { readonly kind: 'race' | 'unreachable' } | { readonly kind: 'refused'; readonly code: ErrorCode; readonly fix?: string };

const refused = (code: ErrorCode, fix?: string): RemoteAnswer => ({ kind: 'refused', code, ...(fix === undefined ? {} : { fix }) });

const SIGNED = 'The branch takes signed commits only: let GitHub make it (--via=api), or exempt the account of the pipeline from that rule.';

/**
 * The first that fits counts: what a server's rules say comes before the general words that git adds to it. The words are those of GitHub (GH006 protected
 * branches, GH013 rulesets, the workflow and the permission refusals) and of git (transport.c, receive-pack.c, remote-curl.c).
 */
const ANSWERS: readonly (readonly [RegExp, RemoteAnswer])[] = [
  [/refusing to allow .* to create or update workflow/i, refused('ERR_PIN_COMMIT_WORKFLOW')],
  [/GH006[^]*(?:verified|valid) signatures?/i, refused('ERR_PIN_COMMIT_PROTECTED', SIGNED)],
  [/GH006|protected branch hook declined/i, refused('ERR_PIN_COMMIT_PROTECTED')],
  [/GH013[^]*(?:verified|valid) signatures?/i, refused('ERR_PIN_COMMIT_RULESET', SIGNED)],
  [/GH013|repository rule violations/i, refused('ERR_PIN_COMMIT_RULESET')],
  [/archived so it is read-only/i, refused('ERR_PIN_COMMIT_DENIED', 'The repository is archived; nobody can write to it.')],
  [/returned error: 429|rate limit/i, { kind: 'unreachable' }],
  [
    /permission to .* denied|write access to repository not granted|returned error: 40[13]|repository not found|repository '.*' not found|authentication failed|could not read (?:username|password)|permission denied|invalid username or token|insufficient permission for adding an object/i,
    refused('ERR_PIN_COMMIT_DENIED'),
  ],
  [
    /\((?:fetch first|non-fast-forward|stale info|remote ref updated since checkout)\)|cannot lock ref|failed to update ref|incorrect old value|reference already exists|not our ref|couldn't find remote ref/i,
    { kind: 'race' },
  ],
  [
    /could not resolve host|connection (?:refused|reset|timed out)|timed out|failed to connect|couldn't connect|unexpected disconnect|hung up unexpectedly|returned error: 5\d\d|RPC failed|early EOF|network is unreachable|SSL|TLS|closed by remote host|empty reply/i,
    { kind: 'unreachable' },
  ],
];

/** Tells from what git and the remote wrote why a fetch or a push failed. A reason that is not known is a refusal: it is told, and not tried again. */
export const remoteAnswer = (said: string): RemoteAnswer => ANSWERS.find(([pattern]) => pattern.test(said))?.[1] ?? refused('ERR_PIN_COMMIT_REFUSED');
