import { isUntrusted, type Send } from './send.ts';

/** Whether there is a server at `origin` that speaks TLS. @throws ERR_REGISTRY_UNAVAILABLE where it does, and its certificate is not trusted */
export const answersByTls = async (send: Send, origin: string): Promise<boolean> => {
  try {
    await (await send({ method: 'GET', url: new URL('/v2/', origin) })).discard();
    return true;
  } catch (error) {
    if (isUntrusted(error)) throw error;
    return false;
  }
};
