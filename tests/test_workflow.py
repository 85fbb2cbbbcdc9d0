"""The GitHub workflow calls only what exists, and gives a pull request only needed rights."""

import re

import yaml

from conftest import ROOT

TEXT = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
WORKFLOW = yaml.safe_load(TEXT)
JOBS = WORKFLOW["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]
SCRIPTS = "\n".join(step["run"] for step in STEPS if "run" in step)


def using(action: str) -> list[dict]:
    return [step.get("with", {}) for step in STEPS if step.get("uses", "").startswith(action)]


def test_it_runs_on_pull_requests_and_main():
    # YAML 1.1 reads the key `on` as true. pull_request_target would hand secrets to forks.
    assert WORKFLOW[True] == {"pull_request": None, "push": {"branches": ["main"]}}
    assert "pull_request" in WORKFLOW["concurrency"]["cancel-in-progress"]


def test_it_may_write_only_a_comment():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    for job in JOBS.values():
        assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert [inputs["persist-credentials"] for inputs in using("actions/checkout")] == [False]
    assert len([step for step in STEPS if "github.token" in str(step)]) == 1


def test_nothing_is_pasted_into_a_script():
    # A branch named $(rm -rf .) is a variable's value in a script, and never a part of it.
    assert "${{" not in SCRIPTS


def test_actions_are_github_s_own_and_pinned_to_a_major_version():
    for step in STEPS:
        assert re.fullmatch(r"actions/[a-z/-]+@v\d+", step.get("uses", "actions/none@v1"))


def test_no_job_runs_for_ever():
    assert all(job["timeout-minutes"] <= 60 for job in JOBS.values())


def test_what_it_calls_exists():
    targets = re.findall(r"^make ([\w-]+)", SCRIPTS, re.MULTILINE)
    assert targets == ["setup-tests", "test", "repro", "regression"]
    makefile = (ROOT / "Makefile").read_text()
    assert set(targets) <= set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    for script in re.findall(r"python (\S+\.py)", SCRIPTS):
        assert (ROOT / script).is_file()


def test_it_restores_what_it_kept_before_the_pipeline_runs():
    # GitHub finds a cache only by the same list of paths.
    (kept,), (gotten,) = using("actions/cache/save"), using("actions/cache/restore")
    assert (kept["path"], kept["key"]) == (gotten["path"], gotten["key"])
    assert kept["path"].split() == [".dvc/cache", "dvc.lock", "metrics"]
    order = ("actions/cache/restore", "dvc checkout --allow-missing", "make repro")
    assert sorted(order, key=TEXT.index) == list(order)


def test_a_regression_fails_after_the_comment():
    assert STEPS[-1]["run"] == 'make regression BASE="origin/$GITHUB_BASE_REF"'
    assert "gh pr comment" in STEPS[-2]["run"]
    assert "continue-on-error" not in TEXT
