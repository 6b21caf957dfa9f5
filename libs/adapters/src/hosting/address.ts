import type { ProcessorRequest, ProcessorResponse } from '@pinlane/contracts';
import type { HostedAddress } from '@pinlane/pipeline';
import { sendRequest } from '../runtime/index.ts';

/** What sends requests to an app at its address, with the headers that open it. Nothing is redirected, so no credential goes elsewhere. */
export const requestsTo = ({ url, headers }: HostedAddress): ((request: ProcessorRequest) => Promise<ProcessorResponse>) => {
  const to = { url: new URL(url) };
  return (request) => sendRequest(to, { ...request, headers: { ...headers, ...request.headers } });
};
