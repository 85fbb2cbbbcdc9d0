"""dvc.yaml, params.yaml, scripts, folders and imports hold together."""

import re
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
import yaml

from conftest import ROOT
from convlab.core.weights import network_names
from convlab.digits.prediction import NETWORKS as DIGITS
from convlab.superres.upscaling import NETWORKS as SUPERRES
from tools.check_params import MODELS

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = PIPELINE["stages"]
EVERY = pytest.mark.parametrize("stage", STAGES)
SHARED = {"scales", "networks", "compute", "photographs", "regression"}
LAYERS = [{"core"}, {"data"}, {"imaging"}, {"digits", "superres"}, {"figures"}, {"report"}, {"cli"}]
"""From the lowest to the highest; the two tracks are side by side."""
CHOSEN = {
    "${train_cnn.network}": PARAMS["train_cnn"]["network"],
    "${train_sr.network}": PARAMS["train_sr"]["network"],
}


def deps(stage: str) -> list[str]:
    """What a stage names in the library, with the chosen networks filled in."""
    text = "\n".join(STAGES[stage]["deps"])
    for template, name in CHOSEN.items():
        text = text.replace(template, name)
    return [dep for dep in text.split("\n") if dep.startswith("src/convlab/")]


def import_closure(script: Path) -> set[str]:
    """Files of the library that a script imports, directly or through others."""
    finder = ModuleFinder(path=[str(ROOT / "src")])
    finder.run_script(str(script))
    files = [Path(module.__file__) for module in finder.modules.values() if module.__file__]
    files = [file.relative_to(ROOT) for file in files if file.name != "__init__.py"]
    return {file.as_posix() for file in files if file.is_relative_to("src/convlab")}


def lies_in(file: str, dep: str) -> bool:
    """Whether a dep brings a file: the folders of networks are taken out by .dvcignore."""
    return file == dep or (file.startswith(f"{dep}/") and "/networks/" not in file)


@EVERY
def test_a_stage_names_what_its_script_imports_and_nothing_else(stage):
    imported, named = import_closure(ROOT / "src" / f"{stage}.py"), deps(stage)
    networks = {dep for dep in named if "/networks/" in dep}  # found by name, not imported
    missing = [file for file in imported if not any(lies_in(file, dep) for dep in named)]
    assert missing == []
    unused = [dep for dep in named if not any(lies_in(file, dep) for file in imported | networks)]
    assert unused == []
    assert f"src/{stage}.py" in STAGES[stage]["deps"]
    assert len(named) <= 12


@EVERY
def test_a_stage_that_builds_networks_names_the_chosen_ones(stage):
    needs = import_closure(ROOT / "src" / f"{stage}.py")
    tracks = {"digits": DIGITS, "superres": SUPERRES}
    if "src/convlab/core/weights.py" in needs:
        named = {Path(dep).parts[2] for dep in deps(stage) if "/networks/" in dep}
        users = {
            track
            for track, module in (("digits", "prediction"), ("superres", "upscaling"))
            if f"src/convlab/{track}/{module}.py" in needs
        }
        assert named == users != set()
    for dep in deps(stage):
        if "/networks/" in dep:
            assert Path(dep).stem in network_names(tracks[Path(dep).parts[2]])


@pytest.mark.parametrize("stage", ["train_cnn", "train_sr"])
def test_a_training_depends_on_no_figure_report_command_or_evaluation(stage):
    files = import_closure(ROOT / "src" / f"{stage}.py")
    assert not [file for file in files if re.search("figures/|report/|cli/|evaluation", file)]
    named = " ".join(deps(stage))
    assert not re.search("figures|report|cli|evaluation", named)
    assert not {"src/convlab/digits", "src/convlab/superres"} & set(deps(stage))


def test_a_folder_brings_neither_other_networks_nor_caches_nor_drafts():
    ignored = (ROOT / ".dvcignore").read_text().splitlines()
    assert {"/src/convlab/*/networks", "__pycache__", ".draft-*", ".former-*"} <= set(ignored)


def test_the_report_depends_on_all_parameters_that_it_shows():
    assert set(STAGES["render_report"]["params"]) == set(PARAMS) - {"regression"}


@EVERY
def test_a_stage_has_its_script_block_and_folder(stage):
    per_scale = " --scale ${item.scale}" if "matrix" in STAGES[stage] else ""
    trains_or_evaluates = stage.startswith(("train_", "evaluate_"))
    launch = "${compute.launch}" if trains_or_evaluates else "python"
    assert STAGES[stage]["cmd"] == f"{launch} src/{stage}.py{per_scale}"
    assert stage in STAGES[stage]["params"]
    assert stage in PARAMS
    assert (ROOT / "stages" / stage / "README.md").is_file()


