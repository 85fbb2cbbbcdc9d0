// Upscales a part of a picture, in colour and with opacity, as superres/tiling.py does. Pictures are tensors here,
// with values from 0 to 1, and are rounded once, at the end.
import { tensor } from "./kernel.js";
import { resize } from "./resize.js";

const WEIGHTS = { 1: [219], 3: [65.481, 128.553, 24.966] }; // luminance of grey, or red, green and blue
const [BLACK, RANGE] = [16, 219];
const [VISIBLE, OPAQUE] = [0.02, 0.6];

const clip = (value) => Math.min(1, Math.max(0, value));

function map(pixels, channels, value) {
  const { height, width } = pixels;
  const result = tensor(height, width, channels);
  for (let pixel = 0, to = 0; pixel < height * width; pixel++)
    for (let channel = 0; channel < channels; channel++) result.values[to++] = value(pixel, channel);
  return result;
}

function luminance(colour) {
  const { channels, values } = colour;
  return map(colour, 1, (pixel) => WEIGHTS[channels].reduce((sum, weight, channel) => sum + weight * values[pixel * channels + channel], BLACK) / 255);
}

// The error of a network for pictures of a single grey level; `flat` has it for levels from 0 to 1.
function flatError(flat, level, phase) {
  const place = level * (flat.length - 1);
  const lower = Math.min(Math.floor(place), flat.length - 2);
  return flat[lower][phase] + (place - lower) * (flat[lower + 1][phase] - flat[lower][phase]);
}

function upscaleColour(colour, { scale, network, flat }) {
  const { channels } = colour;
  const smooth = resize(colour, scale * colour.height, scale * colour.width);
  if (!network) return smooth;
  const low = luminance(colour);
  const coarse = luminance(smooth).values;
  const sharp = network(low).outputs[0].values;
  for (let pixel = 0; pixel < sharp.length; pixel++) {
    const [row, column] = [Math.floor(pixel / smooth.width), pixel % smooth.width];
    const level = low.values[Math.floor(row / scale) * low.width + Math.floor(column / scale)];
    const error = flatError(flat, level, (row % scale) * scale + (column % scale));
    const detail = ((sharp[pixel] - coarse[pixel] - error) * 255) / RANGE;
    for (let channel = 0; channel < channels; channel++) smooth.values[pixel * channels + channel] += detail;
  }
  return smooth;
}

// Sums over 5 x 5 pixels, upscaled by bilinear interpolation.
function blurred({ height, width, channels, values }, scale) {
  const sums = tensor(height, width, channels);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      for (let y = Math.max(0, row - 2); y <= Math.min(height - 1, row + 2); y++)
        for (let x = Math.max(0, column - 2); x <= Math.min(width - 1, column + 2); x++)
          for (let channel = 0; channel < channels; channel++)
            sums.values[(row * width + column) * channels + channel] += values[(y * width + x) * channels + channel];
  const between = (place, length) => {
    const at = Math.max(0, (place + 0.5) / scale - 0.5);
    const first = Math.min(Math.floor(at), length - 1);
    return { first, second: Math.min(first + 1, length - 1), share: at - first };
  };
  const high = { height: scale * height, width: scale * width };
  const columns = Array.from({ length: high.width }, (_, column) => between(column, width));
  return map(high, channels, (pixel, channel) => {
    const rows = between(Math.floor(pixel / high.width), height);
    const { first, second, share } = columns[pixel % high.width];
    const value = (row, column) => sums.values[(row * width + column) * channels + channel];
    const line = (row) => value(row, first) + share * (value(row, second) - value(row, first));
    return line(rows.first) + rows.share * (line(rows.second) - line(rows.first));
  });
}

// How much the colours of the visible ones of 5 x 5 pixels differ.
function contrasts({ height, width, channels, values }) {
  const colours = channels - 1;
  return map({ height, width }, 1, (pixel) => {
    const [row, column] = [Math.floor(pixel / width), pixel % width];
    const [lightest, darkest] = [new Array(colours).fill(-1), new Array(colours).fill(2)];
    for (let y = Math.max(0, row - 2); y <= Math.min(height - 1, row + 2); y++)
      for (let x = Math.max(0, column - 2); x <= Math.min(width - 1, column + 2); x++) {
        const at = (y * width + x) * channels;
        if (values[at + colours] <= VISIBLE) continue;
        for (let channel = 0; channel < colours; channel++) {
          lightest[channel] = Math.max(lightest[channel], values[at + channel]);
          darkest[channel] = Math.min(darkest[channel], values[at + channel]);
        }
      }
    return Math.max(0, ...lightest.map((level, channel) => level - darkest[channel]));
  });
}

function upscaleTransparent(picture, options) {
  const { channels, values } = picture;
  const colours = channels - 1;
  const opacity = (pixel) => values[pixel * channels + colours];
  const seen = map(picture, channels, (pixel, channel) => (channel < colours ? opacity(pixel) * values[pixel * channels + channel] : opacity(pixel)));
  const onGround = (level) =>
    upscaleColour(map(picture, colours, (pixel, channel) => seen.values[pixel * channels + channel] + level * (1 - opacity(pixel))), options);
  const [black, white] = [onGround(0), onGround(1)];
  const around = blurred(seen, options.scale);
  const contrast = contrasts(picture);
  return map(black, channels, (pixel, channel) => {
    const near = around.values[pixel * channels + colours];
    if (near <= 0) return 0;
    let transparency = 1;
    for (let each = pixel * colours; each < (pixel + 1) * colours; each++) transparency = Math.min(transparency, clip(white.values[each]) - clip(black.values[each]));
    if (channel === colours) return 1 - transparency;
    const place = pixel * colours + channel;
    const visible = (clip(black.values[place]) + clip(white.values[place]) - transparency) / 2;
    const neighbours = around.values[pixel * channels + channel] / near;
    const error = visible - (1 - transparency) * neighbours;
    const [exact, cautious] = [VISIBLE, OPAQUE].map((least) => error / Math.max(1 - transparency, least));
    const [row, column] = [Math.floor(pixel / black.width), pixel % black.width].map((each) => Math.floor(each / options.scale));
    const most = contrast.values[row * contrast.width + column];
    return neighbours + cautious + Math.max(-most, Math.min(exact - cautious, most));
  });
}

// Without a network, this is bicubic interpolation.
export function upscale(part, options) {
  const { height, width, channels } = part;
  const picture = { height, width, channels, values: Float32Array.from(part.values, (level) => level / 255) };
  const upscaled = channels % 2 ? upscaleColour(picture, options) : upscaleTransparent(picture, options);
  return { ...upscaled, values: Uint8ClampedArray.from(upscaled.values, (value) => 255 * value) };
}
