import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { reaching } from '../../images/options.ts';

/** The options of `store-serve`. */
export const options = {
  port: z.number().int().min(0).max(65535).default(5055).describe('The port to listen on; 0 takes a free one.'),
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('The address to listen on. On any other than the loopback everyone who can reach it may read and write.'),
  store: z.string().optional().describe("The store's folder, relative to the workspace's root; .pinlane/store where absent."),
  readonly: z.boolean().optional().describe('Take nothing: images can be pulled and not pushed.'),
  blobLimitMb: z.number().positive().default(16_384).describe('The largest blob that is taken, in MiB.'),
  ...reaching,
  quiet: z.boolean().optional().describe('Write no line for each request.'),
};

export type StoreServeOptions = OptionsOf<typeof options>;
