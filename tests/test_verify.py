"""`tools/verify.py` on a small pipeline: whatever is not as recorded is found and named."""

import hashlib
import json
import os
import shutil
from argparse import ArgumentParser

import pytest
from ruamel.yaml import YAML

import toy
from conftest import ROOT, dvc_inside, git, run
from convlab.core.errors import InputError
from tools import verify
from tools.lockfile import differences, read_pipeline

BOTH = "committed and here"
METRICS = "metrics/score_x2.json"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    toy.make(folder)
    return folder


@pytest.fixture
def project(finished, tmp_path, monkeypatch):
    """Give a finished run, untouched and committed, to work in."""
    folder = tmp_path / "project"
    shutil.copytree(finished, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def check(project, capfd):
    """Call the script; give whether it passes, and the tables that it prints."""

    def check(*arguments):
        parser = ArgumentParser()
        verify.add_options(parser)
        capfd.readouterr()  # what DVC printed before
        passed = verify.main(parser.parse_args(["--json", *arguments]))
        report = json.loads(capfd.readouterr().out)
        assert report["passed"] is passed
        return passed, report

    return check


def verdicts(report, table):
    return {row[table.removesuffix("s")]: row["verdict"] for row in report[table]}


def problems(report):
    return {(row["dvc.lock"], row["stages"], row["item"]) for row in report["findings"]}


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def edit_lock(project, change):
    yaml, path = YAML(), project / "dvc.lock"
    lock = yaml.load(path)
    change(lock["stages"])
    yaml.dump(lock, path)


def rerun_with_metrics(project, old, new):
    """Leave what a run on another processor would: other metrics, and a lock file that fits."""
    path = project / METRICS
    former = hashlib.md5(path.read_bytes()).hexdigest()
    replace(path, old, new)
    replace(project / "dvc.lock", former, hashlib.md5(path.read_bytes()).hexdigest())


def test_an_untouched_run_is_identical(check):
    passed, report = check("--strict")
    assert passed
    outputs = verdicts(report, "outputs")
    models = {"models/x2.bin", "models/x3.bin"}
    assert outputs.keys() == {"digits", "total", METRICS, "metrics/score_x3.json", *models}
    assert set(outputs.values()) == set(verdicts(report, "metrics").values()) == {"identical"}
    assert len(report["metrics"]) == 4
    assert report["findings"] == []


GHOST = {"path": "ghost.py", "hash": "md5", "md5": "f" * 32, "size": 1}
FORGERIES = {
    "a hash": ("digits", lambda stages: stages["draw"]["outs"][0].update(md5="f" * 32)),
    "a hash read": ("digits", lambda stages: stages["score@2"]["deps"][0].update(md5="f" * 32)),
    "a hash of code": ("score.py", lambda stages: stages["score@3"]["deps"][1].update(md5="f")),
    "a command": ("cmd", lambda stages: stages["score@2"].update(cmd="python other.py")),
    "a parameter": (
        "networks.wide.width",
        lambda stages: stages["draw"]["params"]["params.yaml"]["networks.wide"].update(width=4),
    ),
    "a parameter more": (
        "rate",
        lambda stages: stages["draw"]["params"]["params.yaml"].update(rate=1),
    ),
    "a parameter of another type": (
        "seed",
        lambda stages: stages["draw"]["params"]["params.yaml"].update(seed=42.0),
    ),
    "a dep more": ("ghost.py", lambda stages: stages["score@2"]["deps"].append(GHOST)),
    "a dep less": ("score.py", lambda stages: stages["score@2"]["deps"].pop(1)),
    "a dep twice": (
        "digits",
        lambda stages: stages["score@2"]["deps"].insert(0, GHOST | {"path": "digits"}),
    ),
    "an output more": ("ghost.py", lambda stages: stages["collect"]["outs"].append(GHOST)),
    "an output less": ("models/x3.bin", lambda stages: stages["score@3"]["outs"].pop()),
    "a stage more": ("cmd", lambda stages: stages.update(ghost=stages["score@2"])),
    "a stage less": ("cmd", lambda stages: stages.pop("collect")),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_lock_is_found_even_without_the_data(project, forgery):
    forged, change = FORGERIES[forgery]
    edit_lock(project, change)

    def found():
        pipeline = read_pipeline()
        return {item.name for item, *_ in differences(pipeline.recorded, pipeline.present)}

    assert found() == {forged}
    for name in ("digits", "models"):
        shutil.rmtree(project / name)
    (project / "total").unlink()
    assert found() == {forged}


def test_a_forged_lock_that_was_committed_is_found_in_both(project, check):
    edit_lock(project, FORGERIES["a hash of code"][1])
    toy.commit(project)
    passed, report = check()
    assert not passed
    assert problems(report) == {(BOTH, "score@3", "score.py")}


def test_a_finding_names_both_hashes_whole(project, check):
    forged = []

    def change(stages):
        out = stages["collect"]["outs"][0]
        forged.append(out["md5"])
        forged.append(out["md5"][:-1] + ("1" if out["md5"][-1] == "0" else "0"))
        out["md5"] = forged[1]

    edit_lock(project, change)
    (finding,) = check()[1]["findings"]
    assert all(md5 in finding["problem"] for md5 in forged)


def test_a_script_changed_since_the_run_is_named_also_if_committed(project, check):
    replace(project / "score.py", "/ 3", "/ 4")
    passed, report = check()
    assert not passed
    assert problems(report) == {("here", "score@2, score@3", "score.py")}
    toy.commit(project)
    passed, report = check()
    assert not passed
    assert problems(report) == {(BOTH, "score@2, score@3", "score.py")}


def test_what_dvc_ignores_in_a_folder_does_not_matter(project, check):
    (project / "lib/__pycache__/c.pyc").touch()
    replace(project / "models/README.md", "what", "all that")
    assert check("--strict")[0]
    (project / "lib/new.py").touch()
    assert problems(check()[1]) == {("here", "draw", "lib")}


def test_another_seed_is_named_before_the_run_and_after_it(project, check):
    replace(project / "params.yaml", "seed: 42", "seed: 7")
    passed, report = check()
    assert not passed
    assert problems(report) == {("here", "draw", "seed")}

    dvc_inside(project, "repro")
    passed, report = check()
    assert not passed
    (finding,) = report["findings"]
    assert (finding["dvc.lock"], finding["item"]) == ("here", "seed")
    assert finding["problem"] == "dvc.lock has 7, but the commit has 42"
    assert verdicts(report, "metrics")["score_x2.accuracy"] == "differs"
    assert set(verdicts(report, "outputs").values()) == {"differs"}

    toy.commit(project)
    assert check()[0]
    passed, report = check("--revision", "main~1")
    assert not passed
    assert problems(report) == {("here", "draw", "seed")}


def test_a_missing_output_is_listed_as_unchecked(project, check):
    (project / "models/x2.bin").unlink()
    passed, report = check()
    assert passed
    assert verdicts(report, "outputs")["models/x2.bin"] == "unchecked"
    assert not check("--strict")[0]
    edit_lock(project, lambda stages: stages["score@2"]["outs"][1].update(md5="f" * 32))
    assert verdicts(check()[1], "outputs")["models/x2.bin"] == "unchecked, recorded otherwise"


def test_missing_metrics_are_a_finding(project, check):
    (project / METRICS).unlink()
    passed, report = check()
    assert not passed
    assert problems(report) == {("here", "score@2", METRICS)}


@pytest.mark.parametrize("name", ["total", "digits/b"])
def test_a_file_changed_behind_size_and_time_is_named(project, check, name):
    path = project / name
    times, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    passed, report = check()
    assert not passed
    output = name.split("/", maxsplit=1)[0]
    assert verdicts(report, "outputs")[output] == "differs"
    assert {row["item"] for row in report["findings"]} == {output}


def test_results_of_another_processor_pass_within_tolerance(project, check):
    rerun_with_metrics(project, "0.5}", "0.505}")
    passed, report = check()
    assert passed
    assert verdicts(report, "metrics")["score_x2.loss"] == "within tolerance"
    assert verdicts(report, "outputs")[METRICS] == "differs"
    assert not check("--strict")[0]


@pytest.mark.parametrize(
    ("metric", "old", "new"),
    [
        ("loss", "0.5}", "0.52}"),
        ("loss", "0.5}", "NaN}"),
        ("f1", "0.5}", '0.5, "f1": 0.3}'),
        ("loss", ', "loss": 0.5', ""),
    ],
)
def test_a_metric_off_by_more_new_or_vanished_fails(project, check, metric, old, new):
    rerun_with_metrics(project, old, new)
    passed, report = check()
    assert not passed
    assert verdicts(report, "metrics")[f"score_x2.{metric}"] == "differs"
    assert report["findings"] == []


def test_metrics_beautified_by_hand_and_committed_are_found(project, check):
    replace(project / METRICS, "0.5}", "0.1}")
    toy.commit(project)
    passed, report = check()
    assert not passed
    assert problems(report) == {(BOTH, "score@2", METRICS)}


def test_only_a_run_in_a_clean_clone_finds_metrics_forged_with_their_hash(project, check):
    rerun_with_metrics(project, "0.5}", "0.1}")
    toy.commit(project)
    assert check("--strict")[0]
    (project / "uncommitted").touch()
    shutil.rmtree(project / "digits")
    passed, report = check("--force")
    assert not passed
    outputs = verdicts(report, "outputs")
    assert {name for name in outputs if outputs[name] != "identical"} == {METRICS}
    assert verdicts(report, "metrics")["score_x2.loss"] == "differs"
    assert report["findings"] == []
    assert not (project / "digits").exists()
    assert not (project / ".work/rerun/uncommitted").exists()
    assert (project / ".work/rerun/digits").is_dir()


def test_a_revision_without_a_lock_has_no_run(project, check):
    lock = (project / "dvc.lock").read_text()
    git(project, "rm", "--quiet", "dvc.lock")
    git(project, "commit", "--message=No lock")
    (project / "dvc.lock").write_text(lock)
    passed, report = check()
    assert not passed
    stages = {"draw", "score@2", "score@3", "collect"}
    assert problems(report) == {("committed", stage, "cmd") for stage in stages}


def test_the_forms_for_people_name_outputs_metrics_and_findings(project, capsys):
    replace(project / "score.py", "/ 3", "/ 4")
    done = run(project, str(ROOT / "src/tools/verify.py"))
    assert done.returncode == 1
    rows = [line.split() for line in done.stdout.splitlines()]
    (digits,) = [row for row in rows if row[:1] == ["digits"]]
    assert digits[1] == digits[2] in (project / "dvc.lock").read_text()
    assert digits[3] == "identical"
    assert ["score_x2.loss", "0.5", "0.5", "0", "0.01", "identical"] in rows
    assert done.stdout.splitlines()[-1].startswith("Failed against HEAD (")

    parser = ArgumentParser()
    verify.add_options(parser)
    verify.main(parser.parse_args(["--markdown"]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "### Outputs"
    assert set(lines[3]) == set("|-")
    assert lines[2].count("|") == lines[4].count("|") == 5


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        (METRICS, "{", rf"{METRICS}: is not JSON"),
        ("dvc.lock", "stages: [", r"dvc\.lock: is not YAML"),
        ("dvc.lock", "", r"cannot use .*dvc\.lock"),
        ("dvc.yaml", "stages: [", r"dvc\.yaml: is not YAML"),
        ("dvc.yaml", "stages: {draw: 5}", r"cannot use dvc\.yaml"),
        ("params.yaml", "seed: [", r"params\.yaml: is not YAML"),
        ("params.yaml", "seed: 1", r"cannot use .*params\.yaml: KeyError\('draw'\)"),
    ],
)
def test_a_broken_file_is_named(project, check, path, content, message):
    (project / path).write_text(content)
    with pytest.raises(InputError, match=message):
        check()


def test_an_unknown_revision_is_named(check):
    for revision in ("nowhere", "", "HEAD:metrics"):
        with pytest.raises(InputError, match=f"'{revision}' names no commit here"):
            check("--revision", revision)


def test_outside_a_repository_that_is_said(check, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match="not a git repository"):
        check()
