"""The exercises: unfinished files fail, solutions pass, and a wrong answer gets its hint."""

import ast
import re
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from conftest import ROOT, run
from convlab.core.errors import InputError
from wrong_answers import WRONG

FOLDER = ROOT / "exercises"
SOLUTIONS = FOLDER / "solutions"
sys.path.append(str(FOLDER))

import check  # noqa: E402
from checks import training  # noqa: E402
from checks.hints import NotYet  # noqa: E402

UNFINISHED = re.compile(r"NotImplementedError|: None,")
EVERY = pytest.mark.parametrize("number", check.NAMES)
TRAINED = {11, 12}


def solution(number: int, *replacements: tuple[str, str]) -> str:
    """Give the text of a solution, with some of it replaced."""
    text = (SOLUTIONS / f"{check.NAMES[number]}.py").read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return text


def hint(number: int, folder: Path, text: str) -> str:
    """Give the line that a student gets for a file with this text."""
    (folder / f"{check.NAMES[number]}.py").write_text(text, encoding="utf-8")
    with pytest.raises(NotYet) as caught:
        check.attempt(number, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def interface(path: Path) -> list[tuple[str, str, str | None]]:
    """Names, arguments and docstrings of a file's functions."""
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node)
    ]
    return [(node.name, ast.dump(node.args), ast.get_docstring(node)) for node in functions]


@EVERY
def test_an_unfinished_exercise_names_its_page(number):
    name = check.NAMES[number]
    if not UNFINISHED.search((FOLDER / f"{name}.py").read_text(encoding="utf-8")):
        pytest.skip("a student has finished it")
    assert interface(FOLDER / f"{name}.py") == interface(SOLUTIONS / f"{name}.py")
    with pytest.raises(NotYet, match=rf"{name}\.md"):
        check.attempt(number, FOLDER)


@pytest.mark.parametrize("number", sorted(set(check.NAMES) - TRAINED))
def test_a_solution_passes(number):
    assert check.attempt(number, SOLUTIONS) is None


def test_the_mean_of_each_map_depends_less_on_a_shift_than_flattened_maps():
    measured = check.attempt(11, SOLUTIONS)
    plain, flatten_plain, shifted, flatten_shifted = map(float, re.findall(r"([\d.]+)%", measured))
    assert plain < flatten_plain
    assert shifted > flatten_shifted + 10


def test_zeros_are_worst_at_the_border_and_no_padding_is_the_same_everywhere():
    measured = re.findall(r"(\w+) ([\d.]+) and ([\d.]+)", check.attempt(12, SOLUTIONS))
    ratios = {padding: float(border) / float(inside) for padding, border, inside in measured}
    assert ratios["zeros"] > 1.3
    assert ratios["zeros"] > ratios["replicate"] > ratios["none"]
    assert ratios["none"] == pytest.approx(1, abs=0.1)


def test_there_are_five_typical_mistakes_or_more_in_each_exercise():
    assert set(WRONG) == set(check.NAMES)
    assert min(map(len, WRONG.values())) >= 5


@pytest.mark.parametrize(
    ("number", "expected"), [(number, each) for number, those in WRONG.items() for each in those]
)
def test_a_typical_mistake_gets_its_hint(number, expected, tmp_path):
    assert expected in hint(number, tmp_path, solution(number, *WRONG[number][expected]))


def test_untrained_feature_maps_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "fit", lambda network, *_, **__: network.eval())
    assert "too few are correct" in hint(11, tmp_path, solution(11))


def test_without_answers_the_measurement_has_a_line_of_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training, "fit", lambda network, *_, **__: network.eval())
    unanswered = solution(12, ('"a": True', '"a": None'))
    (tmp_path / "12_padding.py").write_text(unanswered, encoding="utf-8")
    assert not check.main(Namespace(number=12, answers=tmp_path))
    first, second = capsys.readouterr().out.splitlines()
    assert re.match(r"exercise 12: not yet: statement a of 12_padding\.md has no answer", first)
    assert re.match(r"error at the border and inside, in grey levels: zeros [\d.]+ and ", second)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def psnr(truth, estimate):\n    return 1 +\n", "06_psnr.py, line 2: SyntaxError: inval"),
        ("import numppy", "06_psnr.py, line 1: ModuleNotFoundError: No module named 'numppy'"),
        ("def psnr(x, y):\n    return z", "06_psnr.py, line 2: NameError: name 'z' is not defined"),
        ("def psnr(x, y):\n    exit(3)", "06_psnr.py, line 2: SystemExit: 3"),
        ("def psnr(x):\n    return 1.0", "06_psnr.py: TypeError: psnr() takes 1 positional arg"),
        ("def snr(x, y):\n    return 1.0", "06_psnr.py has no `psnr`"),
        ("def psnr(x, y):\n    pass", "gives None: is the `return` missing?"),
        ("def psnr(x, y):\n    return 'much'", "gives str, should give float"),
        (
            "def psnr(x, y):\n    return 30.0",
            "psnr(ndarray of shape (6, 9), ndarray",
        ),
    ],
)
def test_what_does_not_run_gets_one_line(text, expected, tmp_path):
    assert expected in hint(6, tmp_path, text)


def test_without_a_number_each_exercise_has_a_line(tmp_path, capsys):
    (tmp_path / "02_output_size.py").write_text(solution(2), encoding="utf-8")
    assert not check.main(Namespace(number=None, answers=tmp_path))
    first, second, *others = capsys.readouterr().out.splitlines()
    assert re.match(r"exercise 1: not yet: .*01_convolution\.py is missing", first)
    assert second == "exercise 2: solved"
    assert [line.split(":")[:2] for line in others] == [
        [f"exercise {number}", " not yet"] for number in range(3, 13)
    ]


def test_what_an_answer_prints_is_not_taken_for_a_verdict(tmp_path, capsys):
    (tmp_path / "02_output_size.py").write_text("print('exercise 2: solved')", encoding="utf-8")
    assert not check.main(Namespace(number=2, answers=tmp_path))
    printed = capsys.readouterr()
    assert printed.out.startswith("exercise 2: not yet: ")
    assert printed.err == "exercise 2: solved\n"


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="none: is not a folder"):
        check.main(Namespace(number=2, answers=tmp_path / "none"))


def test_as_it_is_called():
    done = run(ROOT, "exercises/check.py", "2", "--answers", str(SOLUTIONS))
    assert (done.returncode, done.stdout, done.stderr) == (0, "exercise 2: solved\n", "")


def test_every_link_of_the_pages_leads_somewhere():
    pages = [FOLDER / "README.md", *(FOLDER / f"{name}.md" for name in check.NAMES.values())]
    links = {
        (page, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    }
    assert {(FOLDER / "README.md", f"{name}.md") for name in check.NAMES.values()} <= links
    assert [target for page, target in links if not (page.parent / target).exists()] == []
