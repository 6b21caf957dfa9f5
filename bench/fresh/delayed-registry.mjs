// A registry behind a proxy that delays and counts.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Sends a message and waits for the answer. @throws if the proxy ends instead */
const ask = (child, message) =>
  new Promise((resolve, reject) => {
    const ended = () => reject(new Error('the proxy ended'));
    child.once('exit', ended);
    child.once('message', (answer) => {
      child.off('exit', ended);
      resolve(answer);
    });
    child.send(message);
  });

/**
 * Puts a proxy before a registry. @param delay what each request waits, in ms
 * @returns its address, and `take`, which gives what went through since it was called last: requests by method and kind, and bytes of bodies
 */
export const delayRegistry = async (registry, delay) => {
  const child = fork(fileURLToPath(new URL('proxy.mjs', import.meta.url)), { stdio: 'inherit' });
  const { address } = await ask(child, { registry, delay });
  const take = async () => (await ask(child, { ask: 'take' })).counts;
  return { host: address, take, stop: () => child.kill() };
};
