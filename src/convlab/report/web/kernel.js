// Convolutions by WebAssembly with SIMD, see kernel/conv.ts, or by JavaScript if the browser does not support it.
//
// A tensor is {height, width, channels, values}; the channels of a pixel follow each other.

export function tensor(height, width, channels, values = new Float32Array(height * width * channels)) {
  return { height, width, channels, values };
}

export const upTo = (number, multiple) => Math.ceil(number / multiple) * multiple;

export function outputSide(side, axis, { kernel, stride, padding, dilation = [1, 1] }) {
  return Math.floor((side + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis]) + 1;
}

// Copies a tensor into the middle of zeros.
function pad({ height, width, channels, values }, [top, left], rows, columns, target) {
  target.fill(0);
  const padded = columns * channels;
  for (let row = 0; row < Math.min(height, rows - top); row++) {
    const line = values.subarray(row * width * channels, (row + 1) * width * channels);
    target.set(line.subarray(0, (columns - left) * channels), (row + top) * padded + left * channels);
  }
}

// Gives a function that convolves tensors, with weights of torch's order (outputs, inputs, rows, columns).
export function plainConvolution(options) {
  const { weight, bias, channels: [inputs, outputs], kernel, stride, padding, dilation } = options;
  const ordered = new Float32Array(weight.length);
  const taps = kernel[0] * kernel[1];
  for (let output = 0; output < outputs; output++)
    for (let input = 0; input < inputs; input++)
      for (let tap = 0; tap < taps; tap++)
        ordered[(tap * inputs + input) * outputs + output] = weight[(output * inputs + input) * taps + tap];
  return (image) => {
    const [height, width] = [outputSide(image.height, 0, options), outputSide(image.width, 1, options)];
    const [rows, columns] = [image.height + 2 * padding[0], image.width + 2 * padding[1]];
    const padded = new Float32Array(rows * columns * inputs);
    pad(image, padding, rows, columns, padded);
    const result = tensor(height, width, outputs);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const sums = result.values.subarray((row * width + column) * outputs, (row * width + column + 1) * outputs);
        sums.set(bias);
        for (let tap = 0; tap < taps; tap++) {
          const y = row * stride[0] + Math.floor(tap / kernel[1]) * dilation[0];
          const x = column * stride[1] + (tap % kernel[1]) * dilation[1];
          for (let input = 0; input < inputs; input++) {
            const value = padded[(y * columns + x) * inputs + input];
            if (value === 0) continue; // after ReLU, about half of all values are 0
            const from = (tap * inputs + input) * outputs;
            for (let output = 0; output < outputs; output++) sums[output] += value * ordered[from + output];
          }
        }
      }
    }
    return result;
  };
}

// Gives a function like plainConvolution, or undefined if the browser lacks WebAssembly or its SIMD.
export function wasmConvolutions(bytes) {
  if (typeof WebAssembly === "undefined" || !WebAssembly.validate(bytes)) return undefined;
  const memory = new WebAssembly.Memory({ initial: 16 });
  const { convolve } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports;
  let kept = 1024; // bytes of weights at the beginning
  const view = (address, length) => new Float32Array(memory.buffer, address, length);
  const reserve = (bytesInAll) => {
    const missing = bytesInAll - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  };

  return (options) => {
    const { weight, bias, channels: [inputs, outputs], kernel, stride, padding, dilation } = options;
    const wide = upTo(outputs, 8);
    const taps = kernel[0] * kernel[1];
    const [weights, biases] = [kept, kept + wide * inputs * taps * 4];
    kept = upTo(biases + wide * 4, 16);
    reserve(kept);
    const ordered = view(weights, wide * inputs * taps);
    for (let output = 0; output < outputs; output++)
      for (let input = 0; input < inputs; input++)
        for (let tap = 0; tap < taps; tap++)
          ordered[((Math.floor(output / 8) * taps + tap) * inputs + input) * 8 + (output % 8)] = weight[(output * inputs + input) * taps + tap];
    view(biases, outputs).set(bias);

    return (image) => {
      const [height, width] = [outputSide(image.height, 0, options), outputSide(image.width, 1, options)];
      const fours = upTo(width, 4);
      const rows = Math.max(image.height + 2 * padding[0], (height - 1) * stride[0] + dilation[0] * (kernel[0] - 1) + 1);
      const columns = Math.max(image.width + 2 * padding[1], (fours - 1) * stride[1] + dilation[1] * (kernel[1] - 1) + 1);
      const from = kept;
      const to = upTo(from + rows * columns * inputs * 4, 16);
      reserve(to + height * fours * wide * 4);
      pad(image, padding, rows, columns, view(from, rows * columns * inputs));
      const together = dilation[1] === 1; // whether the numbers under a row of the kernel are contiguous
      const pixel = inputs * 4;
      convolve(
        ...[from, weights, biases, to, height, fours, wide, kernel[0]],
        ...[together ? 1 : kernel[1], together ? kernel[1] * inputs : inputs],
        ...[columns * pixel * stride[0], pixel * stride[1], columns * pixel * dilation[0], pixel * dilation[1]],
      );
      const computed = view(to, height * fours * wide);
      const result = tensor(height, width, outputs);
      if (fours === width && wide === outputs) {
        result.values.set(computed);
        return result;
      }
      for (let row = 0, at = 0; row < height; row++)
        for (let column = 0; column < width; column++)
          for (let output = 0; output < outputs; output++) result.values[at++] = computed[(row * fours + column) * wide + output];
      return result;
    };
  };
}
