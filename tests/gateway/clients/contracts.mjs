// Learns a server's contracts from its reflection, as grpcurl does: nothing but the protocol is known before.
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import protobuf from 'protobufjs';

const reflection = protobuf.parse(`
  syntax = "proto3";
  message Request { string file_containing_symbol = 4; string list_services = 7; }
  message Files { repeated bytes file_descriptor_proto = 1; }
  message Service { string name = 1; }
  message Services { repeated Service service = 1; }
  message Failure { int32 error_code = 1; string error_message = 2; }
  message Response { Files files = 4; Services services = 6; Failure failure = 7; }
`, { keepCase: true }).root;
const Request = reflection.lookupType('Request');
const Response = reflection.lookupType('Response');

function ask(client, question) {
  return new Promise((resolve, reject) => {
    const call = client.makeBidiStreamRequest(
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      request => Buffer.from(Request.encode(request).finish()),
      bytes => Response.decode(bytes)
    );
    call.on('error', reject);
    call.on('data', answer => {
      call.end();
      if (answer.failure) reject(new Error(answer.failure.error_message));
      else resolve(answer);
    });
    call.write(Request.create(question));
  });
}

/** The names of all services that the server tells of. */
export async function serviceNames(address, credentials) {
  const client = new grpc.Client(address, credentials);
  const answer = await ask(client, { list_services: '*' });
  client.close();
  return answer.services.service.map(service => service.name);
}

/** A client of the service with this full name. */
export async function clientOf(address, credentials, service) {
  const client = new grpc.Client(address, credentials);
  const answer = await ask(client, { file_containing_symbol: service });
  client.close();
  const set = protobuf.Writer.create();
  for (const file of answer.files.file_descriptor_proto) set.uint32(10).bytes(file);
  const options = { keepCase: true, longs: Number, enums: String, defaults: true };
  const definition = loader.loadFileDescriptorSetFromBuffer(Buffer.from(set.finish()), options);
  const Client = grpc.makeClientConstructor(definition[service], service);
  return new Client(address, credentials);
}

/** Runs a unary call to its answer. */
export const call = (client, method, request, metadata = new grpc.Metadata(), options = {}) =>
  new Promise((resolve, reject) =>
    client[method](request, metadata, options, (error, reply) => (error ? reject(error) : resolve(reply)))
  );
