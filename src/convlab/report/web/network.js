// Runs networks as live.py describes them: a list of operations, each on outputs of earlier operations.
import { outputSide, plainConvolution, tensor, wasmConvolutions } from "./kernel.js";
import { resize } from "./resize.js";

export function decode(base64) {
  const characters = atob(base64);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i); // faster than from()
  return bytes;
}

const ACTIVATIONS = {
  leaky_relu: ({ slope }) => (x) => (x > 0 ? x : slope * x),
  elu: ({ alpha }) => (x) => (x > 0 ? x : alpha * Math.expm1(x)),
  silu: () => (x) => x / (1 + Math.exp(-x)),
  gelu: () => (x) => (x * (1 + erf(x / Math.SQRT2))) / 2,
  sigmoid: () => (x) => 1 / (1 + Math.exp(-x)),
  tanh: () => Math.tanh,
};

// Abramowitz and Stegun 7.1.26; its error is at most 1.5e-7.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const sum = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

function map({ height, width, channels, values }, change) {
  return tensor(height, width, channels, values.map(change));
}

// Ten times as fast as map with a comparison, which matters because ReLU follows most convolutions.
function relu(image) {
  const result = tensor(image.height, image.width, image.channels);
  for (let at = 0; at < image.values.length; at++) result.values[at] = (image.values[at] + Math.abs(image.values[at])) / 2;
  return result;
}

function groups(image, count) {
  const channels = image.channels / count;
  return Array.from({ length: count }, (_, group) => {
    const part = tensor(image.height, image.width, channels);
    for (let pixel = 0; pixel < image.height * image.width; pixel++)
      for (let channel = 0; channel < channels; channel++)
        part.values[pixel * channels + channel] = image.values[pixel * image.channels + group * channels + channel];
    return part;
  });
}

function concatenate(images) {
  const { height, width } = images[0];
  const channels = images.reduce((sum, image) => sum + image.channels, 0);
  const result = tensor(height, width, channels);
  let before = 0;
  for (const image of images) {
    for (let pixel = 0; pixel < height * width; pixel++)
      for (let channel = 0; channel < image.channels; channel++)
        result.values[pixel * channels + before + channel] = image.values[pixel * image.channels + channel];
    before += image.channels;
  }
  return result;
}

function pool(image, options) {
  const { kernel, stride, padding, largest } = options;
  const result = tensor(outputSide(image.height, 0, options), outputSide(image.width, 1, options), image.channels);
  let at = 0;
  for (let row = 0; row < result.height; row++) {
    for (let column = 0; column < result.width; column++) {
      for (let channel = 0; channel < image.channels; channel++) {
        let [most, sum] = [-Infinity, 0];
        for (let y = 0; y < kernel[0]; y++) {
          for (let x = 0; x < kernel[1]; x++) {
            const [i, j] = [row * stride[0] + y - padding[0], column * stride[1] + x - padding[1]];
            if (i < 0 || j < 0 || i >= image.height || j >= image.width) continue;
            const value = image.values[(i * image.width + j) * image.channels + channel];
            most = Math.max(most, value);
            sum += value;
          }
        }
        result.values[at++] = largest ? most : sum / (kernel[0] * kernel[1]);
      }
    }
  }
  return result;
}

function transposed(image, { weight, bias, channels: [inputs, outputs], kernel, stride, padding, output_padding: outputPadding }) {
  const [height, width] = [0, 1].map(
    (axis) => ([image.height, image.width][axis] - 1) * stride[axis] - 2 * padding[axis] + kernel[axis] + outputPadding[axis],
  );
  const result = tensor(height, width, outputs);
  for (let pixel = 0; pixel < height * width; pixel++) result.values.set(bias, pixel * outputs);
  for (let row = 0; row < image.height; row++) {
    for (let column = 0; column < image.width; column++) {
      for (let input = 0; input < inputs; input++) {
        const value = image.values[(row * image.width + column) * inputs + input];
        if (value === 0) continue;
        for (let y = 0; y < kernel[0]; y++) {
          const i = row * stride[0] + y - padding[0];
          if (i < 0 || i >= height) continue;
          for (let x = 0; x < kernel[1]; x++) {
            const j = column * stride[1] + x - padding[1];
            if (j < 0 || j >= width) continue;
            for (let output = 0; output < outputs; output++)
              result.values[(i * width + j) * outputs + output] += value * weight[((input * outputs + output) * kernel[0] + y) * kernel[1] + x];
          }
        }
      }
    }
  }
  return result;
}

// Channel i * scale + j of a pixel is the one at (i, j) of its scale x scale pixels.
export function shuffle(image, scale) {
  const channels = image.channels / scale ** 2;
  const result = tensor(scale * image.height, scale * image.width, channels);
  for (let row = 0; row < result.height; row++) {
    for (let column = 0; column < result.width; column++) {
      const pixel = Math.floor(row / scale) * image.width + Math.floor(column / scale);
      const place = (row % scale) * scale + (column % scale);
      for (let channel = 0; channel < channels; channel++)
        result.values[(row * result.width + column) * channels + channel] = image.values[pixel * image.channels + channel * scale ** 2 + place];
    }
  }
  return result;
}

