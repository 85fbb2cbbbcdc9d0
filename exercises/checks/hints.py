"""What the checks have in common: compare results, and recognize typical mistakes."""

import ast
from collections.abc import Callable, Sequence
from copy import deepcopy
from numbers import Integral, Real
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from torch import Tensor


class NotYet(Exception):  # noqa: N818 - an unsolved exercise is not an error
    """An exercise is not solved; the message says in one line what is wrong."""

    measured: str | None = None
    """The result of a measurement, if the student needs it to go on."""


class Unanswered(NotYet):
    """A statement has no answer yet."""


def find(answer: ModuleType, name: str) -> Any:
    """Give an object of the student's file by its name.

    Parameters
    ----------
    answer : module
        The student's file.
    name : str
        Name of a function, a class or a table in it.

    Returns
    -------
    Any
    """
    if not hasattr(answer, name):
        raise NotYet(f"{Path(answer.__file__).name} has no `{name}`: do not change this name")
    return getattr(answer, name)


def refuse(answer: ModuleType, *names: str) -> None:
    """Refuse a file that uses library functions that do the whole exercise.

    Parameters
    ----------
    answer : module
    *names : str
        Names of these functions.
    """
    path = Path(answer.__file__)
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.Attribute(attr=name) | ast.alias(name=name) if name in names:
                line = f"{path.name}, line {node.lineno}"
                raise NotYet(f"{line}: {name} does the whole exercise: do not use it")


def judge(
    given: Callable,
    correct: Callable,
    cases: Sequence[tuple],
    mistakes: Sequence[tuple[Callable, str]],
    *,
    explain: Callable[[Any], str] = "{:.6g}".format,
) -> None:
    """Compare a student's function with the correct one, and name the mistake.

    Parameters
    ----------
    given, correct : callable
    cases : sequence of tuple
        Arguments to call them with. The cases together must distinguish all mistakes.
    mistakes : sequence of tuple
        Functions that make a mistake, each with its hint. The hint of the first function with the
        same results as the student's is given.
    explain : callable, optional
        Says what a number in a result means.

    Raises
    ------
    NotYet
        With a hint, or with a case in which the result is wrong.
    """
    results = [given(*deepcopy(case)) for case in cases]
    for function, hint in [(correct, ""), *mistakes]:
        if all(
            _fault(result, function(*case)) is None
            for case, result in zip(cases, results, strict=True)
        ):
            if hint:
                raise NotYet(hint)
            return
    for case, result in zip(cases, results, strict=True):
        if fault := _fault(result, correct(*case), explain):
            raise NotYet(f"{given.__name__}({', '.join(map(_show, case))}) {fault}")


def judge_statements(answer: ModuleType, statements: dict[str, tuple[bool, str]]) -> None:
    """Compare a student's answers to statements, in the table ANSWERS, with the correct ones.

    Parameters
    ----------
    answer : module
    statements : dict of str to tuple
        For each letter, whether the statement is true, and the hint for a wrong answer.

    Raises
    ------
    NotYet
        With the hint of the first wrong answer.
    Unanswered
        If no answer is wrong, but one is missing.
    """
    answers = find(answer, "ANSWERS")
    if not isinstance(answers, dict) or set(answers) != set(statements):
        raise NotYet(f"ANSWERS should be a dict with the keys {', '.join(statements)}")
    for letter, (truth, hint) in statements.items():
        said = answers[letter]
        if not isinstance(said, bool | None):
            raise NotYet(f"statement {letter}: write True or False, not {said!r}")
        if said is (not truth):
            raise NotYet(f"statement {letter}: {hint}")
    for letter, said in answers.items():
        if said is None:
            page = f"{Path(answer.__file__).stem}.md"
            raise Unanswered(f"statement {letter} of {page} has no answer: write True or False")


def _show(value: Any) -> str:
    if isinstance(value, np.ndarray | Tensor):
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    return repr(value) if isinstance(value, int | float | str | list) else type(value).__name__


def _fault(result: Any, expected: Any, explain: Callable = str) -> str | None:
    """Say how a result differs from the expected one; None if it does not."""
    if result is None:
        return "gives None: is the `return` missing?"
    if isinstance(result, np.ndarray | Tensor) and not result.ndim:
        result = result.item()
    kind = {int: Integral, float: Real}.get(type(expected), type(expected))
    if not isinstance(result, kind):
        return f"gives {type(result).__name__}, should give {type(expected).__name__}"
    if isinstance(expected, np.ndarray | Tensor):
        return _fault_in_array(*map(_as_array, (result, expected)), explain)
    equal = result == expected if isinstance(expected, int) else np.isclose(result, expected)
    return None if equal else f"gives {explain(result)}, should give {explain(expected)}"


def _fault_in_array(result: np.ndarray, expected: np.ndarray, explain: Callable) -> str | None:
    if result.shape != expected.shape:
        return f"has shape {result.shape}, should have {expected.shape}"
    if result.dtype.kind != expected.dtype.kind:
        return f"is of {result.dtype}, should be of {expected.dtype}"
    differs = np.argwhere(~np.isclose(result, expected, atol=1e-5))
    if not len(differs):
        return None
    place = tuple(map(int, differs[0]))
    return f"has {explain(result[place])} at {list(place)}, should have {explain(expected[place])}"


def _as_array(values: np.ndarray | Tensor) -> np.ndarray:
    return values.detach().numpy() if isinstance(values, Tensor) else values
