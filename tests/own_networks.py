"""Networks as students write them: sound ones, and broken ones with what must be said of them."""

import sys
from contextlib import contextmanager
from importlib import import_module, invalidate_caches
from textwrap import dedent, indent

HEADER = """\
import torch
from torch import nn
from torch.nn import functional

from convlab.core.params import Params
from convlab.superres.layers import Upscaler, bicubic, pixel_shuffle


class Settings(Params):
    channels: int = 8


"""


def upscaler(layers, forward):
    """Write the file of a network that has these layers and returns what `forward` gives."""
    body = indent(dedent(layers).strip(), 8 * " "), indent(dedent(forward).strip(), 8 * " ")
    return (
        f"{HEADER}class Network(Upscaler):\n"
        "    def __init__(self, scale, settings):\n"
        "        super().__init__(scale)\n"
        f"{body[0]}\n\n"
        "    def forward(self, low):\n"
        f"{body[1]}\n"
    )


CONVOLUTIONS = """
self.first = nn.Conv2d(1, 8, 3, padding=1)
self.second = nn.Conv2d(8, 8, 3, padding=1)
self.last = nn.Conv2d(8, scale**2, 3, padding=1)
"""
RESULT = "return bicubic(low, self.scale) + pixel_shuffle(self.last(features), self.scale)"
SOUND = {
    "batchnorm": upscaler(
        CONVOLUTIONS + "self.norm = nn.BatchNorm2d(8)",
        f"features = self.norm(self.second(self.first(low).relu())).relu()\n{RESULT}",
    ),
    "dropout": upscaler(
        CONVOLUTIONS + "self.drop = nn.Dropout2d(0.2)",
        f"features = self.drop(self.second(self.first(low).relu()).relu())\n{RESULT}",
    ),
    "two_layers": upscaler(
        """
        self.first = nn.Conv2d(1, 8, 5, padding=2)
        self.last = nn.ConvTranspose2d(8, 1, 3 * scale, stride=scale, padding=scale)
        """,
        "return self.last(self.first(low).relu())",
    ),
    "dilated": upscaler(
        CONVOLUTIONS + "self.second = nn.Conv2d(8, 8, 3, padding=9, dilation=9)",
        f"features = self.second(self.first(low).relu()).relu()\n{RESULT}",
    ),
    # Self-attention of the pixels of each window of 8 x 8, as in the Swin transformer.
    "attention": upscaler(
        CONVOLUTIONS + "self.attention = nn.MultiheadAttention(8, 2, batch_first=True)",
        f"""
        features = self.first(low)
        b, c, h, w = features.shape
        padded = functional.pad(features, (0, -w % 8, 0, -h % 8))
        rows, columns = padded.shape[2] // 8, padded.shape[3] // 8
        tokens = padded.reshape(b, c, rows, 8, columns, 8).permute(0, 2, 4, 3, 5, 1)
        tokens = tokens.reshape(-1, 64, c)
        tokens = tokens + self.attention(tokens, tokens, tokens, need_weights=False)[0]
        tokens = tokens.reshape(b, rows, columns, 8, 8, c).permute(0, 5, 1, 3, 2, 4)
        features = features + tokens.reshape(padded.shape)[:, :, :h, :w]
        features = self.second(features.relu()).relu()
        {RESULT}
        """,
    ),
    # Weights of the whole image, as in RCAN: no tile can know them.
    "channel_attention": upscaler(
        CONVOLUTIONS + "self.weigh = nn.Linear(8, 8)",
        f"""
        features = self.second(self.first(low).relu()).relu()
        weights = self.weigh(features.mean((2, 3))).sigmoid()
        features = features * weights[:, :, None, None]
        {RESULT}
        """,
    ),
    # Features of half the size, as in a U-Net.
    "halved": upscaler(
        CONVOLUTIONS + "self.down = nn.Conv2d(8, 8, 3, stride=2, padding=1)",
        f"""
        features = self.first(low).relu()
        coarse = functional.interpolate(self.down(features).relu(), scale_factor=2)
        features = features + self.second(coarse)[:, :, : low.shape[2], : low.shape[3]]
        {RESULT}
        """,
    ),
    "tied_and_frozen": upscaler(
        CONVOLUTIONS
        + """
self.third = nn.Conv2d(8, 8, 3, padding=1)
self.third.weight = self.second.weight
self.first.requires_grad_(False)
self.register_buffer("mean", torch.tensor([0.4]), persistent=False)
""",
        f"features = self.third(self.second(self.first(low - self.mean)).relu())\n{RESULT}",
    ),
    # Kernels that are computed from weights; a linear layer that is applied to a weight.
    "computed_weights": upscaler(
        CONVOLUTIONS
        + """
self.first = nn.utils.parametrizations.weight_norm(self.first)
self.second = nn.utils.parametrizations.spectral_norm(self.second)
self.query, self.project = nn.Parameter(torch.ones(1, 8)), nn.Linear(8, 8)
""",
        f"""
        features = self.second(self.first(low).relu()).relu()
        features = features * self.project(self.query)[0, :, None, None]
        {RESULT}
        """,
    ),
    # A layer that is left out at random, as in networks with stochastic depth; layers in a list.
    "stochastic_depth": upscaler(
        CONVOLUTIONS + "self.body = [self.second]",
        f"""
        features = self.first(low).relu()
        if not self.training or torch.rand(()) < 0.2:
            features = features + self.body[0](features)
        {RESULT}
        """,
    ),
}
FEATURES = "features = self.second(self.first(low).relu()).relu()"
BROKEN = {
    "shape": (
        upscaler(CONVOLUTIONS, f"{FEATURES}\nreturn self.last(features)"),
        "broken: output is (1, 4, 17, 24), expected (1, 1, 34, 48): the last convolution gives"
        " scale^2 channels; did you forget the pixel shuffle?",
    ),
    "too small": (
        upscaler(
            CONVOLUTIONS.replace("8, 8, 3, padding=1", "8, 8, 3"),
            f"{FEATURES}\nreturn pixel_shuffle(self.last(features), self.scale)",
        ),
        "broken: output is (1, 1, 30, 44), expected (1, 1, 34, 48): smaller; convolutions need"
        " `padding=kernel_size // 2` to keep the size",
    ),
    "not upscaled": (
        upscaler("self.only = nn.Conv2d(1, 1, 3, padding=1)", "return self.only(low)"),
        "as large as the input; where does the network upscale it?",
    ),
    "three channels": (
        upscaler(
            "self.only = nn.Conv2d(3, 3 * scale**2, 3, padding=1)",
            "return pixel_shuffle(self.only(low), self.scale)",
        ),
        "broken: `forward` failed on an input of shape (1, 1, 17, 24): broken.py, line 19:"
        " RuntimeError: Given groups=1, weight of size [12, 3, 3, 3]",
    ),
    "three channels out": (
        upscaler(
            "self.only = nn.Conv2d(1, 3 * scale**2, 3, padding=1)",
            "return pixel_shuffle(self.only(low), self.scale)",
        ),
        "expected (1, 1, 34, 48): luminance has one channel; the last layer must give one",
    ),
    "levels to 255": (
        upscaler(CONVOLUTIONS, f"{FEATURES}\n{RESULT.replace('return ', 'return 255 * ')}"),
        "luminance is from 0 to 1, not to 255",
    ),
    "NaN": (
        upscaler(CONVOLUTIONS, f"features = self.first(low).sqrt()\n{RESULT}"),
        "broken: output holds NaN or infinity",
    ),
    "NaN when trained": (
        upscaler(
            CONVOLUTIONS,
            f"{FEATURES}\nfeatures = features / (0 if self.training else 1)\n{RESULT}",
        ),
        "broken: the loss is nan after 0 training steps",
    ),
    "random output": (
        upscaler(CONVOLUTIONS, f"features = functional.dropout(self.first(low))\n{RESULT}"),
        "broken: two passes over the same input differ: random operations must be used in training"
        " only (see `self.training`), as in nn.Dropout",
    ),
    "unused layer": (
        upscaler(CONVOLUTIONS, f"features = self.first(low).relu()\n{RESULT}"),
        "broken: no gradient for second.weight, second.bias: use the layer in `forward`",
    ),
    "an unused body": (
        upscaler(
            CONVOLUTIONS + "self.body = nn.Sequential(*(nn.Conv2d(8, 8, 1) for _ in range(20)))",
            f"{FEATURES}\n{RESULT}",
        ),
        "broken: no gradient for body (40 weights): use the layer",
    ),
    "no weights": (
        upscaler("pass", "return bicubic(low, self.scale)"),
        "broken: has no weights that can be trained",
    ),
    "a plain list": (
        upscaler(
            CONVOLUTIONS + "self.layers = [nn.Conv2d(8, 8, 3, padding=1)]",
            f"features = self.layers[0](self.first(low))\n{RESULT}",
        ),
        "broken: `layers` holds layers in a list, where torch does not find them: make it an"
        " nn.ModuleList",
    ),
    "a list in a dictionary": (
        upscaler(
            CONVOLUTIONS + 'self.layers = {"body": [nn.Conv2d(8, 8, 3, padding=1)]}',
            f'features = self.layers["body"][0](self.first(low))\n{RESULT}',
        ),
        "broken: `layers` holds layers in a dict, where torch does not find them",
    ),
    "a lazy layer": (
        upscaler(CONVOLUTIONS + "self.second = nn.LazyConv2d(8, 3, padding=1)", FEATURES),
        "broken: `second.weight` has no shape yet: give its layer all its arguments",
    ),
    "not shuffled": (
        upscaler(CONVOLUTIONS, f"{FEATURES}\nreturn bicubic(low, 2) + self.last(features)"),
        "tensor b (24) at non-singleton dimension 3: one is 2 times as large as the other: did you"
        " forget the pixel shuffle",
    ),
    "not padded": (
        upscaler(
            CONVOLUTIONS.replace("8, 8, 3, padding=1", "8, 8, 3"),
            f"features = self.first(low)\nfeatures = features + self.second(features)\n{RESULT}",
        ),
        "dimension 3: sizes differ: a convolution without padding (`padding=kernel_size // 2` keeps"
        " the size), or a pooling or stride that does not divide 17 x 24?",
    ),
    "pooled on odd sides": (
        upscaler(
            CONVOLUTIONS,
            f"""
            features = functional.max_pool2d(self.first(low), 2)
            features = self.second(functional.interpolate(features, scale_factor=2))
            {RESULT}
            """,
        ),
        "dimension 2: sizes differ: a convolution without padding (`padding=kernel_size // 2` keeps"
        " the size), or a pooling or stride that does not divide 17 x 24?",
    ),
    "one channel to shuffle": (
        upscaler(CONVOLUTIONS.replace("scale**2", "1"), f"{FEATURES}\n{RESULT}"),
        "divide axis of length 1 in chunks of 4: the layer before the pixel shuffle must give"
        " scale^2 = 4 channels",
    ),
    "one channel to torch's shuffle": (
        upscaler(
            CONVOLUTIONS.replace("scale**2", "1") + "self.shuffle = nn.PixelShuffle(scale)",
            f"{FEATURES}\nreturn bicubic(low, self.scale) + self.shuffle(self.last(features))",
        ),
        "not divisible by 4: the layer before the pixel shuffle must give scale^2 = 4 channels",
    ),
    "a tuple": (
        upscaler(CONVOLUTIONS, f"{FEATURES}\n{RESULT},"),
        "broken: `forward` returns a tuple, must return the output itself",
    ),
    "smaller when trained": (
        upscaler(
            CONVOLUTIONS,
            f"""
            {FEATURES}
            features = features[..., 1:] if self.training else features
            return pixel_shuffle(self.last(features), self.scale)
            """,
        ),
        "broken: output is (2, 1, 44, 36), expected (2, 1, 44, 38)",
    ),
    "detached": (
        upscaler(CONVOLUTIONS, f"{FEATURES}\n{RESULT}.detach()"),
        "broken: the output does not depend on the weights: is there a `detach()`",
    ),
    "no gradients": (
        upscaler(CONVOLUTIONS, f"{FEATURES}\n{RESULT}").replace(
            "    def forward", "    @torch.no_grad()\n    def forward"
        ),
        "broken: the output does not depend on the weights: is there a `detach()`",
    ),
    "numpy": (
        upscaler(CONVOLUTIONS, f"low = torch.from_numpy(low.numpy())\n{FEATURES}\n{RESULT}"),
        "broken: the training failed: broken.py, line 21: RuntimeError: Can't call numpy()",
    ),
    "kept from the evaluation": (
        upscaler(
            CONVOLUTIONS + "self.half = None",
            f"""
            if not self.training:
                self.half = torch.tensor([0.5], device=low.device)
            {FEATURES}
            if self.half is not None:
                features = features * self.half
            {RESULT}
            """,
        ),
        "broken: the training failed: broken.py, line 26: RuntimeError: Inference tensors cannot",
    ),
    "changed in place": (
        upscaler(
            CONVOLUTIONS,
            f"features = self.first(low).sigmoid()\nfeatures += self.second(features)\n{RESULT}",
        ),
        "broken: the training failed: broken.py: RuntimeError: one of the variables needed",
    ),
    "another base": (
        upscaler(CONVOLUTIONS, RESULT).replace("(scale)", "()"),
        "the class `Network` must be a subclass of `Upscaler` and begin with",
    ),
    "not begun": (
        upscaler(CONVOLUTIONS, RESULT).replace("super().__init__(scale)", "pass"),
        "the class `Network` must be a subclass of `Upscaler` and begin with",
    ),
    "wrong constructor": (
        upscaler(CONVOLUTIONS, RESULT).replace("scale, settings)", "channels)"),
        "broken: `Network(scale=2, settings=Settings(channels=8))` failed:",
    ),
    "a mistake in the constructor": (
        upscaler("self.first = nn.Conv2d(1, settings.width, 3)", RESULT),
        "failed: broken.py, line 16: AttributeError: 'Settings' object has no attribute 'width'",
    ),
    "no forward": (
        upscaler(CONVOLUTIONS, RESULT).replace("def forward", "def foward"),
        "settings=Settings(channels=8))` failed: broken.py: TypeError: Can't instantiate abstract",
    ),
    "not an Upscaler": (
        upscaler(CONVOLUTIONS, RESULT)
        .replace("(Upscaler)", "(nn.Module)")
        .replace("(scale)", "()"),
        "must be a subclass of `Upscaler`",
    ),
    "syntax error": (
        upscaler(CONVOLUTIONS, RESULT).replace("super()", "super("),
        "broken: its file cannot be imported: broken.py, line 15: SyntaxError: ",
    ),
    "a missing module": (
        "import convolutions\n",
        "broken.py, line 1: ModuleNotFoundError: No module named 'convolutions'",
    ),
    "no class": (HEADER, "broken: broken.py needs a class `Network` like that of student.py"),
    "float64": (
        upscaler(CONVOLUTIONS + "self.double()", RESULT.replace("self.last", "self.second")),
        "broken: `first.weight` is float64, must be float32",
    ),
    "float64 inside": (
        upscaler(CONVOLUTIONS, f"{FEATURES}\n{RESULT}.double()"),
        "broken: output is float64, must be float32",
    ),
    "device left behind": (
        upscaler(
            CONVOLUTIONS + "self.mean = torch.tensor([0.4])",
            f"{FEATURES.replace('(low)', '(low - self.mean)')}\n{RESULT}",
        ),
        "keep constants in a buffer (`register_buffer`), and create new tensors on the input's"
        " device (`device=x.device`)",
    ),
    "in-place input": (
        upscaler(CONVOLUTIONS, f"low -= 0.5\n{FEATURES}\n{RESULT}"),
        "broken: `forward` changes its input: do not apply in-place operations to it",
    ),
    "state that grows": (
        upscaler(
            CONVOLUTIONS + "self.history = []",
            f"{FEATURES}\nself.history.append(features.detach())\n{RESULT}",
        ),
        "broken: `history` grows with every step, until the memory is full",
    ),
    "state that grows in secret": (
        upscaler(
            CONVOLUTIONS + "self._history = []",
            f"{FEATURES}\nself._history.append(features.detach())\n{RESULT}",
        ),
        "broken: `_history` grows with every step, until the memory is full",
    ),
    "random constant": (
        upscaler(
            CONVOLUTIONS + "self.noise = float(torch.rand(()))",
            f"{FEATURES}\n{RESULT} + self.noise",
        ),
        "broken: saved and loaded, it gives another output: keep constants that are drawn at random"
        " in a buffer",
    ),
    "state outside of its buffers": (
        upscaler(
            CONVOLUTIONS + "self.calls = 0",
            f"self.calls += self.training\n{FEATURES}\n{RESULT} * (1 + 0.1 * self.calls)",
        ),
        "broken: a resumed training gives other values of",
    ),
}
"""By fault: the file `broken.py`, and a part of the line that must be said."""

