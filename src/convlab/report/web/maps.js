// The feature maps of a network's layers.
import { make } from "./page.js";

const MAX_LAYERS = 12; // if there are more, so many are shown, evenly spaced
const MAX_MAPS = 32; // for each layer
const MAX_PIXELS = 32 * 28 * 28; // for each layer
const MAP_LINES = 8; // rows of maps if layers are beside each other, columns if they are below each other
const MAP_SIDE = 28; // in smaller maps, each number becomes a square of pixels
const ZOOM = 2; // magnification on the screen if layers are beside each other

const KINDS = {
  relu: "ReLU", leaky_relu: "leaky ReLU", elu: "ELU", silu: "SiLU", gelu: "GELU", sigmoid: "sigmoid", tanh: "tanh", prelu: "PReLU",
  transposed: "transposed convolution", affine: "batch normalization", shuffle: "pixel shuffle", nearest: "upsampling",
  add: "sum", subtract: "difference", multiply: "product", scale: "scaling", shift: "offset", concatenate: "concatenation",
};
const KEEPS_SIGN = ["pool", "global_mean", "flatten", "shuffle", "nearest"];

function layerName({ operation, kind, largest }) {
  if (operation === "pool") return largest ? "max pooling" : "average pooling";
  return KINDS[kind ?? operation] ?? operation;
}

// For each operation, its name (the second ReLU is ReLU 2), and whether its output has no negative numbers.
export function nameLayers(operations) {
  const counts = {};
  const isPositive = [true];
  return operations.map((options) => {
    const name = layerName(options);
    counts[name] = (counts[name] ?? 0) + 1;
    isPositive.push(
      ["relu", "sigmoid"].includes(options.kind) || (KEEPS_SIGN.includes(options.operation) && isPositive[options.inputs[0]]),
    );
    return { name: `${name} ${counts[name]}`, isPositive: isPositive.at(-1) };
  });
}

// The operation whose output, possibly flattened, is the output `index` of a network.
function beforeFlatten(operations, index) {
  while (index > 0 && operations[index - 1].operation === "flatten") [index] = operations[index - 1].inputs;
  return index;
}

// Writes the first maps of a tensor into a picture, from left to right, each number as a square of
// `scale` x `scale` pixels; gaps between maps remain transparent.
function drawMaps(pixels, { height, width, channels, values }, { count, columns, scale, isPositive }) {
  let largest = 1e-12;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  const [zero, factor] = isPositive ? [0, 255 / largest] : [128, 127 / largest];
  const line = columns * (scale * width + 1) - 1;
  for (let map = 0; map < count; map++) {
    const corner = Math.floor(map / columns) * (scale * height + 1) * line + (map % columns) * (scale * width + 1);
    for (let row = 0; row < height; row++) {
      const from = corner + scale * row * line;
      for (let column = 0; column < width; column++) {
        const level = Math.round(zero + factor * values[(row * width + column) * channels + map]);
        const grey = 0xff000000 | (level * 0x010101); // opaque
        for (let at = from + scale * column; at < from + scale * (column + 1); at++) pixels[at] = grey;
      }
      for (let copy = 1; copy < scale; copy++) pixels.copyWithin(from + copy * line, from, from + scale * width);
    }
  }
}

// Makes a figure for each layer that has maps; `all` are the network's tensors for some input.
export function makeMaps(container, { operations, outputs }, all) {
  const beside = matchMedia("(min-width: 76rem)");
  const embedding = beforeFlatten(operations, outputs[1]);
  const found = nameLayers(operations)
    .map((layer, index) => ({ ...layer, index: index + 1 }))
    .filter(({ index }) => all[index].height * all[index].width > 1);
  const step = Math.max(1, (found.length - 1) / (MAX_LAYERS - 1));
  const layers = Array.from({ length: Math.min(found.length, MAX_LAYERS) }, (_, place) => found[Math.round(place * step)]);
  for (const layer of layers) {
    const { height, width, channels } = all[layer.index];
    layer.scale = Math.max(1, Math.round(MAP_SIDE / Math.max(height, width)));
    layer.count = Math.min(channels, MAX_MAPS, Math.max(1, Math.floor(MAX_PIXELS / (height * width))));
    const size = `${channels} x ${height} x ${width}`;
    const part = layer.count < channels ? `, the first ${layer.count}` : "";
    const role = layer.index === embedding ? `: the embedding` : "";
    layer.canvas = make("canvas", { role: "img", ariaLabel: `Feature maps of ${layer.name}: ${size}${part}`, className: "pixels" });
    container.append(
      make("figure", {}, make("figcaption", {}, make("b", { textContent: layer.name }), ` ${size}${part}${role}`), layer.canvas),
    );
  }
  let shown = all;

  function arrange() {
    for (const layer of layers) {
      const [height, width] = [all[layer.index].height, all[layer.index].width].map((side) => layer.scale * side + 1);
      const across = Math.ceil(layer.count / MAP_LINES);
      layer.columns = Math.min(layer.count, beside.matches ? across : MAP_LINES);
      layer.canvas.width = layer.columns * width - 1;
      layer.canvas.height = Math.ceil(layer.count / layer.columns) * height - 1;
      layer.canvas.style.width = beside.matches ? `${ZOOM * layer.canvas.width}px` : "";
      layer.context = layer.canvas.getContext("2d");
      layer.image = new ImageData(layer.canvas.width, layer.canvas.height);
      layer.pixels = new Uint32Array(layer.image.data.buffer);
    }
    paint(shown);
  }

  // Shows tensors, or empty maps if there are no tensors.
  function paint(tensors) {
    shown = tensors;
    for (const layer of layers) {
      if (tensors) drawMaps(layer.pixels, tensors[layer.index], layer);
      else layer.pixels.fill(0);
      layer.context.putImageData(layer.image, 0, 0);
    }
  }

  beside.addEventListener("change", arrange);
  arrange();
  return { paint, isEmpty: layers.length === 0 };
}
