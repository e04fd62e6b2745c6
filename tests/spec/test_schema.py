"""The JSON Schema describes the YAML form; a small validator of the keywords that it uses checks the example."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hmn_lava.spec import json_schema
from hmn_lava.yaml_text import parse_yaml

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_type(value: Any, name: str) -> bool:
    if name in ("number", "integer"):
        return isinstance(value, int if name == "integer" else (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def valid(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if "$ref" in schema:
        return valid(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    for word in ("anyOf", "oneOf"):
        if word in schema and not any(valid(value, option, root) for option in schema[word]):
            return False
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    if names and not any(is_type(value, name) for name in names):
        return False
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return False
    if is_type(value, "number"):
        above = value > schema.get("exclusiveMinimum", -1e99) and value >= schema.get("minimum", -1e99)
        return above and value <= schema.get("maximum", 1e99)
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        heads = schema.get("prefixItems", [])
        items = schema.get("items", {})
        return schema.get("minItems", 0) <= len(value) and all(
            valid(item, heads[i] if i < len(heads) else items, root) for i, item in enumerate(value)
        )
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        other = schema.get("additionalProperties", True)
        patterns = schema.get("patternProperties", {})
        return set(schema.get("required", [])) <= value.keys() and all(
            valid(item, fields[key], root)
            if key in fields
            else any(re.search(p, key) and valid(item, inner, root) for p, inner in patterns.items())
            or (not patterns and other is not False and (other is True or valid(item, other, root)))
            for key, item in value.items()
        )
    return True


def test_it_is_json_and_names_its_dialect() -> None:
    schema = json.loads(json.dumps(json_schema()))
    assert schema["$schema"].endswith("2020-12/schema") and schema["title"] == "hmn-lava spec"
    assert schema["required"] == ["hmn_lava", "name", "populations"] and schema["additionalProperties"] is False


def test_every_reference_leads_somewhere() -> None:
    schema = json_schema()
    references = re.findall(r'"#/\$defs/(\w+)"', json.dumps(schema))
    assert references and set(references) <= schema["$defs"].keys()


def test_the_yaml_names_are_used_and_described() -> None:
    rates = json_schema()["$defs"]["RatesSpec"]["properties"]
    assert set(rates) == {"local", "global"} and rates["global"]["description"] == "eta_g"
    assert json_schema()["$defs"]["InputPopulation"]["properties"]["size"]["maximum"] == 2**24


def test_the_example_is_valid(example_file: Path) -> None:
    schema = json_schema()
    assert valid(parse_yaml(example_file.read_text(), ""), schema, schema)


@pytest.mark.parametrize(
    ("section", "name", "field", "value"),
    [
        ("populations", "pixels", "size", 0),
        ("populations", "pixels", "size", "64"),
        ("populations", "out", "activation", "tanh"),
        ("populations", "out", "unknown", 1),
        ("connections", "readout", "weights", "large"),
        ("connections", "readout", "weights", {"init": "large"}),
        ("connections", "readout", "rates", {"global": -1}),
        ("connections", "readout", "topology", "ring"),
        ("modulators", "rpe", "on", "never"),
    ],
)
def test_a_wrong_example_is_not(example_file: Path, section: str, name: str, field: str, value: Any) -> None:
    schema = json_schema()
    data = parse_yaml(example_file.read_text(), "")
    data[section][name][field] = value
    assert not valid(data, schema, schema)


@pytest.mark.parametrize("competition", ["sample", {"type": "sample", "temperature": 2}])
def test_short_forms_are_valid(example_file: Path, competition: Any) -> None:
    schema = json_schema()
    data = parse_yaml(example_file.read_text(), "")
    data["populations"]["out"]["competition"] = competition
    assert valid(data, schema, schema)
