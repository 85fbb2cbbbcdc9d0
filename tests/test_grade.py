"""`tools/grade.py`: what is taken from a branch, what is measured, and the table."""

import io
import json
import shutil
from argparse import ArgumentParser
from contextlib import chdir, redirect_stdout
from subprocess import CompletedProcess

import pytest
import yaml

from conftest import ROOT, git
from convlab.core.errors import InputError
from convlab.core.params import read_block, read_yaml
from own_networks import upscaler
from tools import check_network, grade
from tools.metrics import Regression

LIMITS = grade.Limits(gain_psnr=1.5, parameters=1000, pflop=0.01, exercises=2)
METRICS = "metrics/evaluate_sr_x2.json"
MINE = "src/convlab/superres/networks/mine.py"
FIND_SOLVED, CHECK_NETWORK = grade.find_solved, grade.check_network
MEASURED = {"network": {"psnr": 31.0, "ssim": 0.9}, "gain": {"psnr": 2.0, "ssim": 0.05}}
COST = {"parameters": 500, "PFLOP": 0.001}


def grade_branches(folder, *branches, form="json"):
    """Call the script in a folder; give what it prints, for machines its rows by branch."""
    parser = ArgumentParser()
    grade.add_options(parser)
    with chdir(folder), redirect_stdout(io.StringIO()) as printed:
        grade.main(parser.parse_args([*branches, *([] if form == "text" else [f"--{form}"])]))
    if form == "json":
        return {row["branch"]: row for row in json.loads(printed.getvalue())["grades"]}
    return printed.getvalue()


def add_branch(folder, name, files, start="main"):
    """Commit changes on a new branch: a file's content by its path, None to remove it."""
    git(folder, "checkout", "--quiet", "-b", name, start)
    for path, content in files.items():
        if content is None:
            (folder / path).unlink()
        else:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", f"--message={name}")
    git(folder, "checkout", "--quiet", "main")


def params_with(folder, block, **changes):
    """The text of params.yaml with some keys of a block changed."""
    content = yaml.safe_load((folder / "params.yaml").read_text())
    content[block] |= changes
    return yaml.safe_dump(content, sort_keys=False)


def row_of(**figures):
    return dict.fromkeys(grade.FIGURES) | figures


@pytest.mark.parametrize(
    ("figures", "violations"),
    [
        ({}, []),
        ({"parameters": 1000, "PFLOP": 0.01, "gain": 1.5, "exercises": 2}, []),
        ({"parameters": 1234567}, ["parameters 1,234,567, at most 1,000 wanted"]),
        ({"PFLOP": 0.0101}, ["PFLOP 0.0101, at most 0.01 wanted"]),
        ({"gain": -0.3}, ["gain -0.3, at least 1.5 wanted"]),
        (
            {"gain": 1.4999, "exercises": 0},
            ["gain 1.4999, at least 1.5 wanted", "exercises 0, at least 2 wanted"],
        ),
    ],
)
def test_a_figure_beyond_its_limit_is_named_with_it(figures, violations):
    assert LIMITS.violations(row_of(**figures)) == violations


def test_the_committed_limits_are_valid_and_the_default_network_keeps_to_them():
    limits = read_block(ROOT / "grading.yaml", "limits", grade.Limits)
    trained = json.loads((ROOT / "metrics/train_sr_x2.json").read_text())
    gain = json.loads((ROOT / METRICS).read_text())["gain"]["psnr"]
    assert limits.violations(row_of(parameters=trained["parameters"], gain=gain)) == []


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "hm\ncheck_network: student: the output is (1, 4, 32, 32)\n",
            "student: the output is (1, 4, 32, 32)",
        ),
        (
            "step 5, loss 0.1\ntrain_sr: loss is nan (former outputs: `dvc checkout`)\n"
            "ERROR: failed to reproduce 'train_sr@2': exited with 1\n",
            "train_sr: loss is nan",
        ),
        (
            'Traceback:\n  File "a.py", line 1\ntorch.OutOfMemoryError: too large\nERROR: failed\n',
            "torch.OutOfMemoryError: too large",
        ),
        ("Running\nERROR: failed to pull\n", "ERROR: failed to pull"),
    ],
)
def test_of_what_a_program_says_the_line_that_helps_is_kept(said, line):
    assert grade.complaint(said) == line


