"""Results in a DVC remote, in a folder and on S3: a fresh clone pulls them and runs nothing."""

import shutil

import boto3
import pytest
from dvc.repo import Repo
from moto.server import ThreadedMotoServer

from conftest import dvc, dvc_inside, git
from convlab.superres.upscaling import load_upscaler

UP_TO_DATE = "Data and pipelines are up to date."


@pytest.fixture(scope="module")
def origin(checkout, tmp_path_factory):
    """Gives the checkout with a remote in a folder, and everything pushed to it."""
    remote = tmp_path_factory.mktemp("remote")
    dvc_inside(checkout, "remote", "add", "--default", "storage", str(remote))
    git(checkout, "commit", "--all", "--message=Name the remote")
    dvc_inside(checkout, "push")
    return checkout


@pytest.fixture
def clone(origin, tmp_path):
    """Gives a fresh clone, in which DVC has nothing yet."""
    git(tmp_path, "clone", origin.as_uri(), "clone")
    return tmp_path / "clone"


def outputs(folder):
    """What DVC keeps, file by file."""
    listing = git(folder, "ls-files", "-z", "--others", "data", "stages")
    names = filter(None, listing.split("\0"))
    return {name: (folder / name).read_bytes() for name in names}


def test_a_clone_that_pulled_has_nothing_to_run(origin, clone):
    assert outputs(clone) == {}
    dvc_inside(clone, "pull")
    assert outputs(clone) == outputs(origin) != {}
    said = dvc(clone, "repro")
    assert UP_TO_DATE in said
    assert "Running stage" not in said
    assert git(clone, "status", "--short") == ""


def test_a_clone_fetches_only_what_a_changed_stage_needs(origin, clone):
    said = dvc(clone, "repro", "--pull", "--allow-missing", "evaluate_sr", "render_tsne")
    assert UP_TO_DATE in said
    assert "Running stage" not in said
    assert outputs(clone) == {}
    params = clone / "params.yaml"
    params.write_text(params.read_text().replace("stride: 64", "stride: 96"))
    said = dvc(clone, "repro", "--pull", "--allow-missing", "make_patches")
    assert said.count("Running stage") == said.count("Running stage 'make_patches@2'") == 1
    fetched = outputs(clone)
    assert {name.split("/")[1] for name in fetched} == {"raw", "patches"}
    assert not (clone / "data/raw/MNIST").exists()
    assert not any(name.startswith("stages/") for name in fetched)


@pytest.fixture
def bucket(monkeypatch, tmp_path):
    """Gives the address of an S3 server on loopback that has a bucket `models`."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "DEFAULT_REGION"):
        monkeypatch.setenv(f"AWS_{name}", "us-east-1")
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):  # not the user's
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        boto3.client("s3", endpoint_url=address).create_bucket(Bucket="models")
        yield address
    finally:
        server.stop()


def test_a_clone_pulls_from_s3(origin, clone, bucket):
    dvc_inside(origin, "remote", "add", "--local", "s3", "s3://models/convlab")
    dvc_inside(origin, "remote", "modify", "--local", "s3", "endpointurl", bucket)
    shutil.copy(origin / ".dvc/config.local", clone / ".dvc")
    dvc_inside(origin, "push", "--remote", "s3")
    dvc_inside(clone, "pull", "--remote", "s3")
    assert outputs(clone) == outputs(origin) != {}


def test_every_artifact_is_a_model_of_the_pipeline_with_description_and_labels(origin):
    with Repo(origin) as repo:
        artifacts = repo.artifacts.read()["dvc.yaml"]
        outs = {out.def_path for stage in repo.index.stages for out in stage.outs}
    assert artifacts.keys() == {"digits-cnn", "superresolution"}
    for artifact in artifacts.values():
        assert artifact.path in outs
        assert artifact.type == "model"
        assert artifact.desc
        assert artifact.labels


def test_a_tag_releases_a_model(origin, tmp_path):
    git(origin, "tag", "--annotate", "superresolution@v1.0.0", "--message=The first")
    release = ("superresolution", "--rev", "v1.0.0", "--out", "model")
    dvc_inside(tmp_path, "artifacts", "get", origin.as_uri(), *release)
    assert load_upscaler(tmp_path / "model", 2).scale == 2
