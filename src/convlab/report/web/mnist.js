// Converts drawings to the form of MNIST's digits, by the same steps as digits/preprocessing.py.
//
// Pictures are tensors with one channel and grey levels from 0 (paper) to 255 (ink).
import { tensor } from "./kernel.js";
import { resize } from "./resize.js";

export const MNIST_SIDE = 28;
const INK_SIDE = 20; // side of the square that the ink fills
const INK_LEVEL = 127; // brighter pixels are ink

// The red channel of a part of a canvas, which is the grey level of a grey picture.
export function readLevels(context, left, top, width, height) {
  const { data: colours } = context.getImageData(left, top, width, height);
  const levels = tensor(height, width, 1);
  for (let pixel = 0; pixel < levels.values.length; pixel++) levels.values[pixel] = colours[4 * pixel];
  return levels;
}

// Crops a picture to its ink; gives undefined if there is none.
export function cropToInk({ height, width, values }) {
  let [top, bottom, left, right] = [height, -1, width, -1];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (values[row * width + column] <= INK_LEVEL) continue;
      top = Math.min(top, row);
      bottom = row;
      left = Math.min(left, column);
      right = Math.max(right, column);
    }
  }
  if (bottom < 0) return undefined;
  const ink = tensor(bottom - top + 1, right - left + 1, 1);
  for (let row = 0; row < ink.height; row++) {
    const from = (top + row) * width + left;
    ink.values.set(values.subarray(from, from + ink.width), row * ink.width);
  }
  return ink;
}

// Rounds halves to even, as Python's round.
function roundToEven(number) {
  const below = Math.floor(number);
  if (number - below !== 0.5) return Math.round(number);
  return below % 2 === 0 ? below : below + 1;
}

// Scales ink to its square, and moves its centre of mass to the middle of the digit.
export function centreInk(ink) {
  const factor = INK_SIDE / Math.max(ink.height, ink.width);
  const [height, width] = [ink.height, ink.width].map((side) => Math.max(1, roundToEven(side * factor)));
  const small = resize(ink, height, width);
  const [top, left] = [height, width].map((side) => Math.floor((MNIST_SIDE - side) / 2));
  const digit = tensor(MNIST_SIDE, MNIST_SIDE, 1);
  let [mass, down, right] = [0, 0, 0];
  small.values.forEach((value, at) => {
    const [row, column] = [top + Math.floor(at / width), left + (at % width)];
    const level = Math.min(Math.max(value, 0), 255);
    digit.values[row * MNIST_SIDE + column] = level;
    mass += level;
    down += level * row;
    right += level * column;
  });
  const middle = (MNIST_SIDE - 1) / 2;
  return shiftBetweenPixels(digit, middle - down / mass, middle - right / mass);
}

// Shifts by fractions of pixels, with linear interpolation, and rounds to grey levels.
function shiftBetweenPixels({ height, width, values }, down, right) {
  const shifted = tensor(height, width, 1);
  const level = (row, column) => (row < height && column < width ? values[row * width + column] : 0);
  for (let row = Math.max(0, Math.ceil(down)); row - down <= height - 1 && row < height; row++) {
    for (let column = Math.max(0, Math.ceil(right)); column - right <= width - 1 && column < width; column++) {
      const [y, x] = [row - down, column - right];
      const [top, left] = [Math.floor(y), Math.floor(x)];
      const [below, beside] = [y - top, x - left];
      const upper = (1 - beside) * level(top, left) + beside * level(top, left + 1);
      const lower = (1 - beside) * level(top + 1, left) + beside * level(top + 1, left + 1);
      shifted.values[row * width + column] = roundToEven((1 - below) * upper + below * lower);
    }
  }
  return shifted;
}

// Converts a drawing, bright on black, to MNIST's form; gives undefined if there is no ink.
export function toMnist(drawing) {
  const ink = cropToInk(drawing);
  return ink && centreInk(ink);
}

// Shifts by whole pixels: pixels that are moved out are lost, new pixels are 0.
export function shiftByPixels({ height, width, values }, down, right) {
  const shifted = tensor(height, width, 1);
  for (let row = Math.max(0, down); row < Math.min(height, height + down); row++) {
    for (let column = Math.max(0, right); column < Math.min(width, width + right); column++)
      shifted.values[row * width + column] = values[(row - down) * width + column - right];
  }
  return shifted;
}

// The input of the networks: 0 (paper) to 1 (ink).
export function toInput({ height, width, values }) {
  return tensor(height, width, 1, values.map((level) => level / 255));
}

export function softmax(logits) {
  const largest = Math.max(...logits);
  const exponentials = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((value) => value / sum);
}
