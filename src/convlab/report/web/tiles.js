// Tiles of a picture, with a margin as wide as the network's reach, as in superres/tiling.py.
import { upTo } from "./kernel.js";

const LARGEST_SIDE = 192; // LR pixels: less than a second of work
const BICUBIC_MARGIN = 3;

// Parts of about the same size: each is from `from` to `to`, and with its margin from `first` to `end`, which may be
// beyond the borders unless the tiles are bounded.
function spans(length, largest, margin, period, bounded) {
  const side = upTo(length / Math.ceil(length / largest), period);
  return Array.from({ length: Math.ceil(length / side) }, (_, index) => {
    const [from, to] = [index * side, Math.min(length, (index + 1) * side)];
    const [first, end] = [from - margin, to + margin];
    return { from, to, first: bounded ? Math.max(0, first) : first, end: bounded ? Math.min(length, end) : end };
  });
}

// Each tile has three rectangles [top, left, height, width]: `padded`, the tile with its margin in the picture;
// `inside`, the tile without margin in the upscaled tile; `target`, the tile in the upscaled picture. Tiles begin at
// multiples of the network's period. If `reach` is null, the output depends on the whole picture, which is one tile.
export function planTiles(height, width, { reach, period, scale, bounded = false }, largest = LARGEST_SIDE) {
  const all = Math.max(height, width);
  const step = reach === null ? all : period;
  const margin = reach === null ? 0 : upTo(Math.max(reach, BICUBIC_MARGIN), step);
  const columns = spans(width, largest, margin, step, bounded);
  return spans(height, largest, margin, step, bounded).flatMap((row) =>
    columns.map((column) => {
      const size = [row.to - row.from, column.to - column.from];
      return {
        padded: [row.first, column.first, row.end - row.first, column.end - column.first],
        inside: [row.from - row.first, column.from - column.first, ...size].map((side) => scale * side),
        target: [row.from, column.from, ...size].map((side) => scale * side),
      };
    }),
  );
}

export function blank(height, width, channels) {
  return { height, width, channels, values: new Uint8ClampedArray(height * width * channels) };
}

function mirrored(place, length) {
  const around = ((place % (2 * length)) + 2 * length) % (2 * length);
  return Math.min(around, 2 * length - 1 - around);
}

// Beyond its borders, a picture is mirrored.
export function cut(picture, top, left, height, width) {
  const { channels, values } = picture;
  const part = blank(height, width, channels);
  const columns = Array.from({ length: width }, (_, column) => mirrored(left + column, picture.width));
  for (let row = 0, to = 0; row < height; row++) {
    const line = mirrored(top + row, picture.height) * picture.width;
    for (let column = 0; column < width; column++) {
      const from = (line + columns[column]) * channels;
      for (let channel = 0; channel < channels; channel++) part.values[to++] = values[from + channel];
    }
  }
  return part;
}

export function place(picture, { height, width, channels, values }, top, left) {
  for (let row = 0; row < height; row++) {
    const line = values.subarray(row * width * channels, (row + 1) * width * channels);
    picture.values.set(line, ((top + row) * picture.width + left) * channels);
  }
}

// The sum over a part of an upscaled luminance, without the border of the whole picture.
export function squaredErrors(truth, part, top, left, border) {
  let sum = 0;
  for (let row = Math.max(top, border); row < Math.min(top + part.height, truth.height - border); row++)
    for (let column = Math.max(left, border); column < Math.min(left + part.width, truth.width - border); column++)
      sum += (truth.values[row * truth.width + column] - part.values[(row - top) * part.width + column - left]) ** 2;
  return sum;
}

export function psnr(sum, { height, width }, border) {
  return 10 * Math.log10((255 ** 2 * (height - 2 * border) * (width - 2 * border)) / sum);
}

// Converts to four values per pixel, as in a canvas.
export function toImageData({ height, width, channels, values }) {
  const image = new ImageData(width, height);
  const [green, blue] = channels >= 3 ? [1, 2] : [0, 0];
  for (let from = 0, to = 0; from < values.length; from += channels, to += 4) {
    image.data[to] = values[from];
    image.data[to + 1] = values[from + green];
    image.data[to + 2] = values[from + blue];
    image.data[to + 3] = channels % 2 ? 255 : values[from + channels - 1];
  }
  return image;
}
