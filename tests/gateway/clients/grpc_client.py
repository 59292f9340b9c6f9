"""Python's grpcio against the gateway: grpc_client.py HOST:PORT SERVICE METHOD JSON [TOKEN]

Learns the contract from reflection, calls the method once, or reads its stream, and prints each reply as a line of
JSON. Of an error it prints code, text and the reason among the details.
"""
import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


def fields(data):
    """The length-delimited fields of a message, by number."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            _, at = varint(data, at)
            continue
        assert tag & 7 == 2, "only numbers and bytes occur here"
        length, at = varint(data, at)
        yield tag >> 3, data[at : at + length]
        at += length


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def field(number, data):
    assert len(data) < 128
    return bytes([number << 3 | 2, len(data)]) + data


def contracts(channel, symbol):
    """A pool with the file that declares the symbol, and with all that it imports."""
    ask = channel.stream_stream(REFLECTION)
    answer = next(ask(iter([field(4, symbol.encode())]), timeout=60))
    told = [value for number, value in fields(answer) if number == 4]
    assert told, f"reflection does not know {symbol}"
    files = [descriptor_pb2.FileDescriptorProto.FromString(value) for _, value in fields(told[0])]
    pool, waiting = descriptor_pool.DescriptorPool(), {file.name: file for file in files}

    def add(name):
        file = waiting.pop(name, None)
        if file:
            for imported in file.dependency:
                add(imported)
            pool.Add(file)

    for file in files:
        add(file.name)
    return pool


def main(address, service, method, request, token=None):
    metadata = [("authorization", f"Bearer {token}")] if token else []
    with grpc.insecure_channel(address) as channel:
        pool = contracts(channel, service)
        rpc = pool.FindServiceByName(service).methods_by_name[method]
        known = {
            name: message_factory.MessageFactory(pool).GetPrototype(type_)
            for name, type_ in (("in", rpc.input_type), ("out", rpc.output_type))
        }
        proto = descriptor_pb2.MethodDescriptorProto()
        rpc.CopyToProto(proto)
        kind = channel.unary_stream if proto.server_streaming else channel.unary_unary
        call = kind(
            f"/{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=known["out"].FromString,
        )
        message = json_format.Parse(request, known["in"](), descriptor_pool=pool)
        try:
            replies = call(message, timeout=60, metadata=metadata)
            for reply in replies if proto.server_streaming else [replies]:
                text = json_format.MessageToDict(reply, preserving_proto_field_name=True, descriptor_pool=pool)
                print(json.dumps(text))
        except grpc.RpcError as error:
            details = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
            print(json.dumps({"code": error.code().name, "text": error.details(), "details": details.hex()}))


main(*sys.argv[1:])
