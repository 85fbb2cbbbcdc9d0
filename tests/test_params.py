"""params.yaml: what is wrong is said in one line, with its path, its value and what is allowed."""

import copy
import math
import runpy
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

import check_params
from check_params import MODELS
from convlab.errors import InputError
from convlab.imaging.patches import MakePatches
from convlab.params import Params, Upscaling, check_block, check_file, read_block

ROOT = Path(__file__).parents[1]
KNOBS_FILE = ROOT / "params.yaml"


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


def test_a_block_is_read_as_it_stands(tmp_path):
    path = write(tmp_path, "walk: {steps: 3, rate: 0.001, mode: slow}\nrest: {minutes: 1}")
    assert read_block(path, "walk", Walk) == Walk(steps=3, rate=0.001, mode="slow")
    check_file(path, {"walk": Walk, "rest": Rest})


def test_a_block_cannot_be_changed_after_reading():
    with pytest.raises(ValidationError, match="frozen"):
        Rest(minutes=1).minutes = 2


@pytest.mark.parametrize(
    ("walk", "parts"),
    [
        ("{steps: 0, rate: 0.1, mode: slow}", ("walk.steps = 0:", "greater than or equal to 1")),
        ("{steps: 3.0, rate: 0.1, mode: slow}", ("walk.steps = 3.0:", "integer")),
        ("{steps: true, rate: 0.1, mode: slow}", ("walk.steps = True:", "integer")),
        ("{steps: '3', rate: 0.1, mode: slow}", ("walk.steps = '3':", "integer")),
        ("{steps: null, rate: 0.1, mode: slow}", ("walk.steps = None:", "integer")),
        ("{steps: [3], rate: 0.1, mode: slow}", ("walk.steps = [3]:", "integer")),
        ("{steps: 3, rate: 1.5, mode: slow}", ("walk.rate = 1.5:", "at most 1)")),
        ("{steps: 3, rate: .nan, mode: slow}", ("walk.rate = nan:", "finite")),
        ("{steps: 3, rate: .inf, mode: slow}", ("walk.rate = inf:", "finite")),
        # YAML 1.1 reads 1e-3 as a text, YAML 1.2 as a number.
        ("{steps: 3, rate: 1e-3, mode: slow}", ("walk.rate = '1e-3':", "write numbers like 0.001")),
        ("{steps: 3, rate: 0.1, mode: hop}", ("walk.mode = 'hop':", "'slow' or 'fast'")),
        ("{steps: 3, rate: 0.1}", ("walk.mode: is missing",)),
        (
            "{steps: 3, rate: 0.1, mode: slow, step: 3}",
            ("walk.step: unknown key (known: steps, rate, mode)",),
        ),
        ("{steps: 3, rate: 0.1, mode: slow, 5: 3}", ("walk.5",)),
        ("5", ("walk: must have these keys indented below it: steps, rate, mode",)),
        ("[steps]", ("walk: must have these keys indented below it: steps, rate, mode",)),
        ("", ("walk: must have these keys indented below it: steps, rate, mode",)),
        (
            "{steps: 0, rate: 0, mode: slow}",
            ("walk.steps = 0: should be", "; walk.rate = 0: should be"),
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path, walk, parts):
    message = refusal(write(tmp_path, f"walk: {walk}\nrest: {{minutes: 1}}"))
    assert [part for part in parts if part not in message] == []


def test_all_wrong_blocks_are_named_at_once(tmp_path):
    path = write(tmp_path, "rest: {minutes: soon}\nwalks: {}")
    assert refusal(path).split("; ") == [
        "walks: unknown block (known: walk, rest)",
        f"walk: the block is missing (`git diff {path}` shows what was removed)",
        "rest.minutes = 'soon': should be a valid integer",
    ]


def test_a_missing_block_is_named(tmp_path):
    path = write(tmp_path, "rest: {minutes: 1}")
    with pytest.raises(InputError, match=r"params.yaml: walk: the block is missing"):
        read_block(path, "walk", Walk)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("walk: {steps: 3", "is not YAML"),
        ("walk: 1\n  rest: 2", "is not YAML"),
        ("walk: \t3", "is not YAML"),
        ("", "must hold blocks (`name:` with its keys below it), but is empty"),
        ("- walk", "is a list: correct it, or undo all changes with `git checkout"),
        ("walk", "is a str: correct it"),
    ],
)
def test_a_file_that_holds_no_blocks_is_refused(tmp_path, content, reason):
    assert reason in refusal(write(tmp_path, content))


@pytest.mark.parametrize("value", ["2026-02-30", "0x_", "9" * 5000])
def test_a_value_that_yaml_takes_for_another_kind_and_cannot_read_is_refused(tmp_path, value):
    refusal(write(tmp_path, f"walk: {{steps: {value}, rate: 0.1, mode: slow}}\nrest: {{}}"))


@pytest.mark.parametrize("value", ["-0x" + "f" * 5000, "&a [[&b [9, 9], *b, *b], *a]", "x" * 9000])
def test_a_value_of_any_size_makes_a_short_line(tmp_path, value):
    text = f"walk: {{steps: {value}, rate: 0.1, mode: slow}}\nrest: {{minutes: 1}}"
    message = refusal(write(tmp_path, text))
    assert message.startswith("walk.steps = ")
    assert len(message) < 400


@pytest.mark.parametrize("content", ['"wa\\nlk": 1', 'walk: {"ste\\nps": 1}'])
def test_a_key_of_two_lines_makes_one_line(tmp_path, content):
    assert "unknown" in refusal(write(tmp_path, content))


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path):
    path = tmp_path / "params.yaml"
    assert refusal(path).startswith(
        "is missing: run this in the project's folder, or bring it back"
    )
    path.write_bytes(b"walk: \xff")
    assert refusal(path).startswith("is not UTF-8 ")


