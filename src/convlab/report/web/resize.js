// Bicubic interpolation (Keys, a = -0.5) as in Pillow, with a wider kernel in downscaling.
import { tensor } from "./kernel.js";

function cubic(x) {
  const t = Math.abs(x);
  if (t < 1) return 1.5 * t ** 3 - 2.5 * t ** 2 + 1;
  return t < 2 ? -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 : 0;
}

// For each pixel of the result, the first one of the input that it depends on, and its weights.
function weights(before, after) {
  const scale = before / after;
  const wider = Math.max(scale, 1);
  return Array.from({ length: after }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - 2 * wider + 0.5));
    const end = Math.min(before, Math.trunc(centre + 2 * wider + 0.5));
    const values = Array.from({ length: end - first }, (_, index) => cubic((first + index + 0.5 - centre) / wider));
    const sum = values.reduce((a, b) => a + b, 0);
    return { first, values: values.map((value) => value / sum) };
  });
}

// Resizes a tensor; the result is not clipped.
export function resize({ height, width, channels, values }, newHeight, newWidth) {
  const narrow = new Float32Array(height * newWidth * channels);
  weights(width, newWidth).forEach(({ first, values: factors }, column) => {
    for (let row = 0; row < height; row++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let index = 0; index < factors.length; index++) sum += factors[index] * values[(row * width + first + index) * channels + channel];
        narrow[(row * newWidth + column) * channels + channel] = sum;
      }
    }
  });
  const result = tensor(newHeight, newWidth, channels);
  const line = newWidth * channels;
  weights(height, newHeight).forEach(({ first, values: factors }, row) => {
    for (let at = 0; at < line; at++) {
      let sum = 0;
      for (let index = 0; index < factors.length; index++) sum += factors[index] * narrow[(first + index) * line + at];
      result.values[row * line + at] = sum;
    }
  });
  return result;
}
