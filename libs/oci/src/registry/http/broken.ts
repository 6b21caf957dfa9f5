import { PinlaneError } from '@pinlane/contracts';
import { printable } from './endpoint.ts';
import { RegistryUnavailable } from './failure.ts';
import type { Message } from './message.ts';
import { SLOWEST, type Watchdog } from './watchdog.ts';

/** Errors of the connection after which another attempt would end the same way. */
const HOPELESS = /^(?:ENOTFOUND|ERR_INVALID_URL|ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_SSL|EPROTO)/;
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/;

const reasonOf = (error: unknown): string => {
  const { cause, code, message } = error as { cause?: { code?: string; message?: string }; code?: string; message?: string };
  return cause?.code ?? cause?.message ?? code ?? message ?? 'unknown';
};

/** Whether a request ended because the certificate of the other side is not trusted. */
export const isUntrusted = (error: unknown): boolean => UNTRUSTED.test(reasonOf((error as { cause?: unknown }).cause ?? {}));

/** The fix for a failure of TLS; undefined for any other reason. */
const remedyFor = (reason: string, { host }: URL): string | undefined => {
  if (/^ERR_SSL|wrong version number|EPROTO/i.test(reason))
    return `Where ${host} speaks plain HTTP and that is meant, name it for the whole run: PINLANE_INSECURE_REGISTRY=${host}.`;
  if (UNTRUSTED.test(reason))
    return `Let Node trust the certificate's issuer (NODE_EXTRA_CA_CERTS); PINLANE_INSECURE_REGISTRY=${host} is for registries that speak plain HTTP.`;
  return undefined;
};

/** The error for a connection that broke. `signal` is the caller's own: if it was aborted, that was the reason. */
export const brokenConnection = (message: Message, error: unknown, watchdog: Watchdog, signal: AbortSignal | undefined): PinlaneError => {
  const what = `${message.method} ${printable(message.url)}`;
  if (signal?.aborted) return new PinlaneError({ code: 'ERR_CANCELLED', message: `${what} was interrupted` });
  // Another attempt would take as long again.
  if (watchdog.barked === 'slow')
    return new RegistryUnavailable(`${what}: the answer comes at less than ${SLOWEST} bytes a second`, { worthRetrying: false, cause: error });
  if (watchdog.barked) return new RegistryUnavailable(`${what}: nothing happened for ${watchdog.idleMs} ms`, { silent: true, cause: error });
  const reason = reasonOf(error);
  return new RegistryUnavailable(`${what}: ${reason}`, { worthRetrying: !HOPELESS.test(reason), fix: remedyFor(reason, message.url), cause: error });
};
