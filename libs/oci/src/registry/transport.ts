import type { ErrorCode } from '@pinlane/contracts';
import { createAuthorizer } from './auth/authorizer.ts';
import type { CredentialSource } from './auth/credentials.ts';
import type { Access } from './auth/scope.ts';
import type { Endpoint } from './endpoint.ts';
import { answersByTls } from './answers-by-tls.ts';
import { RegistryUnavailable } from './failure.ts';
import { withRetry, type RetryPolicy } from './retry.ts';
import type { Answer, Message, Send } from './send.ts';

/** One request of the distribution protocol and what its answer means; the modules in `requests/` make them, one each. */
export interface RegistryRequest<T> {
  readonly method: Message['method'];
  /** Below `/v2/<repository>/`, or an address that the registry gave. */
  readonly target: string | URL;
  readonly access: Access;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Message['body'];
  /** Statuses that `read` understands; every other one is a failure. */
  readonly statuses: readonly number[];
  /** What 404 means, where it is not among the statuses. */
  readonly missing?: ErrorCode;
  read(answer: Answer): Promise<T>;
}

/** The one caller: owns authentication, redirects, failures and retries. */
export interface Transport {
  /** Once, but for an authentication that is asked for. */
  attempt<T>(request: RegistryRequest<T>): Promise<T>;
  /** As often as the policy says. */
  call<T>(request: RegistryRequest<T>): Promise<T>;
  readonly policy: RetryPolicy;
}

export interface TransportParts {
  readonly endpoint: Endpoint;
  readonly credentials: CredentialSource;
  readonly send: Send;
  readonly policy: RetryPolicy;
  /** Token scopes beside the repository's own, as for a mount from another one. */
  readonly scopes?: readonly string[];
  /** Whether requests that read ask for the right to write, too. */
  readonly writes?: boolean | undefined;
}

export const createTransport = ({ endpoint: given, credentials, send, policy, scopes, writes = false }: TransportParts): Transport => {
  let endpoint = given;
  let authorizer = createAuthorizer(endpoint, credentials, send, scopes);
  // When the registry asks one request to wait, all wait; when it asks for longer than anyone would, all end as that one does.
  let quiet: { readonly until: number; readonly asked: RegistryUnavailable } | undefined;

  const exchange = async <T>({ method, target, access: needed, headers, body }: RegistryRequest<T>): Promise<Answer> => {
    const access = writes ? 'push' : needed;
    const url = typeof target === 'string' ? new URL(`/v2/${endpoint.path}/${target}`, endpoint.origin) : target;
    // Addresses that the registry gave may lead elsewhere; credentials do not go there.
    const own = url.origin === endpoint.origin;
    const once = (authorization: string | undefined) =>
      send({ method, url, ...(headers ? { headers } : {}), ...(body ? { body } : {}), ...(authorization === undefined ? {} : { authorization }) });
    const used = own ? await authorizer.header(access) : undefined;
    const answer = await once(used);
    if (answer.status !== 401 || answer.url.origin !== endpoint.origin || !own) return answer;
    const wanted = authorizer.challenged(answer.header('www-authenticate'), access, used).catch(async (error: unknown) => {
      // An answer that nobody reads would be watched for as long as nothing happens, and keep the process.
      await answer.discard();
      throw error;
    });
    if (!(await wanted)) return answer;
    await answer.discard();
    return once(await authorizer.header(access));
  };

  /** Asked once, by whichever request is the first to be refused. */
  let wantsTls: Promise<boolean> | undefined;
  /** A server that wants TLS answers plain HTTP with 400, and where that answers HEAD it can't say why. True: the request is to be sent again. */
  const movedToTls = async (answer: Answer): Promise<boolean> => {
    const { origin, tlsOrigin } = given;
    if (answer.status !== 400 || tlsOrigin === undefined || answer.url.origin !== origin) return false;
    const moved = await (wantsTls ??= answersByTls(send, tlsOrigin)).catch(async (error: unknown) => {
      await answer.discard();
      throw error;
    });
    if (!moved) return false;
    await answer.discard();
    if (endpoint === given) {
      endpoint = { ...given, origin: tlsOrigin };
      authorizer = createAuthorizer(endpoint, credentials, send, scopes);
    }
    return true;
  };

  const attempt = async <T>(request: RegistryRequest<T>): Promise<T> => {
    const left = quiet ? quiet.until - performance.now() : 0;
    if (quiet && left > policy.longestAskedMs) throw quiet.asked;
    if (left > 0) await policy.sleep(left);
    const answer = await exchange(request);
    if (await movedToTls(answer)) return attempt(request);
    if (request.statuses.includes(answer.status)) return request.read(answer);
    const failure = await answer.failure(request.missing);
    if (failure instanceof RegistryUnavailable && failure.retryAfterMs !== undefined)
      quiet = { until: performance.now() + failure.retryAfterMs, asked: failure };
    throw failure;
  };

  return { attempt, call: (request) => withRetry(policy, () => attempt(request)), policy };
};
