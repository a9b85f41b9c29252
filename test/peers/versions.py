"""Loads each package that the tests use, and prints the version of each as a line of JSON."""

import importlib
import json
from importlib.metadata import version

for module, package in {
    "pika": "pika",
    "grpc": "grpcio",
    "grpc_health.v1.health_pb2_grpc": "grpcio-health-checking",
    "grpc_reflection.v1alpha.reflection": "grpcio-reflection",
    "google.protobuf": "protobuf",
    "icalendar": "icalendar",
}.items():
    importlib.import_module(module)
    print(json.dumps({"package": package, "version": version(package)}))
