"""docs/scale.md: its files can be read, and what it names is there."""

import re
import subprocess

import pytest
import yaml

from conftest import ROOT
from convlab.core.params import read_yaml
from convlab.imaging.pictures import FORMATS
from tools.check_params import MODELS

PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_file_for_slurm_is_a_script_with_options():
    (script,) = blocks("bash")
    assert script.startswith("#!/bin/bash\n#SBATCH --")
    assert "\ndvc repro " in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize("text", blocks("yaml"))
def test_parameters_are_as_params_yaml_has_them(text):
    content = read_yaml(ROOT / "params.yaml")
    for block, values in yaml.safe_load(text).items():
        MODELS[block].model_validate(content[block] | values)


def test_the_formats_of_photographs_are_those_that_are_read():
    (listed,) = re.findall(r"into a folder: ([\w, ]+), of any size", PAGE)
    names = [name.upper() for name in re.split(", | or ", listed)]
    assert sorted(names) == sorted(set(FORMATS.values()))


def test_every_local_link_leads_somewhere():
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", PAGE)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