def test_the_upscaling_is_read_from_a_block_that_holds_more():
    block = yaml.safe_load(KNOBS_FILE.read_text("utf-8"))["train_sr"]
    assert read_block(KNOBS_FILE, "train_sr", Upscaling).scale == block["scale"]


# The repository's own params.yaml, knob by knob. The knobs come from the models.


def knobs(schema, values, path, parts):
    """Paths of all single values of a block, with the JSON schema that its model has for each."""
    match schema:
        case {"$ref": name}:
            yield from knobs(parts[name.removeprefix("#/$defs/")], values, path, parts)
            return
        case {"properties": fields}:
            inside = [(name, fields[name]) for name in fields]
        case {"items": item}:
            inside = [(index, item) for index in range(len(values))]
        case {"additionalProperties": item}:
            inside = [(name, item) for name in values]
        case _:
            yield path, schema
            return
    for name, part in inside:
        yield from knobs(part, values[name], (*path, name), parts)


def leaves(values, path=()):
    """Paths of all single values in nested mappings and lists."""
    if isinstance(values, dict | list):
        for name, value in values.items() if isinstance(values, dict) else enumerate(values):
            yield from leaves(value, (*path, name))
    else:
        yield path


def replaced(values, path, value):
    changed = copy.deepcopy(values)
    place = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return changed


CONTENT = yaml.safe_load(KNOBS_FILE.read_text("utf-8"))
SCHEMAS = {block: model.model_json_schema() for block, model in MODELS.items()}
KNOBS = {
    path: schema
    for block, whole in SCHEMAS.items()
    for path, schema in knobs(whole, CONTENT[block], (block,), whole.get("$defs"))
}
RANGED = {path: schema for path, schema in KNOBS.items() if schema["type"] != "boolean"}
NUMBERS = {path: schema for path, schema in RANGED.items() if schema["type"] != "string"}


def of_another_type(schema):
    """Values that are not of a knob's type, and numbers that are none."""
    wrong = [st.none(), st.lists(st.integers()), st.sampled_from([{}, {"a": 1}])]
    wrong.append(st.booleans() if schema["type"] != "boolean" else st.integers())
    wrong.append(
        st.floats() if schema["type"] != "number" else st.sampled_from([math.nan, math.inf])
    )
    wrong.append(st.text() if schema["type"] != "string" else st.integers())
    return st.one_of(wrong)


def out_of_range(schema):
    """Values of a knob's type that it does not allow."""
    numbers = st.integers if schema["type"] == "integer" else st.floats
    match schema:
        case {"enum": allowed}:
            kind = st.text() if schema["type"] == "string" else st.integers(-100, 100)
            return kind.filter(lambda value: value not in allowed)
        case {"exclusiveMinimum": least}:
            wrong = numbers(max_value=least)
        case {"minimum": least}:
            wrong = numbers(max_value=least).filter(lambda value: value < least)
    if most := schema.get("maximum"):
        wrong |= numbers(min_value=most).filter(lambda value: value > most)
    return wrong


def assert_refused(path, value):
    block = path[0]
    values = replaced(CONTENT, path, value)[block]
    with pytest.raises(InputError) as caught:
        check_block(KNOBS_FILE, block, values, MODELS[block])
    said = one_line(caught)
    assert f"{'.'.join(map(str, path))} = " in said
    assert ": should be " in said


def test_params_yaml_passes_and_every_value_in_it_has_a_model():
    check_file(KNOBS_FILE, MODELS)
    assert set(leaves(CONTENT)) == set(KNOBS)


@pytest.mark.parametrize("scales", [[], [2, 3, 2]])
def test_scales_are_some_and_all_different(scales):
    with pytest.raises(InputError) as caught:
        check_block(
            KNOBS_FILE, "make_patches", CONTENT["make_patches"] | {"scales": scales}, MakePatches
        )
    assert f"make_patches.scales = {scales}: " in one_line(caught)


@pytest.mark.parametrize("path", KNOBS, ids=lambda path: ".".join(map(str, path)))
@settings(max_examples=15)
@given(st.data())
def test_no_knob_takes_another_type(path, data):
    assert_refused(path, data.draw(of_another_type(KNOBS[path])))


@pytest.mark.parametrize("path", RANGED, ids=lambda path: ".".join(map(str, path)))
@settings(max_examples=15)
@given(st.data())
def test_no_knob_goes_out_of_range(path, data):
    assert_refused(path, data.draw(out_of_range(KNOBS[path])))


@pytest.mark.parametrize("path", NUMBERS, ids=lambda path: ".".join(map(str, path)))
def test_the_script_refuses_a_number_out_of_range(path, tmp_path, monkeypatch):
    """In the file of a user, who sees its name."""
    least = NUMBERS[path].get("minimum", 0)
    write(tmp_path, yaml.safe_dump(replaced(CONTENT, path, least - 1)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["check_params.py"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(ROOT / "src/check_params.py"), run_name="__main__")
    assert str(caught.value).startswith(
        f"check_params: params.yaml: {'.'.join(map(str, path))} = {least - 1}: should be "
    )


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("scale", 3, "train_sr.scale = 3: must be in make_patches.scales"),
        ("warmup_steps", 5000, "train_sr: warmup_steps = 5000 must be below"),
        ("validate_every", 5000, "validate_every = 5000 must be at most"),
    ],
)
def test_knobs_that_do_not_fit_together_are_refused(tmp_path, monkeypatch, key, value, message):
    write(tmp_path, yaml.safe_dump(replaced(CONTENT, ("train_sr", key), value)))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        check_params.main()
