import { spawnSync } from 'node:child_process';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import type { ServiceDefinition } from '@grpc/grpc-js';

// In Python, because that is where the client under test keeps them: a stand-in that is made of these always fits it.
const DUMP = `
import sys
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from modal_proto import api_pb2
every, seen = FileDescriptorSet(), set()
def add(file):
    if file.name in seen: return
    seen.add(file.name)
    for each in file.dependencies: add(each)
    file.CopyToProto(every.file.add())
add(api_pb2.DESCRIPTOR)
sys.stdout.buffer.write(every.SerializeToString())
`;

const services = new Map<string, ServiceDefinition>();

/**
 * The control plane's service, of the Modal client that a Python has installed. A process asks each Python once.
 * @throws Error if that Python has no Modal client
 */
export const controlPlaneOf = (python: string): ServiceDefinition => {
  const known = services.get(python);
  if (known) return known;
  const { status, stdout, stderr } = spawnSync(python, ['-c', DUMP], { maxBuffer: 16 * 1024 * 1024, timeout: 60_000 });
  if (status !== 0) throw new Error(`${python} does not tell the descriptors of its Modal client: ${stderr?.toString()}`);
  const definitions = loadFileDescriptorSetFromBuffer(stdout, { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true });
  const service = definitions['modal.client.ModalClient'] as unknown as ServiceDefinition;
  services.set(python, service);
  return service;
};

/** A map of a message: with a loaded descriptor set it arrives, and leaves, as a list. */
export type Entries<Value = string> = readonly { readonly key: string; readonly value: Value }[];

/** The map that a list of entries stands for. */
export const mapOf = <Value>(entries: Entries<Value> | undefined): Map<string, Value> => new Map((entries ?? []).map(({ key, value }) => [key, value]));

/** The list of entries that stands for a map. */
export const entriesOf = <Value>(map: ReadonlyMap<string, Value>): Entries<Value> => [...map].map(([key, value]) => ({ key, value }));
