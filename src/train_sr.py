"""Train a network to upscale luminance.

Reads data/patches/x<scale>. Writes to stages/train_sr/x<scale> the weights with
the best validation PSNR and the training curve. Writes
metrics/train_sr_x<scale>.json. An interrupted training is resumed from its last
checkpoint. Parameters: blocks train_sr, compute and that of the network.
"""

from pathlib import Path

from convlab.core.checkpoint import Checkpoint
from convlab.core.compute import Compute, prepare, set_seed
from convlab.core.fingerprint import fingerprint
from convlab.core.loop import train
from convlab.core.outputs import first_writes
from convlab.core.params import read_block
from convlab.core.processes import joined
from convlab.core.script import scale_option, script
from convlab.core.tables import write_csv, write_metrics
from convlab.core.weights import (
    count_parameters,
    find_network,
    network_errors,
    save_network,
)
from convlab.superres.checks import check_upscaler
from convlab.superres.cost import multiply_adds, training_pflop
from convlab.superres.patches import CHECKSUMS, Shards, read_pairs
from convlab.superres.training import TrainSr, make_training
from convlab.superres.upscaling import NETWORKS
from convlab.superres.windows import Windows

PARAMS = Path("params.yaml")


def main(scale: int) -> None:
    params = read_block(PARAMS, "train_sr", TrainSr)
    compute = read_block(PARAMS, "compute", Compute)
    module = find_network(NETWORKS, params.network)
    settings = read_block(PARAMS, f"networks.{params.network}", module.Settings)
    patches, stage = Path(f"data/patches/x{scale}"), Path(f"stages/train_sr/x{scale}")
    outputs = stage / "model.safetensors", stage / "curve.csv"
    prepare(compute)
    shards, validation = Shards(patches), read_pairs(patches / "validation")
    memory = compute.memory_gb * 10**9
    fits = shards.count * shards.bytes_per_patch <= memory
    pairs = shards.read_all() if fits else Windows(shards, memory, params.seed)
    check_upscaler(params.network, scale, settings, params, shards.low_side)
    set_seed(params.seed)
    network = module.Network(scale=scale, settings=settings)
    training = make_training(network, pairs, validation, params)
    used = compute.model_dump(exclude={"launch"})  # any number of processes can resume a training
    blocks = [scale, params.model_dump(), used, settings.model_dump()]
    files = [Path(__file__), patches / CHECKSUMS, *patches.rglob("*.png")]
    checkpoint = Checkpoint(
        Path(f".work/checkpoints/train_sr_x{scale}.safetensors"), fingerprint(blocks, files)
    )
    with first_writes(*outputs, Path(f"metrics/train_sr_x{scale}.json")) as drafts:
        with joined(), network_errors(params.network, "the training failed"):
            curve = train(training, checkpoint, name=f"train_sr x{scale}")
        if not drafts:
            return
        model, curve_file, metrics = drafts
        network.load_state_dict(training.evaluation.best_weights)
        arguments = {"scale": scale, "settings": settings.model_dump()}
        save_network(model, network, params.network, arguments)
        needed = multiply_adds(network)
        write_csv(curve_file, curve[0], (point.values() for point in curve))
        write_metrics(
            metrics,
            {
                "loss": round(curve[-1]["loss"], 6),
                "validation_psnr": round(training.evaluation.best_psnr, 4),
                "parameters": count_parameters(network),
                "multiply_adds": needed,
                "pflop": round(training_pflop(needed, params, shards.high_side), 6),
                "steps": params.steps,
            },
        )
    checkpoint.remove()


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/train_sr.lock"), add_options=scale_option) as options:
        main(options.scale)