function nearest(image, scale) {
  const result = tensor(scale * image.height, scale * image.width, image.channels);
  for (let row = 0; row < result.height; row++) {
    for (let column = 0; column < result.width; column++) {
      const from = (Math.floor(row / scale) * image.width + Math.floor(column / scale)) * image.channels;
      result.values.set(image.values.subarray(from, from + image.channels), (row * result.width + column) * image.channels);
    }
  }
  return result;
}

// The numbers of an image in torch's order, channel by channel.
function flatten({ height, width, channels, values }) {
  const result = tensor(1, 1, height * width * channels);
  for (let pixel = 0; pixel < height * width; pixel++)
    for (let channel = 0; channel < channels; channel++) result.values[channel * height * width + pixel] = values[pixel * channels + channel];
  return result;
}

function linear(image, { weight, bias, channels: [inputs, outputs] }) {
  const result = tensor(1, 1, outputs);
  for (let output = 0; output < outputs; output++) {
    let sum = bias[output];
    for (let input = 0; input < inputs; input++) sum += weight[output * inputs + input] * image.values[input];
    result.values[output] = sum;
  }
  return result;
}

function convolution(options, convolutions) {
  if (options.groups === 1) return convolutions(options);
  const [inputs, outputs] = options.channels.map((count) => count / options.groups);
  const size = options.weight.length / options.groups;
  const parts = Array.from({ length: options.groups }, (_, group) =>
    convolutions({
      ...options,
      ...{ channels: [inputs, outputs], weight: options.weight.subarray(group * size, (group + 1) * size) },
      bias: options.bias.subarray(group * outputs, (group + 1) * outputs),
    }),
  );
  return (image) => concatenate(groups(image, options.groups).map((part, group) => parts[group](part)));
}

// For each operation, a function of its options that gives one of its inputs.
const OPERATIONS = {
  convolution,
  transposed: (options) => (image) => transposed(image, options),
  linear: (options) => (image) => linear(image, options),
  activation: (options) => {
    if (options.kind === "relu") return relu;
    const change = ACTIVATIONS[options.kind](options);
    return (image) => map(image, change);
  },
  prelu: ({ slopes }) => (image) => map(image, (x, at) => (x > 0 ? x : slopes[at % image.channels % slopes.length] * x)),
  affine: ({ factors, offsets }) => (image) => map(image, (x, at) => factors[at % image.channels] * x + offsets[at % image.channels]),
  pool: (options) => (image) => pool(image, options),
  global_mean: () => (image) =>
    pool(image, { kernel: [image.height, image.width], stride: [1, 1], padding: [0, 0], largest: false }),
  flatten: () => flatten,
  shuffle: ({ scale }) => (image) => shuffle(image, scale),
  nearest: ({ scale }) => (image) => nearest(image, scale),
  bicubic: ({ scale }) => (image) => resize(image, scale * image.height, scale * image.width),
  add: () => (image, other) => map(image, (x, at) => x + other.values[at]),
  subtract: () => (image, other) => map(image, (x, at) => x - other.values[at]),
  multiply: () => (image, other) => map(image, (x, at) => x * other.values[at]),
  scale: ({ factor }) => (image) => map(image, (x) => factor * x),
  shift: ({ offset }) => (image) => map(image, (x) => x + offset),
  concatenate: () => (...images) => concatenate(images),
};

// Prepares a described network to run; `kernel` are the bytes of conv.wasm, if they may be used.
export function build({ operations, outputs, weights }, kernel) {
  const numbers = new Float32Array(decode(weights).buffer);
  const convolutions = (kernel && wasmConvolutions(kernel)) ?? plainConvolution;
  const steps = operations.map(({ operation, inputs, tensors, ...options }) => {
    const own = Object.entries(tensors ?? {}).map(([name, [first, length]]) => [name, numbers.subarray(first, first + length)]);
    return { inputs, apply: OPERATIONS[operation]({ ...options, ...Object.fromEntries(own) }, convolutions) };
  });
  const lastUse = new Map();
  steps.forEach(({ inputs }, step) => inputs.forEach((input) => lastUse.set(input, step)));
  outputs.forEach((output) => lastUse.set(output, Infinity));

  // Gives the outputs; with `keep` also `all`, the input and the output of each operation.
  return (input, keep = false) => {
    const all = [input];
    steps.forEach(({ inputs, apply }, step) => {
      all.push(apply(...inputs.map((index) => all[index])));
      if (!keep) inputs.forEach((index) => lastUse.get(index) === step && delete all[index]);
    });
    return { outputs: outputs.map((index) => all[index]), all };
  };
}
