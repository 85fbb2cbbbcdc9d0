"""dvc.yaml, params.yaml, scripts, folders and imports hold together."""

import re
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
import yaml

from check_params import MODELS
from conftest import ROOT
from render_report import NOT_SHOWN

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
STAGES = PIPELINE["stages"]
NO_STAGE = {"compute", "regression"}


def import_closure(script: Path) -> set[str]:
    """Python files that a script imports, directly or through others, and itself."""
    finder = ModuleFinder(path=[str(ROOT / "src")])
    finder.run_script(str(script))
    files = {Path(module.__file__) for module in finder.modules.values() if module.__file__}
    return {str(file.relative_to(ROOT)) for file in files if file.name != "__init__.py"}


@pytest.mark.parametrize("stage", STAGES)
def test_python_deps_are_the_import_closure(stage):
    listed = {dep for dep in STAGES[stage]["deps"] if dep.endswith(".py")}
    assert listed == import_closure(ROOT / "src" / f"{stage}.py")


def test_what_the_report_is_filled_into_is_among_its_deps():
    parts = (ROOT / "src/convlab/report").glob("page.*")
    assert {str(part.relative_to(ROOT)) for part in parts} <= set(STAGES["render_report"]["deps"])


def test_the_report_depends_on_all_parameters_that_it_shows():
    assert set(STAGES["render_report"]["params"]) == set(PARAMS) - NOT_SHOWN


def test_package_inits_are_empty():
    # Or they would have to be among the deps of every stage.
    inits = list((ROOT / "src").rglob("__init__.py"))
    assert inits
    assert [init for init in inits if init.read_text()] == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_its_script_block_and_folder(stage):
    assert STAGES[stage]["cmd"] == f"python src/{stage}.py"
    assert stage in STAGES[stage]["params"]
    assert stage in PARAMS
    assert (ROOT / "stages" / stage / "README.md").is_file()


def test_every_block_has_a_stage_and_a_model():
    assert set(PARAMS) == set(STAGES) | NO_STAGE
    assert set(MODELS) == set(PARAMS)


def test_every_folder_in_stages_is_a_stage():
    folders = {path.name for path in (ROOT / "stages").iterdir() if path.is_dir()}
    assert folders == set(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_the_readme_of_a_stage_explains_each_parameter(stage):
    text = (ROOT / "stages" / stage / "README.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) >= set(PARAMS[stage])
    assert "<!--" not in text  # a place where something is still to be written


@pytest.mark.parametrize("stage", STAGES)
def test_outputs_persist_and_metrics_and_checksums_are_in_git(stage):
    for out in STAGES[stage]["outs"] + STAGES[stage].get("metrics", []):
        ((path, flags),) = out.items()
        assert flags["persist"] is True  # a stage that fails leaves the former outputs
        in_git = path.startswith("metrics/") or path.endswith("/SHA256SUMS")
        assert flags.get("cache", True) is not in_git


def test_every_plot_shows_an_output():
    outs = {path for stage in STAGES.values() for out in stage["outs"] for path in out}
    for plot in PIPELINE["plots"]:
        ((name, settings),) = plot.items()
        assert set(settings["y"] if settings else [name]) <= outs


def test_the_library_knows_neither_git_nor_dvc_nor_scripts():
    library = ROOT / "src" / "convlab"
    for file in library.rglob("*.py"):
        imported = set(re.findall(r"^(?:from|import) (\w+)", file.read_text(), re.MULTILINE))
        scripts = {path.stem for path in (ROOT / "src").glob("*.py")}
        assert not imported & (scripts | {"dvc", "dvc_data", "repository", "subprocess"}), file


def test_layers_import_only_from_the_floors_below():
    floors = ["data", "imaging", "nets", "training", "figures", "report", "commands"]
    library = ROOT / "src" / "convlab"
    for height, floor in enumerate(floors):
        for file in (library / floor).glob("*.py"):
            for imported in re.findall(r"^from convlab\.(\w+)\.", file.read_text(), re.MULTILINE):
                assert floors.index(imported) <= height, f"{file}: imports from {imported}"
