import { STORE_HOST } from './store-host.ts';

const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const HOST = new RegExp(`^(${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]{2,45}\\])(?::([0-9]+))?$`);
const PORT = /^[1-9][0-9]{0,4}$/;
/** The longest name that DNS can ask for (RFC 1035, section 2.3.4). */
const LONGEST = 253;

/** The host that a client asks if it is told to ask `name` (WHATWG URL, "host parsing": `127.1` is 127.0.0.1); null if there is none. */
const askedHost = (name: string): string | null => {
  try {
    return new URL(`https://${name}/`).hostname;
  } catch {
    return null;
  }
};

const faultOf = (text: string): string | null => {
  const [, name, port] = HOST.exec(text) ?? [];
  if (name === undefined || name.length > LONGEST) return 'its host is not a host name';
  if (port !== undefined && (!PORT.test(port) || Number(port) > 65_535)) return 'its port is none of 1 to 65535, written without leading zeros';
  const asked = askedHost(name);
  if (asked === null) return 'its host is no address';
  if (asked !== name.toLowerCase()) return `its host means ${asked}, and is written so`;
  return asked === STORE_HOST && name !== STORE_HOST ? `its host is written ${STORE_HOST}` : null;
};

let last: { readonly text: string; readonly fault: string | null } | undefined;

/**
 * Why a text is not the host of a registry, with or without a port; null if it is. What passes can be asked: an address of it has that very host, so that
 * no two texts mean one host but for the case of their letters.
 */
export const registryHostFault = (text: string): string | null => {
  // A run asks thousands of times for one and the same.
  if (last?.text !== text) last = { text, fault: faultOf(text) };
  return last.fault;
};