def test_metrics_that_differ_beyond_the_tolerances_are_named():
    rules = read_block(ROOT / "params.yaml", "regression", Regression)

    def differences(network):
        committed = {"evaluate_sr_x2": MEASURED | {"network": network}}
        return grade.describe_differences(committed, {"evaluate_sr_x2": MEASURED}, rules)

    assert differences({"psnr": 31.04, "ssim": 0.9001}) == []
    start = "its metrics differ from those measured here: evaluate_sr_x2.network"
    (fault,) = differences({"psnr": 33.1, "ssim": 0.9})
    assert fault == f"{start}.psnr 33.1 in the branch, 31.0 here"
    (fault,) = differences({"psnr": "high", "ssim": 0.99, "other": 1})
    assert fault == f"{start}.psnr high in the branch, 31.0 here, and 2 more"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Give a repository with what grading reads, in which nothing is trained.

    Beside it, the list of the clones that would have been trained.
    """
    networks = [f"src/convlab/superres/networks/{each}.py" for each in ("equivariant", "student")]
    for name in ("params.yaml", ".gitignore", *networks):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    for name, text in {
        ".dvc/config": "",
        ".dvc/.gitignore": "/config.local\n/tmp\n",
        "exercises/01_one.py": "to do",
        "exercises/check.py": "the teacher's",
        METRICS: json.dumps(MEASURED),
        "grading.yaml": yaml.safe_dump({"limits": dict(LIMITS)}),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "--initial-branch=main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message=The course")
    trained = []

    def measure(clone, scale):
        trained.append(clone.name)
        return f"evaluate_sr_x{scale}", MEASURED

    monkeypatch.setattr(grade, "find_cache", lambda: "cache")
    monkeypatch.setattr(grade, "find_solved", lambda clone: [1, 3])
    monkeypatch.setattr(grade, "check_network", lambda clone, network: COST)
    monkeypatch.setattr(grade, "measure", measure)
    return tmp_path, trained


def test_only_what_students_hand_in_is_taken(course):
    folder, _ = course
    params = yaml.safe_load(params_with(folder, "train_sr", network="mine", steps=3000))
    params["networks"]["mine"] = {"width": 3, "mode": "1e3"}  # no number in YAML 1.1
    params["render_tsne"]["perplexity"] = 20
    add_branch(
        folder,
        "anna",
        {
            MINE: "mine",
            "params.yaml": json.dumps(params),
            "exercises/01_one.py": "done",
            "exercises/check.py": "print('solved')",
            "exercises/torch.py": "not the real one",
            "src/convlab/superres/networks/__init__.py": "cheat",
            "src/convlab/superres/metrics.py": "cheat",
            METRICS: json.dumps(MEASURED, indent=2),
        },
    )
    git(folder, "checkout", "--quiet", "-b", "later")  # the teacher went on
    (folder / "README.md").write_text("Read me")
    git(folder, "add", ".")
    git(folder, "commit", "--message=Go on")
    row = grade_branches(folder, "anna")["anna"]
    assert row["verdict"] == "passed"
    assert row["network"] == "mine"
    assert row["also changed"].split(", ") == [
        "exercises/check.py",
        "exercises/torch.py",
        "src/convlab/superres/metrics.py",
        "src/convlab/superres/networks/__init__.py",
        "params.yaml: render_tsne",
    ]
    clone = folder / ".work/grade/anna"
    assert (clone / MINE).read_text() == "mine"
    assert (clone / "exercises/01_one.py").read_text() == "done"
    assert (clone / "exercises/check.py").read_text() == "the teacher's"
    assert (clone / "README.md").exists()
    for name in row["also changed"].split(", ")[1:-1]:
        assert not (clone / name).exists()
    graded = read_yaml(clone / "params.yaml")
    assert graded["train_sr"] == params["train_sr"]
    assert graded["networks"] == params["networks"]
    assert graded["render_tsne"]["perplexity"] == 30


def test_a_link_leads_nowhere(course):
    folder, _ = course
    (folder / "secret.py").write_text("secret")
    path = folder / "src/convlab/superres/networks/linked.py"
    path.symlink_to(folder / "secret.py")
    git(folder, "checkout", "--quiet", "-b", "linked")
    git(folder, "add", str(path))
    git(folder, "commit", "--message=linked")
    git(folder, "checkout", "--quiet", "main")
    grade_branches(folder, "linked")
    taken = folder / ".work/grade/linked" / path.relative_to(folder)
    assert not taken.is_symlink()
    assert taken.read_text() == str(folder / "secret.py")


def test_a_network_that_was_not_committed_is_named(course):
    folder, trained = course
    add_branch(folder, "forgot", {"params.yaml": params_with(folder, "train_sr", network="mine")})
    row = grade_branches(folder, "forgot")["forgot"]
    fault = f"the branch has no {MINE}: was it committed (`git add`)?"
    assert row["verdict"] == f"failed: {fault}"
    assert (row["network"], row["own file"], row["exercises"]) == ("mine", "no", 2)
    assert trained == []


def test_a_network_of_the_course_is_told_from_a_students_own(course):
    folder, _ = course
    params = params_with(folder, "train_sr", network="mine")
    given = params_with(folder, "train_sr", network="student")
    student = MINE.replace("mine", "student")
    add_branch(folder, "exercises", {"exercises/01_one.py": "done"})
    add_branch(folder, "settings", {"params.yaml": given})
    add_branch(folder, "unused", {MINE: "mine"})
    add_branch(folder, "changed", {"params.yaml": given, student: "changed"})
    add_branch(folder, "removed", {"params.yaml": given, student: None})
    add_branch(folder, "new", {"params.yaml": params, MINE: "mine"})
    branches = ("exercises", "settings", "unused", "changed", "removed", "new")
    own = {branch: row["own file"] for branch, row in grade_branches(folder, *branches).items()}
    answers = ("no", "no", "no", "yes", "no", "yes")
    assert own == dict(zip(branches, answers, strict=True))


def test_what_costs_too_much_is_not_trained(course, monkeypatch):
    folder, trained = course
    add_branch(folder, "large", {MINE: "mine"})
    monkeypatch.setattr(grade, "check_network", lambda clone, network: COST | {"parameters": 2000})
    row = grade_branches(folder, "large")["large"]
    assert row["verdict"] == "failed: parameters 2,000, at most 1,000 wanted"
    assert (row["PSNR"], row["exercises"]) == (None, 2)
    assert trained == []


def test_too_few_exercises_fail_a_network_that_is_trained_all_the_same(course, monkeypatch):
    folder, trained = course
    add_branch(folder, "lazy", {MINE: "mine"})
    monkeypatch.setattr(grade, "find_solved", lambda clone: [3])
    row = grade_branches(folder, "lazy")["lazy"]
    assert row["verdict"] == "failed: exercises 1, at least 2 wanted"
    assert (row["PSNR"], row["solved"]) == (31.0, [3])
    assert trained == ["lazy"]


def test_a_branch_that_cannot_be_graded_is_a_row_that_says_why(course):
    folder, trained = course
    content = yaml.safe_load((folder / "params.yaml").read_text())
    del content["train_sr"]
    add_branch(folder, "other", {"README.md": "Only this"})
    add_branch(folder, "no-yaml", {"params.yaml": "train_sr: ["})
    add_branch(folder, "no-block", {"params.yaml": yaml.safe_dump(content)})
    add_branch(folder, "range", {"params.yaml": params_with(folder, "train_sr", steps=0)})
    add_branch(folder, "no-metrics", {MINE: "mine", METRICS: None})
    add_branch(folder, "no-json", {MINE: "mine", METRICS: "{"})
    reasons = {
        "nobody": "'nobody' names no commit here",
        "other": "nothing handed in",
        "no-yaml": "params.yaml: is not YAML: line 1",
        "no-block": "params.yaml: train_sr: must have these keys",
        "range": "params.yaml: train_sr.steps = 0: should be greater than or equal to 1",
        "no-metrics": f"its {METRICS} is missing",
        "no-json": "metrics/evaluate_sr_x2.json: is not JSON",
    }
    rows = grade_branches(folder, *reasons)
    assert rows.keys() == reasons.keys()
    for branch, reason in reasons.items():
        verdict = rows[branch]["verdict"]
        assert verdict.startswith("failed: ")
        assert reason in verdict
        assert "\n" not in verdict
    assert trained == ["no-metrics", "no-json"]


def test_the_best_comes_first_and_what_failed_last(course, monkeypatch):
    folder, _ = course
    psnrs = {"good": 31.0, "better": 31.04, "forged": 33.0}
    for branch in psnrs:
        add_branch(folder, branch, {MINE: branch})

    def measure(clone, scale):
        network = MEASURED["network"] | {"psnr": psnrs[clone.name]}
        return "evaluate_sr_x2", MEASURED | {"network": network}

    monkeypatch.setattr(grade, "measure", measure)
    branches = ("nobody", "forged", "good", "better")
    assert list(grade_branches(folder, *branches)) == ["better", "good", "forged", "nobody"]
    table = grade_branches(folder, *branches, form="markdown").splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table if "|" in line]
    assert cells[0] == [*grade.FIGURES, "verdict", "also changed"]
    best = ["better", "equivariant", "no", "500", "0.001", "31.04", "2", "0.9", "2", "passed", "-"]
    assert cells[2] == best
    assert table[-1].startswith("2 of 4 passed: at least 1.5 dB over bicubic and 2 exercises, at")


def test_in_a_terminal_the_verdicts_are_below_the_figures(course):
    folder, _ = course
    also = {f"src/convlab/superres/{name}.py": "cheat" for name in ("metrics", "training", "cost")}
    metrics = json.dumps(MEASURED | {"network": {"psnr": 34.0, "ssim": 0.9}})
    add_branch(folder, "ann", {MINE: "mine", METRICS: metrics} | also)
    printed = grade_branches(folder, "ann", form="text")
    figures, below = printed.split("Verdicts")
    assert " ".join(figures.splitlines()[-2].split()) == "ann equivariant no 500 0.001 31 2 0.9 2"
    assert max(map(len, printed.splitlines()[:-1])) <= 110  # the last line is the conclusion
    words = ["failed:", "its", "metrics", "evaluate_sr_x2.network.psnr", "34.0", "31.0", *also]
    assert all(word in below.replace(",", "").split() for word in words)


def test_the_log_has_all_that_was_printed_in_the_last_grading(course, monkeypatch):
    folder, _ = course
    said = "exercise 1: solved\nexercise 2: not yet: a hint"
    (folder / "exercises/check.py").write_text(f"print({said!r})")
    git(folder, "commit", "--all", "--message=A check")
    add_branch(folder, "student/ann", {MINE: "mine"})
    monkeypatch.setattr(grade, "find_solved", FIND_SOLVED)
    monkeypatch.setattr(grade, "check_network", CHECK_NETWORK)  # which is not in this course
    for _ in range(2):
        row = grade_branches(folder, "student/ann")["student/ann"]
    assert (row["exercises"], row["solved"]) == (1, [1])
    log = (folder / ".work/grade/student-ann.log").read_text()
    check, network = log.split("$ python ")[1:]
    assert check.startswith(f"exercises/check.py\n{said}\n")
    assert network.startswith("src/tools/check_network.py --track superres --json -- equivariant\n")
    assert "can't open file" in network
    assert log.endswith(f"student/ann: {row['verdict']}\n")


def test_a_branch_without_common_history_is_compared_with_the_last_commit(course):
    """As those of copies that GitHub makes of a template repository."""
    folder, _ = course
    git(folder, "checkout", "--quiet", "--orphan", "template/anna")
    (folder / MINE).write_text("mine")
    git(folder, "add", ".")
    git(folder, "commit", "--message=All at once")
    git(folder, "checkout", "--quiet", "main")
    row = grade_branches(folder, "template/anna")["template/anna"]
    assert (row["verdict"], row["also changed"]) == ("passed", None)
    assert (folder / ".work/grade/template-anna" / MINE).read_text() == "mine"


def test_a_wrong_limit_is_named(course):
    folder, _ = course
    (folder / "grading.yaml").write_text("limits: {gain_psnr: 1, parameters: 0, pflop: 1}")
    git(folder, "commit", "--all", "--message=Wrong limits")
    with pytest.raises(InputError, match=r"grading.yaml: limits.parameters = 0: .*exercises: is"):
        grade_branches(folder, "main")


def test_limits_that_are_not_committed_are_refused(course):
    folder, _ = course
    with (folder / "grading.yaml").open("a") as file:
        file.write("# higher\n")
    with pytest.raises(InputError, match=r"^grading\.yaml has changes that are not in a commit"):
        grade_branches(folder, "main")


NETWORK = upscaler(
    """
    self.convolution = nn.Conv2d(1, scale**2, kernel_size=3, padding=1)
    nn.init.zeros_(self.convolution.weight)
    nn.init.zeros_(self.convolution.bias)
    """,
    """
    residual = self.convolution(low)
    return bicubic(low, self.scale) + pixel_shuffle(residual, self.scale)
    """,
)


def test_the_figures_are_those_that_the_check_of_a_network_gives(monkeypatch):
    """In this process, which spares a start-up."""

    def run(clone, script, *options, patience):
        with chdir(clone), redirect_stdout(io.StringIO()) as printed:
            parser = ArgumentParser()
            check_network.add_options(parser)
            check_network.main(parser.parse_args(options))
        return CompletedProcess(script, 0, printed.getvalue(), "")

    examine = check_network.EXAMINE["superres"]

    def examine_and_print(name):
        print("{what a network prints}")
        return examine(name)

    monkeypatch.setattr(grade, "run", run)
    monkeypatch.setitem(check_network.EXAMINE, "superres", examine_and_print)
    monkeypatch.setattr(check_network, "prepare", lambda _: None)  # torch is the other tests', too
    figures = grade.check_network(ROOT, "student")
    params = read_yaml(ROOT / "params.yaml")["train_sr"]
    pflop = params["steps"] * params["batch_size"] * 48**2 * 25 * 6 / 1e15
    assert figures == {"parameters": 104, "PFLOP": pytest.approx(pflop, rel=1e-5)}  # six digits


@pytest.mark.parametrize(
    ("done", "reason"),
    [
        ((1, "", "check_network: mine: no output\n"), "mine: no output"),
        ((0, "", ""), "mine: its check ended without figures"),
        ((0, "{}", ""), "mine: its check ended without figures"),
    ],
)
def test_a_network_that_is_broken_is_said_to_be(monkeypatch, done, reason):
    monkeypatch.setattr(grade, "run", lambda *_, **__: CompletedProcess("check", *done))
    with pytest.raises(InputError, match=f"^{reason}$"):
        grade.check_network(ROOT, "mine")


def test_a_check_that_does_not_end_is_stopped(tmp_path):
    clone = tmp_path / "ann"
    clone.mkdir()
    text = "print('exercise 1: solved', flush=True)\nwhile True:\n    pass\n"
    (clone / "check.py").write_text(text)
    with pytest.raises(InputError, match=r"check.py: stopped after 0.5 seconds"):
        grade.run(clone, "check.py", patience=0.5)
    assert "exercise 1: solved" in (tmp_path / "ann.log").read_text()


def test_solved_exercises_are_found(tmp_path):
    """By the real check of two exercises, of which one is solved."""
    clone = tmp_path / "ann"
    folder = clone / "exercises"
    shutil.copytree(ROOT / "exercises", folder)
    for path in sorted(folder.glob("checks/[0-9]*.py"))[2:]:
        path.unlink()
    shutil.copy(folder / "solutions/01_convolution.py", folder)
    assert grade.find_solved(clone) == [1]
    log = (tmp_path / "ann.log").read_text()
    assert "exercise 2: not yet: 02_output_size.py, line" in log


@pytest.fixture(scope="module")
def graded(checkout):
    """Give the rows of two branches that are really trained and measured, and their clones."""
    add_branch(checkout, "good", {"exercises/01_convolution.py": "done"})
    params = yaml.safe_load(params_with(checkout, "train_sr", network="mine"))
    params["networks"]["mine"] = {}
    metrics = json.loads((checkout / METRICS).read_text())
    metrics["network"]["psnr"] = 99.0
    code = "src/convlab/superres/metrics.py"
    forgery = "\npeak_signal_noise_ratio = lambda *a, **b: 99.0\n"
    forged = {
        MINE: NETWORK,
        "params.yaml": yaml.safe_dump(params),
        METRICS: json.dumps(metrics),
        code: (checkout / code).read_text() + forgery,
    }
    add_branch(checkout, "cheating", forged)
    limits = yaml.safe_dump({"limits": dict(LIMITS) | {"gain_psnr": -1.0}})
    (checkout / "grading.yaml").write_text(limits)
    git(checkout, "add", "grading.yaml")
    git(checkout, "commit", "--message=Limits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade, "check_network", lambda *_: COST)
        patch.setattr(grade, "find_solved", lambda *_: [1, 3])
        rows = grade_branches(checkout, "cheating", "good")
    return rows, checkout / ".work/grade"


def test_a_branch_passes_with_the_metrics_that_it_committed(graded, checkout):
    rows, clones = graded
    metrics = json.loads((checkout / METRICS).read_text())
    assert rows["good"]["verdict"] == "passed"
    assert rows["good"]["PSNR"] == metrics["network"]["psnr"]
    assert "Running stage" not in (clones / "good.log").read_text()  # it was in DVC's cache


def test_edited_metrics_and_an_edited_measurement_win_nothing(graded):
    rows, clones = graded
    row = rows["cheating"]
    fault = f"evaluate_sr_x2.network.psnr 99.0 in the branch, {row['PSNR']} here"
    assert row["verdict"].startswith(
        f"failed: its metrics differ from those measured here: {fault}"
    )
    assert row["also changed"] == "src/convlab/superres/metrics.py"
    assert row["PSNR"] < 40
    log = (clones / "cheating.log").read_text()
    assert log.count("Running stage") == 2  # train_sr and evaluate_sr: the data were in the cache
    assert not (clones / "cheating/data").exists()
