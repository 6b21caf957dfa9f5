import { describe, expect, it } from '@jest/globals';
import { buildArguments, type BuildCall } from '../../../src/docker/arguments.ts';
import type { Builder } from '../../../src/docker/find-builder.ts';

const builder: Builder = {
  program: '/usr/bin/docker',
  name: 'default',
  driver: 'docker',
  buildx: '0.13.1',
  buildkit: 'v0.13.2',
  docker: '26.1.5',
  platforms: ['linux/amd64'],
  layout: true,
  cacheExport: true,
  attestations: true,
};
const call: BuildCall = {
  plan: { buildArgs: { B: '2', A: '1' }, labels: { 'dev.pinlane.ref': 'acme/echo@1' }, target: null },
  platforms: ['linux/amd64', 'linux/arm64'],
  context: '/work/context',
  dockerfile: '/work/Dockerfile',
  bases: { 'store.localhost/base': 'oci-layout:///store@sha256:1' },
  output: { kind: 'layout', folder: '/out' },
  options: {},
  secrets: [],
  noCache: false,
  isolated: false,
  root: '/root',
};

const argsOf = (options: BuildCall['options'], more: Partial<BuildCall> = {}, to: Partial<Builder> = {}): string[] =>
  buildArguments({ ...call, ...more, options }, { ...builder, ...to });

describe('the arguments of docker buildx build', () => {
  it('ask for every platform in one OCI layout with fixed times, and for nothing that nobody asked for', () => {
    expect(argsOf({})).toEqual([
      ...['buildx', 'build', '--builder=default', '--progress=plain', '--file=/work/Dockerfile', '--platform=linux/amd64,linux/arm64'],
      '--output=type=oci,tar=false,oci-mediatypes=true,dest=/out',
      ...['--build-arg=A=1', '--build-arg=B=2', '--build-arg=SOURCE_DATE_EPOCH=0', '--label=dev.pinlane.ref=acme/echo@1'],
      ...['--build-context=store.localhost/base=oci-layout:///store@sha256:1', '--provenance=false', '--sbom=false', '/work/context'],
    ]);
  });

  it.each([
    ['annotations', ['index:a=b'], '--annotation=index:a=b'],
    ['buildContexts', ['docs=../docs'], '--build-context=docs=../docs'],
    ['ssh', ['default'], '--ssh=default'],
    ['addHosts', ['db:10.0.0.1'], '--add-host=db:10.0.0.1'],
    ['allow', ['network.host'], '--allow=network.host'],
    ['ulimit', ['nofile=1:1'], '--ulimit=nofile=1:1'],
    ['noCacheFilter', ['build'], '--no-cache-filter=build'],
    ['network', 'none', '--network=none'],
    ['shmSize', '2g', '--shm-size=2g'],
    ['cgroupParent', 'ci', '--cgroup-parent=ci'],
    ['provenance', 'mode=max', '--provenance=mode=max'],
    ['sbom', 'true', '--sbom=true'],
    ['pull', true, '--pull'],
  ])('hand on %s', (name, value, expected) => {
    expect(argsOf({ [name]: value })).toContain(expected);
    expect(argsOf({})).not.toContain(expected);
  });

  it('name the stage where one is asked for, and no cached step where none is wanted', () => {
    const args = argsOf({ noCacheFilter: ['build'] }, { plan: { ...call.plan, target: 'build' }, noCache: true });
    expect(args).toEqual(expect.arrayContaining(['--target=build', '--no-cache']));
    expect(args.join(' ')).not.toContain('--no-cache-filter');
  });

  it('keep a build apart from others in the cache of a builder that they share, hosts of its own beside', () => {
    const apart = argsOf({ addHosts: ['db:10.0.0.1'] }, { isolated: true }).filter((arg) => !argsOf({}).includes(arg));
    expect(apart).toEqual(['--add-host=db:10.0.0.1', '--add-host=isolated.pinlane.invalid:127.0.0.1', '--build-arg=BUILDKIT_CACHE_MOUNT_NS=pinlane-isolated']);
  });

  it('let the export of a cache fail, however the cache was written down', () => {
    const args = argsOf({
      cacheTo: ['type=registry', 'ref=r/c', 'r/d', 'type=gha,mode=max', 'type=local,dest=c,ignore-error=false'],
      cacheFrom: ['type=gha', 'r/c'],
    });
    expect(args.filter((arg) => arg.startsWith('--cache'))).toEqual([
      ...[
        '--cache-from=type=gha',
        '--cache-from=r/c',
        '--cache-to=type=registry,ref=r/c,ignore-error=true',
        '--cache-to=type=registry,ref=r/d,ignore-error=true',
      ],
      ...['--cache-to=type=gha,mode=max,ignore-error=true', '--cache-to=type=local,dest=c,ignore-error=false'],
    ]);
  });

  it.each([
    [{ cacheTo: ['type=inline'] }, 'into its digest'],
    [{ cacheTo: ['type=gha,token=hunter2'] }, 'token is a secret'],
    [{ cacheFrom: ['type=s3,bucket=b,secret_access_key=hunter2'] }, 'secret_access_key is a secret'],
  ])('refuse a cache that would change or betray: %p', (options, why) => {
    expect(() => argsOf(options)).toThrow(why);
    expect(() => argsOf(options)).not.toThrow('hunter2');
  });

  it('leave out what an old builder does not know, and caches that it cannot export', () => {
    expect(argsOf({}, {}, { buildx: '0.9.1' }).join(' ')).not.toMatch(/provenance|sbom/);
    expect(argsOf({ cacheTo: ['type=gha'] }, {}, { cacheExport: false }).join(' ')).not.toContain('--cache-to');
  });

  it('name secrets by where they are, never by what they are', () => {
    const secrets = [
      { id: 'npm', from: { kind: 'env', name: 'NPM_TOKEN' } },
      { id: 'key', from: { kind: 'file', path: 'keys/k' } },
    ] as const;
    expect(argsOf({}, { secrets })).toEqual(expect.arrayContaining(['--secret=id=npm,env=NPM_TOKEN', '--secret=id=key,src=/root/keys/k']));
  });

  it('quote a folder with a comma in its name', () => {
    const secrets = [{ id: 'key', from: { kind: 'file', path: 'keys/k' } }] as const;
    expect(argsOf({}, { secrets, root: '/a,b' })).toContain('--secret=id=key,"src=/a,b/keys/k"');
    expect(argsOf({}, { output: { kind: 'layout', folder: '/a,b' } })).toContain('--output=type=oci,tar=false,oci-mediatypes=true,"dest=/a,b"');
  });

  it.each(['docker-container', 'remote', 'kubernetes'])('choose a builder of the driver %s by its name', (driver) => {
    expect(argsOf({}, {}, { driver, name: 'far', docker: null })).toEqual(expect.arrayContaining(['--builder=far', '--platform=linux/amd64,linux/arm64']));
  });

  it('name the image in Docker where it keeps one platform at a time', () => {
    const args = argsOf({}, { platforms: ['linux/arm64'], output: { kind: 'image', name: 'pinlane.localhost/build/x:arm64-1' } });
    expect(args).toEqual(expect.arrayContaining(['--platform=linux/arm64', '--output=type=docker', '--tag=pinlane.localhost/build/x:arm64-1']));
  });
});
