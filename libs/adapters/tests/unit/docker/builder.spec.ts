import { describe, expect, it } from '@jest/globals';
import { abilitiesOf, isAtLeast, parseBuildxVersion, parseDockerInfo, parseInspect } from '../../../src/docker/builder.ts';

const CONTAINER = `Name:          multi
Driver:        docker-container
Last Activity: 2026-11-23 19:19:46 +0000 UTC

Nodes:
Name:                  multi0
Endpoint:              unix:///var/run/docker.sock
Driver Options:        env.X="a:b"
Status:                running
BuildKit daemon flags: --allow-insecure-entitlement=network.host
BuildKit version:      v0.26.2
Platforms:             linux/amd64*, linux/amd64/v2, linux/386
Labels:
 org.mobyproject.buildkit.worker.executor: oci
 Name: not a node
GC Policy rule#0:
 All: false

Name:      multi1
Endpoint:  ssh://arm
Status:    inactive
Platforms: linux/arm64
`;

describe('what Docker says of its builders', () => {
  it('is read node by node', () => {
    expect(parseInspect(CONTAINER)).toEqual({
      name: 'multi',
      driver: 'docker-container',
      error: null,
      nodes: [
        { name: 'multi0', status: 'running', buildkit: 'v0.26.2', platforms: ['linux/amd64', 'linux/amd64/v2', 'linux/386'] },
        { name: 'multi1', status: 'inactive', buildkit: null, platforms: ['linux/arm64'] },
      ],
    });
  });

  it('is read in the words of older versions', () => {
    const old =
      'Name:   default\nDriver: docker\n\nNodes:\nName:      default\nEndpoint:  default\nStatus:    running\nBuildkit:  20.10.24\nPlatforms: linux/amd64\n';
    expect(parseInspect(old).nodes[0]).toMatchObject({ buildkit: '20.10.24', platforms: ['linux/amd64'] });
  });

  it('tells of a builder that can not be reached', () => {
    const text =
      'Name:          default\nDriver:        \nLast Activity: 2026-11-23 20:01:27 +0000 UTC\nError:         Cannot connect to the Docker daemon at tcp://127.0.0.1:1.\n';
    expect(parseInspect(text)).toMatchObject({ driver: '', error: 'Cannot connect to the Docker daemon at tcp://127.0.0.1:1.', nodes: [] });
    expect(parseInspect(`${CONTAINER}Error: dead\n`).error).toBe('dead');
  });

  it('tells whether a daemon answers, and where it keeps images', () => {
    expect(parseDockerInfo('{"ServerVersion":"","DriverStatus":null}')).toBeNull();
    expect(parseDockerInfo('{"ServerVersion":"20.10.24","DriverStatus":[["Backing Filesystem","extfs"]]}')).toEqual({
      version: '20.10.24',
      containerdStore: false,
    });
    const containerd = '{"ServerVersion":"26.1.5","DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]}';
    expect(parseDockerInfo(containerd)).toEqual({ version: '26.1.5', containerdStore: true });
  });

  it.each([
    ['github.com/docker/buildx v0.13.1 788433953af10f2a698f5c07611dddce2e08c7a0', '0.13.1'],
    ['github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3', '0.13.1+ds1'],
    ['something else', 'unknown'],
  ])('gives the version of buildx from %p', (text, version) => {
    expect(parseBuildxVersion(text)).toBe(version);
  });

  it('compares versions by number, and takes what has none for new', () => {
    expect([isAtLeast('0.9.1', [0, 10]), isAtLeast('v0.10.0', [0, 10]), isAtLeast('1.0.0', [0, 10]), isAtLeast('master', [0, 10])]).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });
});

describe('what a builder can do', () => {
  const daemon = (containerdStore: boolean) => ({ version: '26', containerdStore });

  it.each([
    ['docker', daemon(true), true],
    ['docker', daemon(false), false],
    ['docker', null, false],
    ['docker-container', daemon(false), true],
    ['remote', null, true],
    ['kubernetes', null, true],
  ])('%s with the daemon %p writes layouts of several platforms: %p', (driver, info, expected) => {
    expect(abilitiesOf({ driver }, info, '0.13.1')).toEqual({ layout: expected, cacheExport: expected, attestations: expected });
  });

  it('attests from buildx 0.10 on', () => {
    expect(abilitiesOf({ driver: 'remote' }, null, '0.9.0').attestations).toBe(false);
  });
});
