"""Read `params.yaml`, one block at a time, and check it against its model.

The model of a block is a subclass of `Params`, in the module that the block
configures. This module does not import any of them.
"""

import reprlib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.error import MarkedYAMLError

from convlab.core.errors import InputError, reason

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Threads = Annotated[int, Field(ge=1, le=1024)]
Scale = Literal[2, 3, 4]


_YAML_LETS_THROUGH = (ValueError, KeyError, AttributeError, RecursionError)
"""Other exceptions of the parser, for values such as 2026-02-30 or `!!bool x`, or deep nesting."""


class Params(BaseModel):
    """A block of parameters: no unknown key, no coercion, no change after reading."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True
    )


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200

Block = TypeVar("Block", bound=BaseModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping, as DVC does: YAML 1.2, where 042 is 42.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If the file cannot be read, is not YAML, holds a key twice, or is not a mapping.
    """
    remedy = f"correct it, or undo all changes with `git checkout {path}`"
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: is missing: run this in the project's folder, or bring it back with"
            f" `git checkout {path}`"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 ({error}): save it as UTF-8") from error
    except MarkedYAMLError as error:
        place = f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}"
        raise InputError(f"{path}: is not YAML: {place}: {error.problem}: {remedy}") from error
    except (YAMLError, *_YAML_LETS_THROUGH) as error:
        raise InputError(f"{path}: is not YAML: {error}: {remedy}") from error
    if not isinstance(content, dict):
        kind = "empty" if content is None else f"a {type(content).__name__}"
        raise InputError(
            f"{path}: must hold blocks (`name:` with its keys below it), but is {kind}: {remedy}"
        )
    return content


def check_block(path: Path, block: str, values: Any, model: type[Block]) -> Block:
    """Check the values of one block against its model.

    Parameters
    ----------
    path : Path
        The file that the values come from; only used in error messages.
    block : str
        The block's key in the file.
    values : Any
        The value of that key.
    model : type of BaseModel
        Model of the block: its keys and what they may be.

    Returns
    -------
    Params
        The checked block, an instance of `model`.

    Raises
    ------
    InputError
        Names every wrong key with its path, its value and what is allowed.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(_describe(block, fault, model) for fault in error.errors())
        raise InputError(f"{path}: {faults}") from error


def read_block(path: Path, block: str, model: type[Block]) -> Block:
    """Read one block of a parameter file and check it against its model.

    Parameters
    ----------
    path : Path
    block : str
        The block's key; keys of nested blocks are joined by dots, such as `networks.espcn`.
    model : type of BaseModel

    Returns
    -------
    BaseModel
        The checked block, an instance of `model`.

    Raises
    ------
    InputError
        For the reasons of `read_yaml` and `check_block`, or if the file has no such block.
    """
    values: Any = read_yaml(path)
    for key in block.split("."):
        if not isinstance(values, dict) or key not in values:
            raise InputError(f"{path}: {block}: {_missing(path, block)}")
        values = values[key]
    return check_block(path, block, values, model)


def check_file(path: Path, models: dict[str, type[BaseModel]]) -> None:
    """Check that a parameter file has exactly the blocks in `models`, and that each is valid.

    Raises
    ------
    InputError
        Names all faults in one line.
    """
    content = read_yaml(path)
    faults = [
        f"{block}: unknown block (known: {', '.join(models)})"
        for block in content
        if block not in models
    ]
    for block, model in models.items():
        try:
            if block not in content:
                raise InputError(f"{path}: {block}: {_missing(path, block)}")
            check_block(path, block, content[block], model)
        except InputError as error:
            faults.append(str(error).removeprefix(f"{path}: "))
    if faults:
        raise InputError(f"{path}: {'; '.join(faults)}")


def _missing(path: Path, block: str) -> str:
    parent, _, name = block.rpartition(".")
    if parent:
        return f"the block is missing: write `{name}: {{}}` under `{parent}:`"
    return f"the block is missing (`git diff {path}` shows what was removed)"


def _describe(block: str, fault: Any, model: type[BaseModel]) -> str:
    """Describe one fault as `block.key = value: what is allowed`."""
    key = ".".join([block, *map(str, fault["loc"])])
    match fault["type"]:
        case "missing":
            return f"{key}: is missing (`git diff` shows what was removed)"
        case "extra_forbidden":
            known = _schema(model, fault["loc"][:-1])["properties"]
            return f"{key}: unknown key (known: {', '.join(known) or 'none'})"
        case "model_type":
            known = _schema(model, fault["loc"])["properties"]
            return f"{key}: must have these keys indented below it: {', '.join(known)}"
        case "dict_type":
            return f"{key}: must have keys and values below it (`git diff` shows what was removed)"
        case _:
            said = fault["msg"].removeprefix("Input ").removeprefix("Value error, ")
            is_block = not fault["loc"] and isinstance(fault["input"], dict)
            value = "" if is_block else f" = {_shown(fault['input'])}"
            return f"{key}{value}: {said}{_hint(fault, model)}"


def _shown(value: Any) -> str:
    """Give a value as text for a message, shortened if it is long."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # Python does not print numbers of more than 4,300 digits
        return "a number of thousands of digits"


def _hint(fault: Any, model: type[BaseModel]) -> str:
    """Give the allowed range of a number in words."""
    schema = _schema(model, fault["loc"])
    words = {
        "minimum": "{} or more",
        "exclusiveMinimum": "above {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "below {}",
    }
    bounds = [text.format(schema[key]) for key, text in words.items() if key in schema]
    return f" (allowed: {', '.join(bounds)})" if bounds else ""


def _schema(model: type[BaseModel], place: tuple[str | int, ...]) -> dict[str, Any]:
    """Give the JSON schema at a place inside a block, or {} if the model has no such place."""
    whole = model.model_json_schema()
    schema = whole
    for step in place:
        inside = schema.get("properties", {}).get(step)
        schema = inside or schema.get("items") or schema.get("additionalProperties") or {}
        if "$ref" in schema:
            schema = whole["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema
