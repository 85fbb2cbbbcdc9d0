// How a network makes its output, on a part of a photograph: bicubic + residual, and pixel shuffle.
import { cellPicture, decimal, diverging, grey, largest, readGrey, whenArrowed } from "./cells.js";
import { tensor } from "./kernel.js";
import { build, decode } from "./network.js";
import { data, find } from "./page.js";
import { showShuffle } from "./shuffle.js";

function cutPart({ width: whole, channels, values }, top, left, height, width) {
  const part = tensor(height, width, channels);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * whole + left) * channels;
    part.values.set(values.subarray(from, from + width * channels), row * width * channels);
  }
  return part;
}

// Runs the network on the part and the pixels around it; gives the part of each step's output.
async function computeParts({ low, truth, top, left, height, width, steps }) {
  const [around, real] = await Promise.all([low, truth].map(readGrey));
  const { all } = build(data.live.upscaler, decode(data.live.kernel))(tensor(around.height, around.width, 1, around.values), true);
  const parts = { truth: tensor(real.height, real.width, 1, real.values) };
  for (const [name, index] of Object.entries(steps)) {
    if (index === null) continue;
    const times = name === "channels" ? 1 : data.superres.scale;
    parts[name] = cutPart(all[index], ...[top, left, height, width].map((length) => times * length));
  }
  return parts;
}

const greyLevels = (value) => decimal(255 * value, 1);

// Gives a function that marks a pixel and shows its numbers.
function showSum(parts, choosePixel) {
  const { width } = parts.output;
  const most = largest(parts.residual.values);
  const pictures = Array.from(find("residual-pictures").querySelectorAll("[data-part]"), (element) => {
    const { height, values } = parts[element.dataset.part];
    const paint = element.dataset.part === "residual" ? (value) => diverging(value / most) : grey;
    const picture = cellPicture(element);
    picture.paint(height, width, (row, column) => paint(values[row * width + column]));
    picture.whenPointed(choosePixel);
    return picture;
  });
  if (parts.bicubic) {
    find("residual-least").textContent = decimal(-255 * most, 0);
    find("residual-most").textContent = `+${decimal(255 * most, 0)}`;
  }
  find("residual").hidden = false;
  return (row, column) => {
    pictures.forEach((picture) => picture.mark([[row, column]]));
    const [bicubic, residual, output, truth] = ["bicubic", "residual", "output", "truth"].map((name) => parts[name]?.values[row * width + column]);
    const sign = residual < 0 ? "\u2212" : "+";
    const sum = parts.bicubic ? `${greyLevels(bicubic)} (bicubic) ${sign} ${greyLevels(Math.abs(residual))} (residual) = ` : "";
    find("residual-text").textContent = `Row ${row}, column ${column}, in grey levels: ${sum}${greyLevels(output)} (output). Ground truth: ${greyLevels(truth)}.`;
  };
}

async function showSteps(part) {
  const { scale } = data.superres;
  const parts = await computeParts(part);
  const { height, width } = parts.output;
  let [row, column] = [0, 0];
  const choosePixel = (...place) => {
    [row, column] = place.map((at, axis) => Math.min([height, width][axis] - 1, Math.max(0, at)));
    tell.forEach((show) => show(row, column));
  };
  const tell = [showSum(parts, choosePixel)];
  if (parts.channels) tell.push(showShuffle(parts.channels, scale, Boolean(parts.bicubic), choosePixel));
  const moved = (text) => (down, right) => {
    choosePixel(row + down, column + right);
    find("residual-spoken").textContent = find(text).textContent;
  };
  whenArrowed(find("residual-pictures"), moved("residual-text"));
  if (parts.channels) whenArrowed(find("shuffle-picture"), moved("shuffle-text"));
  choosePixel(Math.floor(height / 3) + 1, Math.floor(width / 3));
}

// After the rest of the page, because running the network would delay it noticeably.
if (data.superres.residual?.steps) setTimeout(() => showSteps(data.superres.residual));
