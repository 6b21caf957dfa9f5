// The tools that are compared: what each needs, and the commands by which it builds and pushes both platforms.
import { join } from 'node:path';

const ARCHITECTURES = ['amd64', 'arm64'];
const PLATFORMS = ARCHITECTURES.map((architecture) => `linux/${architecture}`).join(',');
const EPOCH = { SOURCE_DATE_EPOCH: '0' };

/**
 * The tools, for a `site`: the host of the registry, the base (`repository`, `tag` and `digest`), the folders of the hello world, a folder in
 * which tools keep their caches, and our scripts. A tool gets every option that makes it faster or its digests stable. Each command is an argv
 * that is run in `cwd`. `build` gets the number of the run and, for a cold run, the number of that one, which may use nothing that an earlier
 * run left.
 */
export const tools = (site) => {
  const { host, base, hello, keep, scripts } = site;
  const named = `${host}/${base.repository}@${base.digest}`;
  const target = (name, tag = '1') => `${host}/bench/${name}:${tag}`;
  const buildah = ['buildah', '--root', join(keep, 'buildah/root'), '--runroot', join(keep, 'buildah/run')];
  const buildx = ['docker', 'buildx', 'build', '--platform', PLATFORMS, '--provenance=false'];
  const layer = join(keep, 'layer.tar');
  return [
    {
      name: 'pinlane, embedded',
      needs: [],
      cwd: hello.files,
      build: ({ cold }) => [[process.execPath, scripts.embedded, hello.files, join(keep, `store${cold ?? ''}`), `${host}/bench/pinlane`, '1']],
      env: { NODE_COMPILE_CACHE: join(keep, 'compile-cache') },
      pushed: [['pinlane', '1']],
    },
    {
      name: 'docker buildx',
      needs: ['docker', 'docker info', 'docker buildx version'],
      cwd: hello.files,
      // The daemon's copies of the base and of other builds stay, because they are not ours to remove.
      build: ({ cold }) => [[...buildx, ...(cold ? ['--no-cache'] : []), '--push', '--tag', target('buildx'), '.']],
      env: EPOCH,
      daemons: ['dockerd', 'containerd'],
      coldIs: 'without its cache, the base may be there',
      pushed: [['buildx', '1']],
    },
    {
      name: 'docker buildx, timestamps rewritten, and skopeo',
      needs: ['docker', 'docker info', 'docker buildx version', 'skopeo'],
      cwd: hello.files,
      build: ({ cold }) => [
        [...buildx, ...(cold ? ['--no-cache'] : []), '--output', `type=oci,dest=${join(keep, 'buildx.tar')},rewrite-timestamp=true`, '.'],
        ['skopeo', 'copy', '--quiet', '--all', '--dest-tls-verify=false', `oci-archive:${join(keep, 'buildx.tar')}`, `docker://${target('rewritten')}`],
      ],
      env: EPOCH,
      daemons: ['dockerd', 'containerd'],
      coldIs: 'without its cache, the base may be there',
      pushed: [['rewritten', '1']],
    },
    {
      name: 'buildah',
      needs: ['buildah'],
      cwd: hello.files,
      build: ({ run, cold }) => {
        const options = [...(cold ? ['--no-cache'] : []), '--isolation=chroot', '--layers', '--timestamp=0', '--tls-verify=false', '--quiet'];
        return [
          [...buildah, 'build', ...options, '--platform', PLATFORMS, '--manifest', `hello-${run}`, '.'],
          [...buildah, 'manifest', 'push', '--quiet', '--all', '--tls-verify=false', `hello-${run}`, `docker://${target('buildah')}`],
        ];
      },
      pushed: [['buildah', '1']],
    },
    {
      name: 'containerify, once a platform',
      needs: ['containerify'],
      cwd: hello.files,
      build: () =>
        ARCHITECTURES.map((architecture) => [
          ...['containerify', '--platform', `linux/${architecture}`, '--fromRegistry', `http://${host}/v2/`, '--toRegistry', `http://${host}/v2/`],
          ...['--fromImage', `${base.repository}:${base.tag}`, '--toImage', `bench/containerify:${architecture}`, '--doCrossMount', '--allowNoPushAuth'],
          ...['--folder', hello.files, '--customContent', 'app,/app', '--entrypoint', 'node /app/main.mjs', '--setTimeStamp', '1970-01-01T00:00:00.000Z'],
        ]),
      pushed: ARCHITECTURES.map((architecture) => ['containerify', architecture]),
    },
    {
      name: 'crane append, once a platform, and index append',
      needs: ['crane', 'tar'],
      cwd: hello.files,
      // This step is not measured, because crane takes a layer that is made already.
      before: () => [['tar', '--mtime=@0', '--sort=name', '--owner=0', '--group=0', '--numeric-owner', '-cf', layer, 'app']],
      build: () => [
        ...ARCHITECTURES.map((architecture) => {
          const platform = ['--platform', `linux/${architecture}`];
          return ['crane', 'append', ...platform, '--base', named, '--new_layer', layer, '--new_tag', target('crane', architecture)];
        }),
        ['crane', 'index', 'append', ...ARCHITECTURES.flatMap((architecture) => ['--manifest', target('crane', architecture)]), '--tag', target('crane')],
      ],
      pushed: [['crane', '1']],
    },
    {
      name: 'ko build, of the same in Go',
      needs: ['ko', 'go'],
      cwd: hello.go,
      build: () => [['ko', 'build', '--bare', '--sbom=none', '--platform', PLATFORMS, '--tags', '1', '.']],
      env: { KO_DOCKER_REPO: `${host}/bench/ko`, KO_DEFAULTBASEIMAGE: named, GOCACHE: join(keep, 'go-cache'), GOFLAGS: '-mod=mod' },
      coldIs: "with Go's own packages compiled",
      pushed: [['ko', '1']],
    },
  ];
};