def test_scripts_blocks_folders_and_models_are_those_of_the_stages():
    assert {path.stem for path in (ROOT / "src").glob("*.py")} == set(STAGES)
    assert {path.name for path in (ROOT / "stages").iterdir() if path.is_dir()} == set(STAGES)
    assert set(PARAMS) == set(MODELS) == set(STAGES) | SHARED


def test_every_network_has_a_block():
    assert set(PARAMS["networks"]) >= {*network_names(DIGITS), *network_names(SUPERRES)}


@EVERY
def test_the_readme_of_a_stage_explains_each_parameter(stage):
    text = (ROOT / "stages" / stage / "README.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) >= set(PARAMS[stage])
    assert "<!--" not in text  # a place where something is still to be written


def test_dvcs_run_cache_is_left_on():
    """`persist: true` would switch it off for the stage."""
    text = (ROOT / "dvc.yaml").read_text()
    assert not re.search(r"^\s*[^#\n]*persist:", text, re.MULTILINE)
    for stage in STAGES.values():
        for metric in stage.get("metrics", []):
            ((path, flags),) = metric.items()
            assert path.startswith("metrics/")
            assert flags == {"cache": False}  # in git


def test_dvc_yaml_reads_like_a_table_of_contents():
    assert len((ROOT / "dvc.yaml").read_text().splitlines()) <= 190


def ordered_imports(file: Path) -> list[str]:
    return re.findall(r"^(?:from|import) ([\w.]+)", file.read_text(), re.MULTILINE)


def imports(file: Path) -> set[str]:
    return set(ordered_imports(file))


def test_the_library_knows_neither_git_nor_dvc_nor_scripts():
    forbidden = {"dvc", "dvc_data", "dvc_objects", "tools", "subprocess", *STAGES}
    for file in (ROOT / "src" / "convlab").rglob("*.py"):
        assert not forbidden & {name.split(".")[0] for name in imports(file)}, file


def test_nothing_imports_a_private_module_of_dvc():
    for file in (ROOT / "src").rglob("*.py"):
        assert not [name for name in imports(file) if re.match(r"dvc(\.|_)", name)], file


def test_a_package_imports_only_from_those_below_it():
    """So the two tracks, side by side, never import each other."""
    height = {package: level for level, packages in enumerate(LAYERS) for package in packages}
    library = ROOT / "src" / "convlab"
    assert {path.parent.name for path in library.glob("*/__init__.py")} == set(height)
    for file in library.glob("*/**/*.py"):
        package = file.relative_to(library).parts[0]
        for name in imports(file):
            if name.startswith("convlab."):
                other = name.split(".")[1]
                assert other == package or height[other] < height[package], f"{file}: {name}"


def test_a_network_file_imports_what_every_stage_that_builds_it_names():
    """Networks are found by name, so that no import of a script leads to theirs."""
    library = ROOT / "src" / "convlab"
    for file in library.glob("*/networks/*.py"):
        track = file.relative_to(library).parts[0]
        own = {name for name in imports(file) if name.startswith("convlab.")}
        shared = {name for name in own if not name.startswith("convlab.core.")}
        assert shared <= {f"convlab.{track}.layers"}, file


def test_package_inits_are_empty():
    """Or they would have to be among the deps of every stage."""
    speed_alone = ROOT / "src" / "convlab" / "__init__.py"
    inits = set((ROOT / "src").rglob("__init__.py")) - {speed_alone}
    assert inits
    assert [init for init in inits if init.read_text()] == []


PROGRAMS = [
    *(ROOT / "src").glob("*.py"),
    *(ROOT / "src" / "tools").glob("[!_]*.py"),
    *(ROOT / "benchmarks").glob("[!_]*.py"),
    *(ROOT / "benchmarks").glob("*/__main__.py"),
    ROOT / "exercises" / "check.py",
]
BESIDE = ROOT / "src", ROOT / "benchmarks", ROOT / "exercises"


def loaded(program: Path) -> list[str]:
    """Packages in the order in which a program loads them, also through files beside it."""
    packages = []
    for name in ordered_imports(program):
        files = [folder / f"{name.replace('.', '/')}.py" for folder in (program.parent, *BESIDE)]
        file = next((file for file in files if file.is_file()), None)
        own = file is None or name.startswith("convlab")
        packages += [name.split(".")[0]] if own else loaded(file)
    return packages


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_convlab_is_loaded_before_torch(program):
    """What it says of waiting threads is read when torch is loaded."""
    packages = loaded(program)
    torch = [packages.index(name) for name in ("torch", "torchvision") if name in packages]
    assert not torch or "convlab" in packages[: min(torch)]
