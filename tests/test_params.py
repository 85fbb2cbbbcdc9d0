"""params.yaml: what is wrong is said in one line, with its path, its value and what is allowed."""

import copy
import math
import runpy
from typing import Annotated, Literal

import pytest
import yaml
from dvc.api import params_show
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from conftest import ROOT, dvc_inside
from convlab.core.errors import InputError
from convlab.core.params import Params, check_block, check_file, read_block, read_yaml
from convlab.core.weights import find_network, network_names
from tools.check_params import MODELS, TRACKS, check

FILE = ROOT / "params.yaml"


class Walk(Params):
    steps: Annotated[int, Field(ge=1)]
    rate: Annotated[float, Field(gt=0, le=1)]
    mode: Literal["slow", "fast"]


class Rest(Params):
    minutes: int


def write(folder, content):
    path = folder / "params.yaml"
    path.write_text(content, encoding="utf-8")
    return path


def one_line(caught):
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


def refusal(path):
    """Why a file of the blocks `walk` and `rest` is refused, less the path."""
    with pytest.raises(InputError) as caught:
        check_file(path, {"walk": Walk, "rest": Rest})
    message = one_line(caught)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_a_block_is_read_as_it_stands_and_cannot_be_changed(tmp_path):
    path = write(tmp_path, "walk: {steps: 3, rate: 0.001, mode: slow}\nrest: {minutes: 1}")
    check_file(path, {"walk": Walk, "rest": Rest})
    walk = read_block(path, "walk", Walk)
    assert walk == Walk(steps=3, rate=0.001, mode="slow")
    with pytest.raises(ValidationError, match="frozen"):
        walk.steps = 2


def test_values_are_read_as_dvc_reads_them(tmp_path, monkeypatch):
    """DVC records them in dvc.lock, and runs a stage again when they change there."""
    values = ("042", "0o42", "017", "08", "1e-3", "1.e3", "1_000", "yes", "on", "12:30", "0x1F")
    path = write(tmp_path, "".join(f"k{n}: {value}\n" for n, value in enumerate(values)))
    monkeypatch.chdir(tmp_path)
    dvc_inside(tmp_path, "init", "--no-scm", "--quiet")
    read = read_yaml(path)
    assert read == params_show("params.yaml")
    assert list(read.values())[:6] == [42, 34, 17, 8, 0.001, 1000]


def test_a_key_that_stands_twice_is_named(tmp_path):
    path = write(tmp_path, "rest: {minutes: 1}\nwalk:\n  steps: 3\n  steps: 4\n")
    assert refusal(path).startswith('is not YAML: line 4, column 3: found duplicate key "steps"')


def test_a_nested_block_is_read_by_its_path(tmp_path):
    path = write(tmp_path, "day: {rest: {minutes: 1}}")
    assert read_block(path, "day.rest", Rest) == Rest(minutes=1)
    for block in ("day.walk", "night", "day.rest.minutes.more"):
        with pytest.raises(InputError, match=rf"params\.yaml: {block}: the block is missing"):
            read_block(path, block, Rest)


