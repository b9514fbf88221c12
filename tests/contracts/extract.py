"""Reduce an OpenAPI document to what tests compare answers with: paths, ids, response schemas.

    python tests/contracts/extract.py logto.openapi.json > tests/contracts/logto.json

References are resolved and OpenAPI 3.0's `nullable` and non-standard formats become JSON Schema, so
that any validator can use the result.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
DROPPED = {"format", "pattern", "default", "example", "description", "title"}
"""`pattern` holds JavaScript literals and `format` Zod's names: neither is JSON Schema."""

ANYTHING = {"type": "object", "additionalProperties": True}


def schema_of(node: Any, document: dict[str, Any]) -> Any:
    """A JSON Schema for an OpenAPI 3.0 schema."""
    if isinstance(node, list):
        return [schema_of(item, document) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return schema_of(document["components"]["schemas"][name], document)
    literal = literal_of(node)
    if literal is not None:
        return {"const": literal}
    if node.get("items") == ANYTHING:
        # How the document writes entries with a check of their own, such as redirect URIs.
        return {"type": "array"}
    kept = {
        key: {name: schema_of(value, document) for name, value in inner.items()}
        if key == "properties"
        else inner
        if key in ("enum", "required")
        else schema_of(inner, document)
        for key, inner in node.items()
        if key not in DROPPED and key != "nullable"
    }
    return {"anyOf": [kept, {"type": "null"}]} if node.get("nullable") else kept


def literal_of(node: dict[str, Any]) -> Any:
    """The one value a schema allows, which Logto's document writes as a format; None if many."""
    text = node.get("format")
    if not isinstance(text, str) or not (text in ("true", "false") or text.startswith('"')):
        return None
    return json.loads(text)


def extract(document: dict[str, Any]) -> dict[str, Any]:
    """Operations by id: method, path, whether it is needed first, response schemas by status."""
    found: dict[str, Any] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method not in METHODS:
                continue
            found[operation["operationId"]] = {
                "method": method.upper(),
                "path": path,
                "seed": bool(operation.get("x-seed")),
                "tag": (operation.get("tags") or ["Other"])[0],
                "responses": {
                    status: schema_of(
                        answer.get("content", {}).get("application/json", {}).get("schema"),
                        document,
                    )
                    for status, answer in operation["responses"].items()
                },
            }
    return found


if __name__ == "__main__":
    contract = extract(json.loads(Path(sys.argv[1]).read_text()))
    json.dump(contract, sys.stdout, separators=(",", ":"), sort_keys=True)
    print()
