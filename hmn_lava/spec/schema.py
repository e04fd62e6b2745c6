"""JSON Schema of a spec, for editors: completion and marking of wrong fields while writing YAML."""

from __future__ import annotations

from typing import Any

from hmn_lava.spec.records import Spec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the YAML form. References between records and shapes of arrays are beyond it."""
    return {"$schema": DIALECT, **Spec.model_json_schema(by_alias=True), "title": "hmn-lava spec"}
