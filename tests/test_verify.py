"""`src/verify.py` on a small pipeline: whatever is not as recorded is found and named."""

import json
import os
import shutil
from argparse import ArgumentParser

import pytest
import yaml
from dvc.repo import Repo

import toy
import verify
from conftest import ROOT, git, run
from convlab.errors import InputError


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
        passed = verify.main(parser.parse_args(["--json", *arguments]))
        report = json.loads(capfd.readouterr().out)
        assert report["passed"] is passed
        return passed, report

    return check


def verdicts(rows, name):
    return {row[name]: row["verdict"] for row in rows}


def problems(report):
    return {(row["dvc.lock"], row["stages"], row["item"]) for row in report["findings"]}


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def rerun_with_metrics(project, old, new):
    """Leave what a run on another processor would: other metrics, and a lock file that fits."""
    replace(project / "metrics" / "score.json", old, new)
    Repo().commit("score", force=True)


def recorded(project, path):
    """Hash that dvc.lock has of a path, where it first stands."""
    text = (project / "dvc.lock").read_text()
    return text.split(f"path: {path}\n")[1].split("md5: ")[1].split("\n")[0]


def test_an_untouched_run_is_identical(check):
    passed, report = check("--strict")
    assert passed
    assert verdicts(report["outputs"], "output") == {
        "digits": "identical",
        "metrics/score.json": "identical",
        "model.bin": "identical",
    }
    assert verdicts(report["metrics"], "metric") == {
        "score.accuracy": "identical",
        "score.loss": "identical",
    }
    assert report["findings"] == []


@pytest.mark.parametrize("committed", [False, True])
def test_an_edited_hash_of_a_file_that_is_there_is_named(project, check, committed):
    replace(project / "dvc.lock", recorded(project, "model.bin"), "f" * 32)
    if committed:
        toy.commit(project)
    passed, report = check()
    assert not passed
    assert problems(report) == {("here", "score", "model.bin")}
    assert verdicts(report["outputs"], "output")["model.bin"] == (
        "differs" if committed else "identical"
    )


@pytest.mark.parametrize(
    ("old", "new", "item"),
    [
        ("size: 18", "size: 19", "model.bin"),
        ("nfiles: 3", "nfiles: 4", "digits"),
        ("seed: 42", "seed: 43", "seed"),
        ("spread.width: 3", "spread.width: 4", "spread.width"),
        ("cmd: python score.py", "cmd: python other.py", "cmd"),
    ],
)
def test_any_other_edited_entry_is_named(project, check, old, new, item):
    replace(project / "dvc.lock", old, new)
    passed, report = check()
    assert not passed
    assert {row["item"] for row in report["findings"]} == {item}


def lock_with(project, change):
    path = project / "dvc.lock"
    lock = yaml.safe_load(path.read_text())
    change(lock["stages"])
    path.write_text(yaml.safe_dump(lock))


