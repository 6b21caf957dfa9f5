import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { containerStates, publishedPorts, SERVICES, statusTable } from '../../src/services.ts';

const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
const compose = parse(read('../../compose.yaml')) as {
  services: Record<string, { image: string; ports: string[]; volumes: string[]; healthcheck: { test: string[] } }>;
  volumes: Record<string, null>;
};

describe('the stack of local development', () => {
  it.each(Object.keys(SERVICES))('has an image of %s that is pinned by digest and can be another one, its health, and a volume with a name', (name) => {
    const { image, volumes, healthcheck } = compose.services[name]!;
    expect(image).toMatch(new RegExp(`^\\$\\{STACK_${name.toUpperCase()}_IMAGE:-[a-z0-9./-]+:[A-Za-z0-9._-]+@sha256:[a-f0-9]{64}\\}$`));
    expect(healthcheck.test.length).toBeGreaterThan(1);
    expect(Object.keys(compose.volumes)).toContain(volumes[0]!.split(':')[0]);
  });

  it('publishes each port on this machine alone, at a variable that .env gives the same value as the file', () => {
    const dotenv = read('../../../../.env');
    expect(Object.keys(compose.services)).toEqual(Object.keys(SERVICES));
    for (const [name, ports] of Object.entries(SERVICES))
      expect(compose.services[name]!.ports).toEqual(
        ports.map(({ variable, target }) => {
          expect(dotenv).toMatch(new RegExp(`^${variable}=${target}$`, 'm'));
          return `127.0.0.1:\${${variable}:-${target}}:${target}`;
        }),
      );
  });

  it('knows the ports that Compose is going to publish', () => {
    const services = { redis: { ports: [{ target: 6379, published: '16379', host_ip: '127.0.0.1' }] }, other: {} };
    expect(publishedPorts(JSON.stringify({ services }))).toEqual([
      { target: 6379, variable: 'STACK_REDIS_PORT', what: 'Redis', service: 'redis', host: '127.0.0.1', port: 16379 },
    ]);
  });

  it.each([
    ['a list', '[{"Service":"redis","State":"running","Health":"healthy","Image":"r"},{"Service":"minio","State":"exited"}]'],
    ['a document a line', '{"Service":"redis","State":"running","Health":"healthy","Image":"r"}\n{"Service":"minio","State":"exited","Health":""}\n'],
  ])('reads what Compose tells of containers as %s, and tells of those that are not there', (_, output) => {
    expect(statusTable(containerStates(output), [])).toEqual([
      'service   state      health   at  image',
      'postgres  not there  -            -',
      'redis     running    healthy      r',
      'minio     exited     -            -',
    ]);
    expect(containerStates('\n')).toEqual([]);
  });
});
