"""The OpenAPI 3.1 document of what is declared."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from gatehouse import __version__
from gatehouse.http.operation import Operation
from gatehouse.http.routes import parameter_names

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
FILE = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}},
}
"""A form with a file."""
_REFS = "#/components/schemas/{model}"

SECURITY_SCHEMES: dict[str, Any] = {
    "managementToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "userToken": {"type": "http", "scheme": "bearer"},
}

_Key = tuple[str, JsonSchemaMode]


def openapi_document(operations: Iterable[Operation], *, title: str, server: str) -> dict[str, Any]:
    """The document for these operations; `server` is the URL they are reached under."""
    declared = [one for one in operations if one.documented]
    schemas, definitions = _schemas(declared)
    paths: dict[str, dict[str, Any]] = {}
    for operation in declared:
        entry = paths.setdefault(operation.path, {})
        entry[operation.method.lower()] = _entry(operation, schemas, definitions)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {"schemas": definitions, "securitySchemes": SECURITY_SCHEMES},
    }


def _schemas(
    declared: Iterable[Operation],
) -> tuple[dict[_Key, dict[str, Any]], dict[str, Any]]:
    inputs: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = []
    for operation in declared:
        if operation.query_type is not None:
            inputs.append((f"{operation.operation_id}.query", "validation", operation.query_type))
        if operation.body_type is not None:
            inputs.append((f"{operation.operation_id}.body", "validation", operation.body_type))
        if operation.response_type is not None:
            inputs.append(
                (f"{operation.operation_id}.response", "serialization", operation.response_type)
            )
    schemas, shared = TypeAdapter.json_schemas(inputs, ref_template=_REFS, by_alias=True)
    found = {(str(name), mode): schema for (name, mode), schema in schemas.items()}
    return found, shared.get("$defs", {})


def _entry(
    operation: Operation, schemas: dict[_Key, dict[str, Any]], definitions: dict[str, Any]
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "operationId": operation.operation_id,
        "tags": list(operation.tags),
        "summary": operation.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in parameter_names(operation.path)
        ],
        "responses": _responses(operation, schemas),
        "security": [dict(operation.access.security)] if operation.access.security else [],
    }
    if operation.query is not None:
        schema = schemas[f"{operation.operation_id}.query", "validation"]
        schema = definitions.get(schema.get("$ref", "").rpartition("/")[2], schema)
        for name, field in schema.get("properties", {}).items():
            required = name in schema.get("required", ())
            entry["parameters"].append(
                {"name": name, "in": "query", "required": required, "schema": field}
            )
    if operation.upload:
        entry["requestBody"] = {"required": True, "content": {MULTIPART: {"schema": FILE}}}
    if operation.body is not None:
        schema = schemas[f"{operation.operation_id}.body", "validation"]
        kinds = (JSON, FORM) if operation.form else (JSON,)
        entry["requestBody"] = {
            "required": True,
            "content": {kind: {"schema": schema} for kind in kinds},
        }
    return entry


def _responses(operation: Operation, schemas: dict[_Key, dict[str, Any]]) -> dict[str, Any]:
    statuses = set(operation.statuses) | _usual(operation)
    responses: dict[str, Any] = {
        str(status): {"description": HTTPStatus(status).phrase} for status in sorted(statuses)
    }
    if operation.response is None:
        responses.setdefault("204", {"description": HTTPStatus.NO_CONTENT.phrase})
    else:
        schema = schemas[f"{operation.operation_id}.response", "serialization"]
        responses[str(operation.status)] = {
            "description": HTTPStatus(operation.status).phrase,
            "content": {operation.content_type: {"schema": schema}},
        }
    return responses


def _usual(operation: Operation) -> set[int]:
    """What follows from the declaration: input can be invalid, callers can be refused."""
    usual: set[int] = set()
    if operation.query is not None or operation.body is not None:
        usual.add(400)
    if operation.access.admit is not None:
        usual |= {401, 403}
    return usual
