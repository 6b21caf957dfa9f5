import { fail } from '@pinlane/contracts';
import * as z from 'zod';
import type { WireMessage } from './wire.ts';

/** As much of a Server's definition as is read, in the words of the SDK. */
interface ToldServer {
  readonly httpConfig?: { readonly port: number; readonly unauthenticated: boolean; readonly proxyRegions: readonly string[] } | undefined;
  readonly rankedFunctions: readonly {
    readonly function?:
      | {
          readonly imageId: string;
          readonly secretIds: readonly string[];
          readonly resources?: ToldResources | undefined;
        }
      | undefined;
  }[];
  readonly flashServiceUrls: readonly string[];
}

interface ToldResources {
  readonly milliCpu: number;
  readonly memoryMb: number;
  readonly memoryMbMax: number;
  readonly gpuConfig?: { readonly gpuType: string; readonly count: number } | undefined;
}

/** As much of what a Server is scaled by as is read. */
interface ToldScaling {
  readonly minContainers?: number | undefined;
  readonly maxContainers?: number | undefined;
  readonly scaledownWindow?: number | undefined;
  readonly targetConcurrency?: number | undefined;
  readonly targetConcurrencyFloat?: number | undefined;
}

const resourcesIn = (message: WireMessage): ToldResources => {
  const gpu = message.message(4);
  const [memoryMb = 0, milliCpu = 0, memoryMbMax = 0] = [2, 3, 5].map(message.number);
  return { milliCpu, memoryMb, memoryMbMax, gpuConfig: gpu && { gpuType: gpu.text(4), count: gpu.number(2) ?? 0 } };
};

/** The Server in an answer to FunctionGetById (modal_proto/api.proto of Modal's client 1.6.4); undefined if it tells of none. */
export const serverIn = (answer: WireMessage): ToldServer | undefined => {
  const told = answer.message(1);
  const http = told?.message(39);
  return (
    told && {
      httpConfig: http && { port: http.number(1) ?? 0, unauthenticated: http.number(7) === 1, proxyRegions: http.texts(2) },
      rankedFunctions: told.messages(18).map((ranked) => {
        const run = ranked.message(2);
        const resources = run?.message(9);
        return { function: run && { imageId: run.text(4), secretIds: run.texts(10), resources: resources && resourcesIn(resources) } };
      }),
      flashServiceUrls: told.texts(34),
    }
  );
};

/** What a Server is scaled by, in an answer to FunctionGetSchedulingParams; undefined if it tells nothing. */
export const scalingIn = (answer: WireMessage): ToldScaling | undefined => {
  const settings = answer.message(1)?.message(1);
  if (settings === undefined) return undefined;
  const [minContainers, maxContainers, scaledownWindow, targetConcurrency, targetConcurrencyFloat] = [1, 2, 5, 7, 9].map(settings.number);
  return { minContainers, maxContainers, scaledownWindow, targetConcurrency, targetConcurrencyFloat };
};

const amount = z.union([z.number(), z.tuple([z.number(), z.number().nullable()])]).nullable();

/** As much of `modal server info --json` as is read (Modal's client 1.6.4); more is there, and more may come. */
const serverInfoSchema = z.looseObject({
  object_id: z.string().min(1),
  server_url: z.string(),
  port: z.number(),
  unauthenticated: z.boolean(),
  routing_region: z.string().nullable(),
  image_info: z.looseObject({ image_id: z.string().nullable() }),
  cpu: amount,
  memory_mib: amount,
  gpus: z.array(z.tuple([z.string(), z.number()])),
  secrets: z.array(z.string()),
  target_concurrency: z.number().nullable(),
  min_containers: z.number().nullable(),
  max_containers: z.number().nullable(),
  scaledown_window: z.number().nullable(),
});

/** A Server as the control plane tells it. Ids are Modal's own; a digest is told by nobody there. */
export interface ServerInfo {
  readonly id: string;
  readonly url: string;
  readonly imageId: string;
  /** Ids of Modal's secrets. */
  readonly secretIds: readonly string[];
  readonly port: number;
  readonly proxyAuth: boolean;
  readonly region: string | null;
  readonly cpu: number | null;
  readonly memoryMib: number | null;
  readonly gpu: string | null;
  readonly scaling: { readonly min: number; readonly max: number | null; readonly idleSeconds: number | null };
  readonly concurrency: number | null;
}

const first = (value: number | readonly (number | null)[] | null): number | null => (typeof value === 'object' && value !== null ? (value[0] ?? null) : value);

const gpuText = ([name, count]: readonly [string, number]): string => (count > 1 ? `${name}:${count}` : name);

/** A Server, from what the client told. @throws ERR_HOSTING_REFUSED if it tells something else */
export const serverInfoOf = (told: unknown): ServerInfo => {
  const { success, data, error } = serverInfoSchema.safeParse(told);
  if (!success) return fail('ERR_HOSTING_REFUSED', `what Modal's client tells of a Server is not what is known of it: ${z.prettifyError(error).slice(0, 500)}`);
  if (!data.image_info.image_id) return fail('ERR_HOSTING_REFUSED', "Modal's client tells no image of a Server");
  return {
    id: data.object_id,
    url: data.server_url,
    imageId: data.image_info.image_id,
    secretIds: data.secrets,
    port: data.port,
    proxyAuth: !data.unauthenticated,
    region: data.routing_region,
    cpu: first(data.cpu),
    memoryMib: first(data.memory_mib),
    gpu: data.gpus.length === 0 ? null : data.gpus.map(gpuText).join(','),
    scaling: { min: data.min_containers ?? 0, max: data.max_containers, idleSeconds: data.scaledown_window },
    concurrency: data.target_concurrency,
  };
};

/** The same from what the control plane itself told. @throws ERR_HOSTING_REFUSED if it is no Server with an image */
export const serverOf = (id: string, told: ToldServer | undefined, scaling: ToldScaling | undefined): ServerInfo => {
  const http = told?.httpConfig;
  const run = told?.rankedFunctions[0]?.function;
  if (!told || !http || !run?.imageId) return fail('ERR_HOSTING_REFUSED', `Modal tells no image of ${id}, or it is no Server`);
  const { milliCpu = 0, memoryMb = 0, memoryMbMax = 0 } = run.resources ?? {};
  // The copies of a Server differ in their GPUs alone.
  const gpus = told.rankedFunctions.flatMap(({ function: each }) => {
    const gpu = each?.resources?.gpuConfig;
    return gpu && gpu.count > 0 ? [gpuText([gpu.gpuType, gpu.count])] : [];
  });
  return {
    id,
    url: told.flashServiceUrls[0] ?? '',
    imageId: run.imageId,
    secretIds: run.secretIds,
    port: http.port,
    proxyAuth: !http.unauthenticated,
    region: http.proxyRegions[0] ?? null,
    cpu: milliCpu > 0 ? milliCpu / 1000 : null,
    memoryMib: memoryMb || memoryMbMax || null,
    gpu: gpus.length === 0 ? null : gpus.join(','),
    // 0 stands for no limit.
    scaling: { min: scaling?.minContainers ?? 0, max: scaling?.maxContainers || null, idleSeconds: scaling?.scaledownWindow ?? null },
    concurrency: scaling?.targetConcurrencyFloat || scaling?.targetConcurrency || null,
  };
};

/** JSON that the client printed. @throws ERR_HOSTING_REFUSED */
export const parseTold = (text: string, what: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return fail('ERR_HOSTING_REFUSED', `Modal's client printed no JSON while ${what}`);
  }
};
