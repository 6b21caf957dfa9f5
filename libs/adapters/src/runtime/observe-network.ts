import type { NetworkTarget, NetworkView } from '@pinlane/contracts';

/**
 * Looks at the network of the calling process and tries each target for a second. Self-contained: it is also sent, as
 * text, to where a processor runs, so it may use nothing from outside of itself but Node's own modules.
 * @param processorPid the process whose network namespace is compared with the caller's; null if they share one by construction
 */
export const observeNetwork = async (targets: readonly NetworkTarget[], processorPid: number | null): Promise<NetworkView> => {
  const net = process.getBuiltinModule('node:net');
  const fs = process.getBuiltinModule('node:fs');
  const os = process.getBuiltinModule('node:os');
  const read = (file: string): string[] | null => {
    try {
      return fs.readFileSync(file, 'utf8').split('\n').filter(Boolean);
    } catch {
      return null;
    }
  };
  const namespaceOf = (pid: number | 'self'): string | null => {
    try {
      return fs.readlinkSync(`/proc/${pid}/ns/net`);
    } catch {
      return null;
    }
  };
  const reach = (target: NetworkTarget): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = net.connect({ host: target.host, port: target.port });
      const end = (reached: boolean) => {
        socket.destroy();
        resolve(reached);
      };
      socket.setTimeout(1000, () => end(false));
      socket.once('connect', () => end(true)).once('error', () => end(false));
    });

  const devices = read('/proc/net/dev');
  const interfaces = devices === null ? Object.keys(os.networkInterfaces()) : devices.slice(2).map((line) => (line.split(':')[0] ?? '').trim());
  const v4 = (read('/proc/net/route') ?? []).slice(1).map((line) => line.split(/\s+/));
  const v6 = (read('/proc/net/ipv6_route') ?? []).map((line) => line.trim().split(/\s+/));
  const routes = [
    ...v4.filter((fields) => fields[0] !== 'lo').map((fields) => `${fields[0]} ${fields[1]}`),
    ...v6.filter((fields) => fields[9] !== 'lo').map((fields) => `${fields[9]} ${fields[0]}/${fields[1]}`),
  ];
  const own = namespaceOf('self');
  const sameNamespace = processorPid === null || (own !== null && own === namespaceOf(processorPid));
  const reached = await Promise.all(targets.map(async (target) => ({ host: target.host, port: target.port, reached: await reach(target) })));
  return { sameNamespace, interfaces, routes, targets: reached };
};
