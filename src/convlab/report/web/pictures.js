// The pictures of a photograph, computed from the page's data without loss.
import { copyToCanvas, data, loadPicture, make } from "./page.js";
import { resize } from "./resize.js";
import { toRgb, toYCbCr } from "./colour.js";
import { cut } from "./tiles.js";

const CHANNELS = 4; // with alpha, as in a canvas

export const nextTask = () => new Promise((resolve) => setTimeout(resolve));

async function readPicture(address) {
  const context = copyToCanvas(await loadPicture(address));
  const { width, height } = context.canvas;
  return { width, height, channels: CHANNELS, values: context.getImageData(0, 0, width, height).data };
}

function paint({ width, height, values }) {
  const canvas = make("canvas", { width, height });
  canvas.getContext("2d").putImageData(new ImageData(values, width, height), 0, 0);
  return canvas;
}

// A part of the interpolated low resolution.
function interpolate(low, { width, height, top, left }) {
  const { scale } = data.superres;
  return cut(resize(low, scale * low.height, scale * low.width), top, left, height, width);
}

function withLuminance(picture, { values: luminance }) {
  const values = picture.values.slice();
  for (let at = 0; at < values.length; at += CHANNELS) values[at] = luminance[at];
  return { ...picture, values };
}

// Absolute difference of luminance, in the colours of error maps.
function errorMap(truth, estimate) {
  const colours = data.superres.error_colours;
  const values = new Uint8ClampedArray(truth.values.length).fill(255);
  for (let at = 0; at < values.length; at += CHANNELS) {
    const error = Math.abs(estimate.values[at] - truth.values[at]);
    const colour = colours[Math.min(error, colours.length - 1)];
    for (let channel = 0; channel < 3; channel++) values[at + channel] = colour[channel];
  }
  return paint({ ...truth, values });
}

// Gives functions that make a canvas: of both methods, of the ground truth, of both errors.
function paintable(inColour, inYCbCr) {
  return {
    ...inColour,
    bicubicError: () => errorMap(inYCbCr("truth"), inYCbCr("bicubic")),
    networkError: () => errorMap(inYCbCr("truth"), inYCbCr("network")),
  };
}

// The pictures of a photograph of the page.
export async function openStored(photograph) {
  const [truth, low, luminance] = await Promise.all([photograph.truth, photograph.low, photograph.network].map(readPicture));
  await nextTask();
  const bicubic = interpolate(low, photograph);
  await nextTask();
  const network = withLuminance(bicubic, luminance);
  return paintable(
    { truth: () => paint(truth), bicubic: () => paint(toRgb(bicubic)), network: () => paint(toRgb(network)) },
    (name) => ({ bicubic, network })[name] ?? toYCbCr(truth),
  );
}

// The pictures of a photograph that are already in colour; each has an address.
export async function openGiven(photograph) {
  const names = ["bicubic", "network", "truth"].filter((name) => photograph[name]);
  const pictures = await Promise.all(names.map((name) => readPicture(photograph[name])));
  const inColour = Object.fromEntries(names.map((name, index) => [name, () => paint(pictures[index])]));
  return paintable(inColour, (name) => toYCbCr(pictures[names.indexOf(name)]));
}