DIGITS_HEADER = """\
import torch
from torch import nn

from convlab.core.params import Params


class Settings(Params):
    width: int = 3


"""
CLASSIFIERS = {
    # No nn.Sequential, activations as functions, and an embedding of three numbers.
    "functional": f"""{DIGITS_HEADER}class Network(nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.convolve = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.embed = nn.Linear(4 * 14 * 14, settings.width)
        self.drop = nn.Dropout(0.5)
        self.classify = nn.Linear(settings.width, 10)

    def forward(self, digits):
        embedding = self.embed(self.norm(self.convolve(digits)).relu().flatten(1))
        return self.classify(self.drop(embedding)), embedding
""",
}
BROKEN_CLASSIFIERS = {
    "no embedding": (
        CLASSIFIERS["functional"].replace("(embedding)), embedding", "(embedding))"),
        "broken: for 1 digits it gives (1, 10); `forward` must return two tensors",
    ),
    "eleven classes": (
        CLASSIFIERS["functional"].replace("width, 10)", "width, 11)"),
        "broken: for 1 digits it gives (1, 11) and (1, 3); `forward` must return two tensors",
    ),
    "softmax": (
        CLASSIFIERS["functional"].replace(
            "(embedding)), embedding", "(embedding)).softmax(1), embedding"
        ),
        "broken: its logits are probabilities: remove the softmax",
    ),
}


@contextmanager
def network_file(folder, package, name, source):
    """Have a file of one's own beside those of a package for a while."""
    networks = import_module(package)
    (folder / f"{name}.py").write_text(source)
    networks.__path__.append(str(folder))
    invalidate_caches()
    try:
        yield
    finally:
        networks.__path__.remove(str(folder))
        sys.modules.pop(f"{package}.{name}", None)
        vars(networks).pop(name, None)
