"""A small contract that is free of faults, for tests to plant one in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

SMALL = """
openapi: 3.1.0
info: {title: Small API, version: '1'}
servers: [{url: 'https://api.example.com'}]
tags: [{name: things, description: Things to keep.}]
security: [{token: []}]
paths:
  /things:
    get:
      operationId: listThings
      tags: [things]
      summary: List things.
      description: Returns a page of things.
      x-effect: read
      x-source: &source {pages: ['https://example.com/docs'], evidence: docs, seen: 2026-07}
      x-paging: {kind: cursor, items: data, id: id, limit: limit, after: after, before: before}
      parameters:
        - {name: limit, in: query, description: Most things., schema: {type: integer, minimum: 1}}
        - {name: after, in: query, description: A cursor., schema: {type: string}}
        - {name: before, in: query, description: A cursor., schema: {type: string}}
      responses:
        '200':
          description: The things.
          content:
            application/json:
              schema: {$ref: '#/components/schemas/ThingList'}
              examples: {one: {summary: One, value: {data: [{id: a}]}}}
        '400': {$ref: '#/components/responses/Bad'}
    post:
      operationId: createThing
      tags: [things]
      summary: Create a thing.
      description: Creates a thing of `weightKg` kilograms.
      x-effect: keyed
      x-source: *source
      parameters:
        - $ref: '#/components/parameters/Key'
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/ThingRequest'}
            examples: {one: {summary: One, value: {weightKg: 1.5, note: mine}}}
      responses:
        '200':
          description: The thing.
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
              examples: {one: {summary: One, value: {id: a, state: new}}}
  /things/{id}:
    delete:
      operationId: deleteThing
      tags: [things]
      summary: Delete a thing.
      description: Deletes a thing.
      x-effect: repeatable
      x-source: *source
      parameters:
        - {name: id, in: path, required: true, x-python-name: thing_id, description: Its id., schema: {type: string}}
      responses:
        '204': {description: Gone.}
components:
  securitySchemes: {token: {type: http, scheme: bearer}}
  parameters:
    Key:
      name: Idempotency-Key
      in: header
      description: A key.
      x-role: idempotency-key
      x-python-name: idempotency_key
      schema: {type: string, maxLength: 64}
  responses:
    Bad:
      description: Refused.
      content:
        application/json:
          schema: {$ref: '#/components/schemas/Fault'}
          examples: {one: {summary: One, value: {message: no}}}
  schemas:
    ThingList:
      type: object
      description: A page of things.
      x-source: *source
      required: [data]
      properties:
        data: {type: array, description: The things., items: {$ref: '#/components/schemas/Thing'}}
    Thing:
      type: object
      description: A thing.
      x-source: *source
      required: [id]
      properties:
        id: {type: string, description: Its id.}
        state: {$ref: '#/components/schemas/State', description: Where it stands.}
    State:
      type: string
      description: "`new` or `old`."
      x-open: true
      x-source: *source
      enum: [new, old]
    ThingRequest:
      type: object
      description: A thing to create.
      x-source: *source
      required: [weightKg]
      properties:
        weightKg: {type: number, format: decimal, exclusiveMinimum: 0, description: Weight in kilograms.}
        note: {type: [string, 'null'], maxLength: 9, x-role: reference, description: Private text.}
    Fault:
      type: object
      description: What went wrong.
      x-source: *source
      properties:
        message: {type: string, description: Text for people.}
"""


@pytest.fixture
def document() -> dict[str, Any]:
    """A fresh copy, of whose parts none is shared."""
    loaded = YAML(typ="safe").load(SMALL)
    return _unshared(loaded)  # type: ignore[no-any-return]


def _unshared(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _unshared(value) for key, value in node.items()}
    return [_unshared(value) for value in node] if isinstance(node, list) else node
