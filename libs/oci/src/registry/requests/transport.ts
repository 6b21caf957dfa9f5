import type { ErrorCode } from '@pinlane/contracts';
import { createAuthorizer, type Access, type Authorizer } from '../auth/authorizer.ts';
import type { CredentialSource } from '../auth/credentials.ts';
import { isUntrusted } from '../http/broken.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { RegistryUnavailable } from '../http/failure.ts';
import type { Answer, Message, Send } from '../http/message.ts';
import { withRetry, type Patience, type RetryPolicy } from '../http/retry.ts';

/** One request of the distribution protocol, and how its answer is read. The other modules of this folder make them. */
export interface RegistryRequest<T> {
  readonly method: Message['method'];
  /** A path below `/v2/<repository>/`, or an address that the registry gave. */
  readonly target: string | URL;
  readonly access: Access;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Message['body'];
  /** The statuses that `read` understands; every other status is a failure. */
  readonly statuses: readonly number[];
  /** The error code for status 404, if that is a failure. */
  readonly missing?: ErrorCode;
  read(answer: Answer): Promise<T>;
}

/** Makes all requests to one repository: authenticates them, follows redirects, turns failures into errors and tries again. */
export interface Transport {
  /** Makes a request once, or twice if the registry asks for authentication. While the registry wants to be left alone it is waited for, as long as there is patience. */
  attempt<T>(request: RegistryRequest<T>, patience: Patience): Promise<T>;
  /** Makes a request as often as the policy allows. */
  call<T>(request: RegistryRequest<T>): Promise<T>;
  readonly policy: RetryPolicy;
}

export interface TransportParts {
  readonly endpoint: Endpoint;
  readonly credentials: CredentialSource;
  readonly send: Send;
  readonly policy: RetryPolicy;
  /** Token scopes besides the repository's own, as for a mount from another repository. */
  readonly scopes?: readonly string[];
  /** Whether requests that only read ask for the right to write, too. */
  readonly writes?: boolean | undefined;
}

/** Where the repository is reached at present, and who signs the requests to it. */
interface Connection {
  readonly endpoint: Endpoint;
  readonly authorizer: Authorizer;
}

/** Runs a step that may fail while an answer is unread, and discards the answer then: it would be watched until its idle limit, and keep the process. */
const whileUnread = <T>(answer: Answer, step: Promise<T>): Promise<T> =>
  step.catch(async (error: unknown) => {
    await answer.discard();
    throw error;
  });

/** Sends a request with the authorization that the registry asks for, which may take a second attempt. */
const sendAuthorized = async <T>(
  { endpoint, authorizer }: Connection,
  { method, target, headers, body }: RegistryRequest<T>,
  access: Access,
  send: Send,
): Promise<Answer> => {
  const url = typeof target === 'string' ? new URL(`/v2/${endpoint.path}/${target}`, endpoint.origin) : target;
  // An address that the registry gave may be on another server, which must not get the credentials.
  const own = url.origin === endpoint.origin;
  const sendWith = (authorization: string | undefined) =>
    send({ method, url, ...(headers ? { headers } : {}), ...(body ? { body } : {}), ...(authorization === undefined ? {} : { authorization }) });
  const used = own ? await authorizer.header(access) : undefined;
  const answer = await sendWith(used);
  if (answer.status !== 401 || answer.url.origin !== endpoint.origin || !own) return answer;
  if (!(await whileUnread(answer, authorizer.challenged(answer.header('www-authenticate'), access, used)))) return answer;
  await answer.discard();
  return sendWith(await authorizer.header(access));
};

/** Whether a server at `origin` speaks TLS. @throws ERR_REGISTRY_UNAVAILABLE if it does, and its certificate is not trusted */
const speaksTls = async (send: Send, origin: string): Promise<boolean> => {
  try {
    await (await send({ method: 'GET', url: new URL('/v2/', origin) })).discard();
    return true;
  } catch (error) {
    if (isUntrusted(error)) throw error;
    return false;
  }
};

/**
 * Tells whether an answer means that the registry wants TLS. Such a server answers 400 to plain HTTP, and an answer to HEAD can't give the reason, so the
 * server is asked by TLS, once for all requests.
 */
const createTlsCheck = ({ origin, tlsOrigin }: Endpoint, send: Send): ((answer: Answer) => Promise<boolean>) => {
  let asked: Promise<boolean> | undefined;
  return async (answer) =>
    answer.status === 400 && tlsOrigin !== undefined && answer.url.origin === origin && whileUnread(answer, (asked ??= speaksTls(send, tlsOrigin)));
};

/** Lets all requests wait when the registry asked one of them to. If it asked for longer than there is patience for, all end with that request's error. */
const createWait = (): { over(patience: Patience): Promise<void>; note(failure: unknown): void } => {
  let asked: { readonly until: number; readonly failure: RegistryUnavailable } | undefined;
  return {
    async over(patience) {
      const left = asked ? asked.until - performance.now() : 0;
      if (asked && left > 0) await patience.whileAsked(left, asked.failure);
    },
    note(failure) {
      if (failure instanceof RegistryUnavailable && failure.retryAfterMs !== undefined) asked = { until: performance.now() + failure.retryAfterMs, failure };
    },
  };
};

/** Makes the transport of one repository; nothing is sent before the first request. */
export const createTransport = ({ endpoint: given, credentials, send, policy, scopes, writes = false }: TransportParts): Transport => {
  const connect = (endpoint: Endpoint): Connection => ({ endpoint, authorizer: createAuthorizer({ endpoint, credentials, send, moreScopes: scopes }) });
  let connection = connect(given);
  const wantsTls = createTlsCheck(given, send);
  const wait = createWait();

  const attempt = async <T>(request: RegistryRequest<T>, patience: Patience): Promise<T> => {
    await wait.over(patience);
    const answer = await sendAuthorized(connection, request, writes ? 'push' : request.access, send);
    if (await wantsTls(answer)) {
      await answer.discard();
      if (connection.endpoint === given) connection = connect({ ...given, origin: given.tlsOrigin! });
      return attempt(request, patience);
    }
    if (request.statuses.includes(answer.status)) return request.read(answer);
    const failure = await answer.failure(request.missing);
    wait.note(failure);
    throw failure;
  };

  return { attempt, call: (request) => withRetry(policy, (patience) => attempt(request, patience)), policy };
};
