"""Asks a Scheduler for meetings, knowing of it only what the server itself says by reflection.

Arguments: address, and the file of a certificate to trust, or nothing. Standard input: a line of JSON for each call, {"method", "request", "key", "timeout"}, where the method is ScheduleMeet unless it is given;
{"health": service} asks for the health, {"reflected_health": service} too, knowing of it only what reflection says. Each answer is a line of JSON.
"""

import json
import sys

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

address, trusted = sys.argv[1], sys.argv[2:]
if trusted:
    with open(trusted[0], "rb") as file:
        channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(file.read()))
else:
    channel = grpc.insecure_channel(address)

reflected = ProtoReflectionDescriptorDatabase(channel)
pool = DescriptorPool(reflected)


def method(service, name):
    """The call of a method, made of its description."""
    found = pool.FindServiceByName(service).FindMethodByName(name)
    return found, channel.unary_unary(
        f"/{service}/{name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(found.output_type).FromString,
    )


def ask(asked):
    found, call = method("tidings.v1.Scheduler", asked.get("method", "ScheduleMeet"))
    request = json_format.ParseDict(asked.get("request", {}), GetMessageClass(found.input_type)())
    key = asked.get("key")
    metadata = [("authorization", f"Bearer {key}")] if key else []
    response = call(request, metadata=metadata, timeout=asked.get("timeout", 10))
    return json_format.MessageToDict(response, preserving_proto_field_name=True)


def fields(trailers):
    """The fields that google.rpc.BadRequest complains of, read without its definition: each violation's own first string."""
    details = dict(trailers).get("grpc-status-details-bin")
    if details is None:
        return []
    status = GetMessageClass(pool.FindMessageTypeByName("google.rpc.Status")).FromString(details)
    found = []
    for one in status.details:
        if one.type_url.endswith("/google.rpc.BadRequest"):
            complaint = GetMessageClass(pool.FindMessageTypeByName("google.rpc.BadRequest")).FromString(one.value)
            found += [violation.field for violation in complaint.field_violations]
    return found


def answer(asked):
    if "services" in asked:
        return {"services": sorted(reflected.get_services())}
    if "health" in asked:
        stub = health_pb2_grpc.HealthStub(channel)
        checked = stub.Check(health_pb2.HealthCheckRequest(service=asked["health"]), timeout=10)
        return {"status": health_pb2.HealthCheckResponse.ServingStatus.Name(checked.status)}
    if "reflected_health" in asked:
        found, call = method("grpc.health.v1.Health", "Check")
        request = json_format.ParseDict({"service": asked["reflected_health"]}, GetMessageClass(found.input_type)())
        return json_format.MessageToDict(call(request, timeout=10))
    return {"response": ask(asked)}


for line in sys.stdin:
    try:
        print(json.dumps(answer(json.loads(line))), flush=True)
    except grpc.RpcError as error:
        told = {"code": error.code().name, "words": error.details(), "fields": fields(error.trailing_metadata())}
        print(json.dumps(told), flush=True)
