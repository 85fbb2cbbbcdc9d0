"""Typical wrong answers to the exercises: part of the hint, and how the solution is changed.

Each pair is a piece of the solution and what replaces it.
"""

Replacements = list[tuple[str, str]]

WRONG: dict[int, dict[str, Replacements]] = {
    1: {
        "your kernel is flipped: conv2d is a": [("* kernel", "* kernel.flip(1, 2)")],
        "your kernel is flipped left to right": [("* kernel", "* kernel.flip(2)")],
        "you multiply x[i - m] by w[m]": [
            (
                "i : i + rows, j : j + columns",
                "[[i - m] for m in range(rows)], [j - n for n in range(columns)]",
            ),
        ],
        "your kernel is transposed": [("* kernel", "* kernel.mT")],
        "only the first channel counts": [("(window * kernel)", "(window * kernel)[0]")],
        "you take the mean over the channels": [(".sum()", ".sum() / len(image)")],
        "the padding is missing": [("2 * padding", "0"), ("[padding]", "[0]")],
        "you pad at the top and the left only": [
            ("[padding] * 4", "[padding, 0, padding, 0]"),
            ("2 * padding", "padding"),
        ],
        "conv2d pads with zeros": [("* 4)", '* 4, "replicate")')],
        "the last row and column are missing": [("rows + 1", "rows"), ("columns + 1", "columns")],
        "line 25: conv2d does the whole": [
            ("_, height, width =", "return functional.conv2d(image[None], kernel[None])\n    _ ="),
        ],
    },
    2: {
        "the dilation is missing": [("dilation * ", "")],
        "only those grow with the dilation": [("(kernel - 1) + 1", "kernel")],
        "the padding counts once": [("2 * padding", "padding")],
        "before its first step": [("// stride + 1", "// stride")],
        "divide by the stride first": [(" - window) // stride + 1", " - window + 1) // stride")],
        "you round up": [("- window) // stride", "- window + stride - 1) // stride")],
        "the stride is missing": [("// stride ", "")],
        "`/` gives a float": [("//", "/")],
    },
    3: {
        "the strides are missing": [(" * step", "")],
        "own stride counts too early": [("* dilation * step", "* dilation * step * stride")],
        "only the stride of the layer before": [("step *= stride", "step = stride")],
        "the strides are added": [("step *= stride", "step += stride"), ("* step", "* (step - 1)")],
        "the dilation is missing": [(" * dilation", "")],
        "start at 1": [("field = step = 1", "field, step = 0, 1")],
        "k taps have k - 1 gaps": [("(kernel - 1)", "kernel")],
        "the first one of the list is the image": [("in layers:", "in layers[::-1]:")],
    },
    4: {
        "the bias of the convolution is missing": [
            ("**2\n    return weights + outputs", "**2\n    return weights")
        ],
        "the kernel is not squared": [("kernel**2", "kernel")],
        "the groups are missing": [("inputs // groups", "inputs")],
        "you divide by the groups twice": [
            ("= outputs * (inputs", "= outputs // groups * (inputs")
        ],
        "the input channels are missing": [("(inputs // groups) * ", "")],
        "always gets a bias": [(" if bias else weights", "")],
        "there is one bias for the whole convolution": [("weights + outputs", "weights + 1")],
        "the bias of the linear layer is missing": [
            ("* inputs\n    return weights + outputs", "* inputs\n    return weights")
        ],
    },
    5: {
        "this is full range": [
            ("16 + rgb / 255", "rgb"),
            ("65.481, 128.553, 24.966", "0.299, 0.587, 0.114"),
        ],
        "these are the weights of BT.709": [
            ("65.481, 128.553, 24.966", "46.5594, 156.6288, 15.8118")
        ],
        "red and blue are exchanged": [("rgb / 255", "rgb[..., ::-1] / 255")],
        "the offset is missing": [("16 + ", "")],
        "the fractions are cut off": [("np.rint(y)", "y")],
        "the values are not rounded": [("np.rint(y).astype(np.uint8)", "y")],
        "divide the bytes by 255": [
            ("rgb / 255", "rgb"),
            ("np.rint(y)", "np.rint(y.clip(0, 255))"),
        ],
        "has shape (2, 4, 3), should have (2, 4)": [("@", "*")],
        "is of int64, should be of uint8": [(".astype(np.uint8)", ".astype(int)")],
    },
    6: {
        "the natural one": [("log10", "log")],
        "convert both images to float first": [(".astype(float)", "")],
        "before the difference, not after": [
            ("truth.astype(float) - estimate.astype(float)", "(truth - estimate).astype(float)"),
        ],
        "remove the square root": [("/ mse)", "/ math.sqrt(mse))")],
        "20 log10 belongs to the root": [("10 *", "20 *")],
        "the peak is 1": [("255**2", "1")],
        "the peak is not squared": [("255**2", "255")],
        "the largest value of this image": [("255**2", "truth.max() ** 2.0")],
        "two equal images give 100.0": [("math.inf", "100.0")],
    },
    7: {
        "your kernel has a = -0.75": [("-0.5, abs", "-0.75, abs")],
        "take the absolute value first": [("abs(distance)", "distance")],
        "the kernel ends at 1": [("x < 2", "x < 1")],
        "the kernel goes on beyond 2": [("x < 2", "True")],
        "the half pixel is missing": [("(j + 0.5) / scale - 0.5", "j / scale")],
        "the weights do not sum to 1": [(" / weights.sum()", "")],
        "you repeat the edge pixel": [
            (
                "(scale * len(signal))",
                "(scale * len(signal))\n    signal = np.pad(signal, 2, 'edge')",
            ),
            ("scale - 0.5", "scale + 1.5"),
        ],
        "your kernel is stretched": [("keys(i - centre)", "keys((i - centre) / scale)")],
    },
    8: {
        "(c r1 r2), not (r1 r2 c)": [("(c r1 r2)", "(r1 r2 c)")],
        "r1 and r2 are exchanged": [("(c r1 r2)", "(c r2 r1)")],
        "puts whole images beside each other": [("(h r1) (w r2)", "(r1 h) (r2 w)")],
        "the width is right": [("(h r1)", "(r1 h)")],
        "height and width are exchanged: your result": [("(h r1) (w r2)", "(w r2) (h r1)")],
        "has input[": [("(c r1 r2)", "(r1 c r2)")],
        "a reshape keeps": [
            (
                "rearrange(",
                "features.reshape(len(features), -1, *(scale * n for n in features.shape[2:])) #",
            ),
        ],
        "EinopsError": [("(c r1 r2)", "(c r1 r3)")],
        "PixelShuffle does the whole exercise": [
            ("return", "from torch.nn import PixelShuffle\n    return")
        ],
    },
    9: {
        "(c r1 r2), not (r1 r2 c)": [("(c r1 r2)", "(r1 r2 c)")],
        "r1 and r2 are exchanged": [("(c r1 r2)", "(c r2 r1)")],
        "cuts the image into s x s large pieces": [("(h r1) (w r2)", "(r1 h) (r2 w)")],
        "the height is right": [("(w r2)", "(r2 w)")],
        "your result is transposed": [("(c r1 r2) h w", "(c r1 r2) w h")],
        "the rows of an image are its third axis": [("(h r1) (w r2)", "(w r2) (h r1)")],
    },
    10: {
        "does not use the labels": [('"a": True', '"a": False')],
        "how far apart clusters are": [('"b": False', '"b": True')],
        "which follows the density": [('"c": False', '"c": True')],
        "what would the axis measure": [('"d": False', '"d": True')],
        "how many neighbours count": [('"f": True', '"f": False')],
        "read the title": [('"h": False', '"h": True')],
        "write True or False, not 'yes'": [('"a": True', '"a": "yes"')],
        "statement j of 10_tsne.md has no answer": [('"j": False', '"j": None')],
        "with the keys a, b": [('    "j": False,\n', "")],
    },
    11: {
        "the embedding is flattened": [
            ("(32, 10)", "(32 * 49, 10)"),
            ("mean(dim=(2, 3))", "flatten(1)"),
        ],
        "the maximum of each map": [("mean(dim=(2, 3))", "amax(dim=(2, 3))")],
        "the mean is over the channels": [
            ("mean(dim=(2, 3))", "mean(dim=1).flatten(1)"),
            ("(32, 10)", "(49, 10)"),
        ],
        "the mean is over the width only": [
            ("mean(dim=(2, 3))", "mean(dim=3).flatten(1)"),
            ("(32, 10)", "(32 * 7, 10)"),
        ],
        "softmax is applied already": [("classify(embedding)", "classify(embedding).softmax(1)")],
        "each of the 32 maps is one number": [("(32, 10)", "(16, 10)")],
        "they come first": [
            ("self.classify(embedding), embedding", "embedding, self.classify(embedding)")
        ],
        "should return two tensors": [("(embedding), embedding", "(embedding)")],
        "cut off from the feature maps": [
            ("self.features(digits)", "self.features(digits).detach()")
        ],
    },
    12: {
        "`padding` is ignored": [("padding=pixels, padding_mode=mode", "padding=1")],
        "nothing is padded": [("padding=pixels, padding_mode=mode", "")],
        "the output must be smaller": [('0 if padding == "none" else 1', "1")],
        "your network reflects the image": [
            ("else padding\n", 'else padding.replace("replicate", "reflect")\n')
        ],
        "a ReLU after the last convolution": [
            ("nn.PixelShuffle", "nn.ReLU(),\n        nn.PixelShuffle")
        ],
        "no ReLU between": [("        nn.ReLU(),\n", "")],
        "those are LR pixels": [("return 6", "return 3")],
        "both sides lose together": [("return 6", "return 12")],
        "with padding nothing is missing": [('return 6 if padding == "none" else 0', "return 6")],
        "should be 3 of (3, 3)": [("kernel_size=3", "kernel_size=5")],
        "there are only fewer output pixels": [('"b": False', '"b": True')],
        "what adds it again?": [('"e": True', '"e": False')],
    },
}