GHOST = {"path": "ghost.py", "hash": "md5", "md5": "f" * 32, "size": 1}
FORGERIES = {
    "a dep more": lambda stages: stages["score"]["deps"].append(GHOST),
    "an output more": lambda stages: stages["score"]["outs"].append(GHOST),
    "a stage more": lambda stages: stages.update(ghost=stages["score"]),
    "a dep less": lambda stages: stages["score"]["deps"].pop(0),
    "an output less": lambda stages: stages["score"]["outs"].pop(),
    "a dep twice": lambda stages: stages["score"]["deps"].insert(
        0, stages["score"]["deps"][1] | {"md5": "f" * 32}
    ),
    "a parameter more": lambda stages: stages["draw"]["params"]["params.yaml"].update(rate=1),
    "a parameter of another type": lambda stages: stages["draw"]["params"]["params.yaml"].update(
        seed=42.0
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_lock_is_found_without_the_data(project, check, forgery):
    shutil.rmtree(project / "digits")
    (project / "model.bin").unlink()
    lock_with(project, FORGERIES[forgery])
    toy.commit(project)
    passed, report = check()
    assert not passed
    assert {row["dvc.lock"] for row in report["findings"]} == {"committed", "here"}


def test_the_last_digit_of_a_hash_can_be_read_in_the_finding(project, check):
    former = recorded(project, "model.bin")
    forged = former[:-1] + ("0" if former[-1] != "0" else "1")
    replace(project / "dvc.lock", former, forged)
    (finding,) = check()[1]["findings"]
    assert former in finding["problem"]
    assert forged in finding["problem"]


def test_what_is_absent_is_unchecked_whatever_is_recorded(project, check):
    (project / "model.bin").unlink()
    replace(project / "dvc.lock", recorded(project, "model.bin"), "f" * 32)
    verdict = verdicts(check()[1]["outputs"], "output")["model.bin"]
    assert verdict == "unchecked, recorded otherwise"


def test_an_edited_hash_of_what_is_not_there_is_found_where_another_stage_read_it(project, check):
    shutil.rmtree(project / "digits")
    head, tail = (project / "dvc.lock").read_text().rsplit(recorded(project, "digits"), 1)
    (project / "dvc.lock").write_text(head + "f" * 32 + ".dir" + tail)
    toy.commit(project)
    passed, report = check()
    assert not passed
    assert problems(report) == {("committed", "score", "digits"), ("here", "score", "digits")}
    assert "draw left" in report["findings"][0]["problem"]


def test_a_script_changed_since_the_run_is_named(project, check):
    replace(project / "score.py", "/ 3", "/ 4")
    passed, report = check()
    assert not passed
    assert problems(report) == {("here", "score", "score.py")}


def test_a_script_committed_without_a_run_makes_the_committed_lock_a_lie(project, check):
    replace(project / "score.py", "/ 3", "/ 4")
    toy.commit(project)
    passed, report = check()
    assert not passed
    assert problems(report) == {("committed", "score", "score.py"), ("here", "score", "score.py")}


def test_another_seed_is_named_before_the_run(project, check):
    replace(project / "params.yaml", "seed: 42", "seed: 7")
    passed, report = check()
    assert not passed
    assert problems(report) == {("here", "draw", "seed")}


def test_another_seed_is_named_after_the_run_too(project, check):
    replace(project / "params.yaml", "seed: 42", "seed: 7")
    Repo().reproduce()
    passed, report = check()
    assert not passed
    (finding,) = report["findings"]
    assert (finding["dvc.lock"], finding["item"]) == ("here", "seed")
    assert finding["problem"] == "the run took 7, the commit has 42"
    assert verdicts(report["metrics"], "metric")["score.accuracy"] == "differs"
    assert set(verdicts(report["outputs"], "output").values()) == {"differs"}


def test_a_missing_output_is_listed_as_unchecked(project, check):
    (project / "model.bin").unlink()
    passed, report = check()
    assert passed
    assert verdicts(report["outputs"], "output")["model.bin"] == "unchecked"
    assert not check("--strict")[0]


@pytest.mark.parametrize("name", ["model.bin", "digits/b"])
def test_a_file_changed_behind_size_and_time_is_named(project, check, name):
    path = project / name
    times, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    passed, report = check()
    assert not passed
    output = name.split("/", maxsplit=1)[0]
    assert verdicts(report["outputs"], "output")[output] == "differs"
    finding = next(row for row in report["findings"] if row["item"] == output)
    assert finding["problem"].endswith(": b") == (output == "digits")


def test_results_of_another_processor_pass_within_tolerance(project, check):
    rerun_with_metrics(project, "0.5}", "0.505}")
    passed, report = check()
    assert passed
    assert verdicts(report["metrics"], "metric")["score.loss"] == "within tolerance"
    assert verdicts(report["outputs"], "output")["metrics/score.json"] == "differs"
    assert not check("--strict")[0]


@pytest.mark.parametrize(
    ("metric", "new"),
    [
        ("loss", "0.52}"),
        ("loss", "NaN}"),
        ("f1", '0.5, "f1": 0.3}'),
    ],
)
def test_a_metric_off_by_more_or_new_fails(project, check, metric, new):
    rerun_with_metrics(project, "0.5}", new)
    passed, report = check()
    assert not passed
    assert verdicts(report["metrics"], "metric")[f"score.{metric}"] == "differs"
    assert report["findings"] == []


def test_a_metric_that_vanished_fails(project, check):
    rerun_with_metrics(project, ', "loss": 0.5', "")
    passed, report = check()
    assert not passed
    assert verdicts(report["metrics"], "metric")["score.loss"] == "differs"


def test_metrics_beautified_by_hand_and_committed_are_found(project, check):
    replace(project / "metrics" / "score.json", "0.5}", "0.1}")
    toy.commit(project)
    passed, report = check()
    assert not passed
    assert ("committed", "score", "metrics/score.json") in problems(report)


def test_a_stage_that_was_never_run_is_one_finding(project, check):
    lock = (project / "dvc.lock").read_text()
    (project / "dvc.lock").write_text(lock[: lock.index("  score:")])
    passed, report = check()
    assert not passed
    assert problems(report) == {("here", "score", "dvc.lock")}


def test_another_revision_can_be_asked_for(project, check):
    replace(project / "params.yaml", "seed: 42", "seed: 7")
    Repo().reproduce()
    toy.commit(project)
    assert check()[0]
    passed, report = check("--revision", "main~1")
    assert not passed
    assert problems(report) == {("here", "draw", "seed")}


def test_force_runs_everything_anew_in_a_clean_clone(project, check):
    (project / "uncommitted").touch()
    replace(project / "score.py", "/ 3", "/ 4")
    shutil.rmtree(project / "digits")
    passed, report = check("--force", "--strict")
    assert passed
    assert len(report["outputs"]) == 3
    assert not (project / "digits").exists()
    assert not (project / ".work/rerun/uncommitted").exists()
    assert (project / ".work/rerun/digits").is_dir()


def test_force_finds_results_that_do_not_come_again(project, check):
    replace(project / "draw.py", "random.seed(", "(")
    Repo().reproduce()
    toy.commit(project)
    passed, report = check("--force")
    assert not passed
    assert verdicts(report["outputs"], "output")["model.bin"] == "differs"


def test_the_table_names_outputs_metrics_and_findings(project):
    replace(project / "score.py", "/ 3", "/ 4")
    done = run(project, str(ROOT / "src" / "verify.py"))
    assert done.returncode == 1
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["digits", *[recorded(project, "digits")[:8]] * 2, "identical"] in rows
    assert ["score.loss", "0.5", "0.5", "0", "0.01", "identical"] in rows
    assert done.stdout.splitlines()[-1].startswith("Failed against HEAD (")


def test_markdown_is_a_table_for_pull_requests(project, capsys):
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
        ("metrics/score.json", "{", r"metrics.score\.json: is not JSON"),
        ("dvc.lock", "stages: [", r"dvc\.lock"),
        ("dvc.yaml", "stages: [", r"dvc\.yaml"),
        ("params.yaml", "seed: [", r"params\.yaml"),
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


def test_a_revision_without_a_pipeline_is_named(project, check):
    git(project, "rm", "--quiet", "dvc.yaml")
    git(project, "commit", "--message=No pipeline")
    git(project, "checkout", "HEAD~1", "--", "dvc.yaml")
    with pytest.raises(
        InputError, match=r"at HEAD: dvc\.yaml is missing or empty: name another commit"
    ):
        check()


def test_a_revision_without_a_lock_is_one_finding(project, check):
    lock = (project / "dvc.lock").read_text()
    git(project, "rm", "--quiet", "dvc.lock")
    git(project, "commit", "--message=No lock")
    (project / "dvc.lock").write_text(lock)
    passed, report = check()
    assert not passed
    assert problems(report) == {("committed", "draw, score", "dvc.lock")}


def test_a_run_of_other_code_is_named_though_the_committed_lock_lies_too(project, check):
    replace(project / "score.py", "/ 3", "/ 4")
    toy.commit(project)
    replace(project / "score.py", "/ 4", "/ 5")
    Repo().reproduce()
    assert {("committed", "score", "score.py"), ("here", "score", "score.py")} <= problems(
        check()[1]
    )


def test_a_metric_file_missing_in_git_is_named(project, check):
    git(project, "rm", "--quiet", "metrics/score.json")
    git(project, "commit", "--message=No metrics")
    passed, report = check()
    assert not passed
    assert ("committed", "score", "metrics/score.json") in problems(report)


@pytest.mark.parametrize("name", ["digits/z", "model.bin"])
def test_a_link_to_nothing_is_not_taken_for_an_absent_output(project, check, name):
    (project / name).unlink(missing_ok=True)
    (project / name).symlink_to("nowhere")
    with pytest.raises(InputError, match="holds a link to nothing"):
        check()


def test_a_folder_that_became_a_file_differs(project, check):
    shutil.rmtree(project / "digits")
    (project / "digits").write_text("no folder")
    passed, report = check()
    assert not passed
    assert ("here", "draw, score", "digits") in problems(report)


def test_files_under_dvc_beside_the_pipeline_do_not_matter(project, check):
    (project / "raw.txt").write_text("raw")
    Repo().add("raw.txt")
    assert check("--strict")[0]


def test_outside_a_repository_the_error_is_one_line(tmp_path):
    done = run(tmp_path, str(ROOT / "src" / "verify.py"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("verify: ")
