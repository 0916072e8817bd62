#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the OpenAPI document of the host API at SOCKET: its form, its references,
its schemas, and that what every plain GET answers is what it promises."""
import json
import re
import sys

from unix_http import Connection


def get(path):
    connection = Connection(sys.argv[1])
    connection.request("GET", path)
    reply = connection.getresponse()
    return reply.status, reply.getheader("Content-Type"), reply.read()


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


def check_form(document):
    assert document["openapi"].startswith("3.1."), document["openapi"]
    assert document["info"]["title"] and document["info"]["version"]
    schemas = document["components"]["schemas"]
    for reference in references(document):
        prefix = "#/components/schemas/"
        assert reference.startswith(prefix) and reference[len(prefix):] in schemas, reference
    ids = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert method in ("get", "post", "put", "delete"), method
            assert operation["operationId"] not in ids, operation["operationId"]
            ids.add(operation["operationId"])
            assert operation["summary"] and operation["responses"]["200"]["description"]
            named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), path
            for parameter in operation["parameters"]:
                assert parameter["in"] in ("path", "query", "header")
                assert parameter["schema"]
    return len(ids)


def check_answers(document, jsonschema):
    validator = jsonschema.Draft202012Validator
    for name, schema in document["components"]["schemas"].items():
        validator.check_schema(schema)
    checked = 0
    for path, item in document["paths"].items():
        content = item.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "{" in path or not content or "text/event-stream" in content:
            continue
        # Of a workload, an engine or a CA that is not here; other tests ask these.
        if path in ("/api/v1/workload", "/api/v1/workload/logs", "/api/v1/container",
                    "/api/v1/containers", "/api/v1/ca/bundle"):
            continue
        status, kind, body = get(path)
        assert status == 200, (path, status, body)
        (promised, medium), = content.items()
        assert kind.split(";")[0] == promised, (path, kind, promised)
        if promised != "application/json":
            continue
        schema = dict(medium["schema"], components=document["components"])
        validator(schema).validate(json.loads(body))
        checked += 1
    assert checked >= 10, checked
    return checked


def check_limits(document):
    """A limit that is promised is taken, and the next one is refused."""
    checked = 0
    for path, item in document["paths"].items():
        for parameter in item.get("get", {}).get("parameters", []):
            if "maximum" not in parameter["schema"] or path == "/api/v1/workload/logs":
                continue
            name, most = parameter["name"], parameter["schema"]["maximum"]
            if path != "/api/v1/events":  # which would not end
                assert get(f"{path}?{name}={most}")[0] == 200, path
            for wrong in (most + 1, parameter["schema"]["minimum"] - 1, "x"):
                assert get(f"{path}?{name}={wrong}")[0] == 400, (path, wrong)
            checked += 1
    assert checked >= 4, checked
    return checked


status, kind, body = get("/api/v1/openapi.json")
assert status == 200 and kind == "application/json", (status, kind)
document = json.loads(body)
print(check_form(document), "operations are described")
print(check_limits(document), "limits are as described")
try:
    import jsonschema
    jsonschema.Draft202012Validator
except (ImportError, AttributeError):
    print("python3-jsonschema with draft 2020-12 is missing: answers are not compared")
    sys.exit(77)
print(check_answers(document, jsonschema), "answers are as described")
