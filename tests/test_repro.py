"""`make repro`: DVC's own command, with a check before and the times after."""

import shutil

import pytest

from conftest import ROOT
from convlab.core.errors import InputError
from convlab.core.script import TIMES
from tools import repro


@pytest.fixture(autouse=True)
def _checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    TIMES.parent.mkdir()
    TIMES.write_text("stage,seconds\ntrain_cnn,99.0\n")


def test_it_ends_with_the_time_of_each_stage_that_ran(monkeypatch, capsys):
    def dvc(*arguments, folder):
        assert arguments == ("repro",)
        with (folder / TIMES).open("a") as file:
            file.write("make_patches@2,12.4\ntrain_sr@2,420.0\n")

    monkeypatch.setattr(repro, "dvc", dvc)
    repro.main()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split() for line in lines] == [
        ["make_patches@2", "12", "s"],
        ["train_sr@2", "7.0", "min"],
        ["all", "0", "s"],
    ]


def test_a_wrong_parameter_is_found_before_dvc_removes_anything(monkeypatch, tmp_path):
    monkeypatch.setattr(repro, "dvc", lambda *_, **__: pytest.fail("was called"))
    params = tmp_path / "params.yaml"
    text = params.read_text().replace("hard_patch_exponent: 0.5", "hard_patch_exponent: 3")
    params.write_text(text)
    with pytest.raises(InputError, match=r"train_sr\.hard_patch_exponent = 3: "):
        repro.main()