@pytest.mark.parametrize(
    ("walk", "parts"),
    [
        ("{steps: 0, rate: 0.1, mode: slow}", ("walk.steps = 0:", "greater than or equal to 1")),
        ("{steps: 3.0, rate: 0.1, mode: slow}", ("walk.steps = 3.0:", "integer")),
        ("{steps: true, rate: 0.1, mode: slow}", ("walk.steps = True:", "integer")),
        ("{steps: null, rate: 0.1, mode: slow}", ("walk.steps = None:", "integer")),
        ("{steps: 3, rate: 1.5, mode: slow}", ("walk.rate = 1.5:", "at most 1)")),
        ("{steps: 3, rate: .nan, mode: slow}", ("walk.rate = nan:", "finite")),
        ("{steps: 3, rate: 0.1, mode: hop}", ("walk.mode = 'hop':", "'slow' or 'fast'")),
        ("{steps: 3, rate: 0.1}", ("walk.mode: is missing",)),
        (
            "{steps: 3, rate: 0.1, mode: slow, step: 3}",
            ("walk.step: unknown key (known: steps, rate, mode)",),
        ),
        ("{steps: 3, rate: 0.1, mode: slow, 5: 3}", ("walk.5",)),
        ("[steps]", ("walk: must have these keys indented below it: steps, rate, mode",)),
        ("", ("walk: must have these keys indented below it: steps, rate, mode",)),
        (
            "{steps: 0, rate: 0, mode: slow}",
            ("walk.steps = 0: should be", "; walk.rate = 0: should be"),
        ),
        # What YAML takes for a date or a number, and cannot read.
        ("{steps: 2026-02-30, rate: 0.1, mode: slow}", ("is not YAML",)),
        ("{steps: 0x_, rate: 0.1, mode: slow}", ("is not YAML",)),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path, walk, parts):
    message = refusal(write(tmp_path, f"walk: {walk}\nrest: {{minutes: 1}}"))
    assert [part for part in parts if part not in message] == []


def test_all_wrong_blocks_are_named_at_once(tmp_path):
    path = write(tmp_path, "rest: {minutes: soon}\nwalks: {}")
    message = refusal(path)
    assert message.startswith(
        "walks: unknown block (known: walk, rest); walk: the block is missing"
    )
    assert message.endswith("; rest.minutes = 'soon': should be a valid integer")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("walk: {steps: 3", "is not YAML"),
        ("walk: \t3", "is not YAML"),
        ("", "must hold blocks (`name:` with its keys below it), but is empty"),
        ("- walk", "is a list: correct it, or undo all changes with `git checkout"),
        ('"wa\\nlk": 1', "unknown"),
    ],
)
def test_a_file_that_holds_no_blocks_is_refused(tmp_path, content, reason):
    assert reason in refusal(write(tmp_path, content))


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path):
    path = tmp_path / "params.yaml"
    assert refusal(path).startswith("is missing: run this in the project's folder")
    path.write_bytes(b"walk: \xff")
    assert refusal(path).startswith("is not UTF-8 ")


@pytest.mark.parametrize("value", ["-0x" + "f" * 5000, "&a [[&b [9, 9], *b, *b], *a]", "x" * 9000])
def test_a_value_of_any_size_makes_a_short_line(tmp_path, value):
    text = f"walk: {{steps: {value}, rate: 0.1, mode: slow}}\nrest: {{minutes: 1}}"
    message = refusal(write(tmp_path, text))
    assert message.startswith("walk.steps = ")
    assert len(message) < 400


# The repository's own params.yaml, parameter by parameter, as the models have them.

CONTENT = yaml.safe_load(FILE.read_text("utf-8"))
BLOCKS = {block: model for block, model in MODELS.items() if block != "networks"} | {
    f"networks.{name}": find_network(package, name).Settings
    for package in TRACKS.values()
    for name in network_names(package)
}


def parameters(schema, values, path, parts):
    """Paths of all single values of a block, with the JSON schema that its model has for each."""
    match schema:
        case {"$ref": name}:
            yield from parameters(parts[name.removeprefix("#/$defs/")], values, path, parts)
            return
        case {"properties": fields}:
            inside = [(name, fields[name]) for name in fields if name in values]
        case {"items": item}:
            inside = [(index, item) for index in range(len(values))]
        case {"additionalProperties": item} if item:
            inside = [(name, item) for name in values]
        case {"type": "object"}:
            return
        case _:
            yield path, schema
            return
    for name, part in inside:
        yield from parameters(part, values[name], (*path, name), parts)


def leaves(values, path=()):
    """Paths of all single values in nested mappings and lists."""
    if isinstance(values, dict | list):
        for name, value in values.items() if isinstance(values, dict) else enumerate(values):
            yield from leaves(value, (*path, name))
    else:
        yield path


def at(values, path):
    for name in path:
        values = values[name]
    return values


def replaced(path, value):
    changed = copy.deepcopy(CONTENT)
    at(changed, path[:-1])[path[-1]] = value
    return changed


