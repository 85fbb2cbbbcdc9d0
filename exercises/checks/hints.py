"""What the checks share: they compare with the truth, and recognize typical mistakes."""

import ast
from collections.abc import Callable, Sequence
from copy import deepcopy
from numbers import Integral, Real
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from torch import Tensor


class NotYet(Exception):  # noqa: N818 - it is no error to be on the way
    """An exercise is not solved: one line that says what is wrong."""


class Unanswered(NotYet):
    """A statement has no answer yet."""


def find(answer: ModuleType, name: str) -> Any:
    """Give what an exercise asks for, by its name.

    Parameters
    ----------
    answer : module
        The student's file.
    name : str
        Of a function, a class or a table in it.

    Returns
    -------
    Any
    """
    if not hasattr(answer, name):
        raise NotYet(f"{Path(answer.__file__).name} has no `{name}`: the name must stay as it was")
    return getattr(answer, name)


def refuse(answer: ModuleType, *names: str) -> None:
    """See that a file takes none of these functions from a library: they would do the exercise.

    Parameters
    ----------
    answer : module
    *names : str
    """
    path = Path(answer.__file__)
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.Attribute(attr=name) | ast.alias(name=name) if name in names:
                line = f"{path.name}, line {node.lineno}"
                raise NotYet(f"{line}: {name} does the whole exercise: do without it")


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
        Arguments to call them with. Together they must tell all mistakes apart.
    mistakes : sequence of tuple
        Functions that make a mistake, each with its hint. The first that gives what the student's
        gives, in all cases, is the one.
    explain : callable, optional
        Says what a number in a result means.

    Raises
    ------
    NotYet
        With a hint, or with a case in which the result is another.
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
    """Compare what a student says about statements, in the table ANSWERS, with the truth.

    Parameters
    ----------
    answer : module
    statements : dict of str to tuple
        By its letter, whether a statement is true, and the hint for whoever says otherwise.

    Raises
    ------
    NotYet
        With the hint of the first wrong one.
    Unanswered
        If none is wrong, but one has no answer.
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
    """Say how a result differs from what is expected; None if it does not."""
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