PARAMETERS = {
    path: schema
    for block, whole in {name: model.model_json_schema() for name, model in BLOCKS.items()}.items()
    for path, schema in parameters(
        whole, at(CONTENT, block.split(".")), tuple(block.split(".")), whole.get("$defs")
    )
}


def wrong_values(schema):
    """Values that are not of a parameter's type, numbers that are none, and those out of range."""
    kind = schema["type"]
    wrong = [st.none(), st.lists(st.integers()), st.just({"a": 1})]
    wrong.append(st.booleans() if kind != "boolean" else st.integers())
    wrong.append(st.floats() if kind != "number" else st.sampled_from([math.nan, math.inf]))
    wrong.append(st.text() if kind != "string" else st.integers())
    numbers = st.integers if kind == "integer" else st.floats
    match schema:
        case {"enum": allowed}:
            same_type = st.text() if kind == "string" else st.integers(-100, 100)
            wrong.append(same_type.filter(lambda value: value not in allowed))
        case {"exclusiveMinimum": least}:
            wrong.append(numbers(max_value=least))
        case {"minimum": least}:
            wrong.append(numbers(max_value=least).filter(lambda value: value < least))
    if "maximum" in schema:
        most = schema["maximum"]
        wrong.append(numbers(min_value=most).filter(lambda value: value > most))
    return st.one_of(wrong)


def test_params_yaml_passes_and_every_value_in_it_has_a_model():
    check(FILE)
    assert set(leaves(CONTENT)) == set(PARAMETERS)


@settings(max_examples=200)
@given(st.data())
def test_no_parameter_takes_another_type_or_goes_out_of_range(data):
    path = data.draw(st.sampled_from(sorted(PARAMETERS, key=str)))
    value = data.draw(wrong_values(PARAMETERS[path]))
    block = ".".join(path[: 2 if path[0] == "networks" else 1])
    with pytest.raises(InputError) as caught:
        check_block(FILE, block, at(replaced(path, value), block.split(".")), BLOCKS[block])
    said = one_line(caught)
    assert f"{'.'.join(map(str, path))} = " in said
    assert ": should be " in said


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("scales",), [], "scales = []: "),
        (("scales",), [2, 3, 2], "scales = [2, 3, 2]: must all be different"),
        (("train_sr", "warmup_steps"), 10**6, "train_sr: warmup_steps = 1000000 must be below"),
        (("train_sr", "validate_every"), 10**6, "validate_every = 1000000 must be at most"),
        (("train_sr", "network"), "cnn", "train_sr.network = 'cnn': should be one of edsr, "),
        (("train_cnn", "network"), "espcn", "train_cnn.network = 'espcn': should be one of cnn, "),
        (("compute", "launch"), "mpirun", "compute.launch = 'mpirun': should be python, or torchr"),
        (("networks", "nonet"), {}, "networks.nonet: unknown (known: cnn, edsr, "),
        (("networks", "espcn"), 5, "networks.espcn"),
        (("networks", "mlp"), {"width": 36}, "networks.mlp.width: unknown key"),
        (
            ("networks",),
            {"cnn": {}, "mlp": {}},
            "networks.equivariant: the block is missing",
        ),
        (
            ("networks",),
            {"cnn": {}, "equivariant": {}},
            "networks.mlp: the block is missing",
        ),
    ],
)
def test_parameters_that_do_not_fit_together_are_refused(tmp_path, path, value, message):
    with pytest.raises(InputError) as caught:
        check(write(tmp_path, yaml.safe_dump(replaced(path, value))))
    assert message in one_line(caught)


def test_the_script_ends_in_one_line(tmp_path, monkeypatch):
    write(tmp_path, yaml.safe_dump(replaced(("train_sr", "steps"), 0)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["check_params.py"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(ROOT / "src/tools/check_params.py"), run_name="__main__")
    assert str(caught.value).startswith("check_params: params.yaml: train_sr.steps = 0: should be ")
