// A convolution of the CNN, step by step: kernel times patch, the sum, and the output cell that gets it.
import { cellPicture, decimal, diverging, grey, readGrey, whenArrowed } from "./cells.js";
import { outputSide, tensor } from "./kernel.js";
import { build, decode } from "./network.js";
import { choose, colour, data, find, make, whenThemed } from "./page.js";

const STEP_TIME = 150; // ms from one place to the next
const MAX_NUMBERS_SIDE = 9; // numbers of a larger kernel would not fit
const OPTIONS = { padding: [0, 4], stride: [1, 4], dilation: [1, 3] }; // least and most that can be chosen
const ACTIVATION_NAMES = { relu: "ReLU", leaky_relu: "leaky ReLU", elu: "ELU", silu: "SiLU", gelu: "GELU" };
const ELEMENTWISE = {
  activation: ({ kind }) => ACTIVATION_NAMES[kind] ?? kind,
  prelu: () => "PReLU",
  affine: () => "batch normalization",
  scale: ({ factor }) => `\u00d7 ${factor}`,
  shift: ({ offset }) => `+ ${offset}`,
};

const isConvolution = ({ operation }) => operation === "convolution";
const same = (pair, other) => String(pair) === String(other);

// The operations on output `index`, up to the first one that depends on more than one cell.
function elementwiseAfter(operations, index) {
  const users = operations.flatMap(({ inputs }, place) => inputs.filter((input) => input === index).map(() => place));
  const next = operations[users[0]];
  if (users.length !== 1 || !(next.operation in ELEMENTWISE)) return [];
  return [next, ...elementwiseAfter(operations, users[0] + 1)];
}

// The products of a kernel and one channel of an image for one cell of the output; rows and columns
// in `places` may be in the padding.
function multiplyPatch(image, { kernel, stride, padding, dilation }, weights, channel, row, column) {
  const places = Array.from(weights, (_, tap) => [
    row * stride[0] + Math.floor(tap / kernel[1]) * dilation[0] - padding[0],
    column * stride[1] + (tap % kernel[1]) * dilation[1] - padding[1],
  ]);
  const inside = places.map(([y, x]) => y >= 0 && x >= 0 && y < image.height && x < image.width);
  const patch = places.map(([y, x], tap) => (inside[tap] ? image.values[(y * image.width + x) * image.channels + channel] : 0));
  const products = patch.map((value, tap) => value * weights[tap]);
  return { places, inside, patch, products, sum: products.reduce((a, b) => a + b, 0) };
}

function sizeFormula(side, axis, options) {
  const { kernel, stride, padding, dilation } = options;
  const numbers = `(${side} + 2 \u00b7 ${padding[axis]} \u2212 ${dilation[axis]} \u00b7 (${kernel[axis]} \u2212 1) \u2212 1) / ${stride[axis]}`;
  return `\u230a${numbers}\u230b + 1 = ${outputSide(side, axis, options)}`;
}

// Gives a function that fills a table with numbers; `inside` tells which are not padding.
function numberTable(element, caption, [rows, columns]) {
  const small = Math.max(rows, columns) > MAX_NUMBERS_SIDE;
  const cells = Array.from({ length: rows * columns }, () => make("td"));
  const lines = Array.from({ length: rows }, (_, row) => make("tr", {}, ...cells.slice(row * columns, (row + 1) * columns)));
  element.replaceChildren(make("table", { className: small ? "numbers small" : "numbers" }, make("caption", { textContent: caption }), ...lines));
  return (numbers, inside) => {
    const most = Math.max(...numbers.map(Math.abs)) || 1;
    cells.forEach((cell, place) => {
      const number = numbers[place];
      if (!small) cell.textContent = decimal(number);
      cell.className = `${number < 0 ? "negative" : "positive"} ${inside?.[place] === false ? "padding" : ""}`;
      cell.style.setProperty("--share", Math.abs(number) / most);
    });
  };
}

// How a channel is painted: the colour of each cell, and what the colours mean.
function channelColours({ height, width, channels, values }, channel) {
  const own = Array.from({ length: height * width }, (_, pixel) => values[pixel * channels + channel]);
  const most = Math.max(...own.map(Math.abs)) || 1;
  const signed = own.some((value) => value < 0);
  return {
    at: (row, column) => (signed ? diverging : grey)(own[row * width + column] / most),
    text: signed ? `orange is negative, blue positive, up to ${decimal(most)}` : `black is 0, white ${decimal(most)}`,
  };
}

// Gives a function that draws the section again.
async function stepThroughConvolution() {
  const { operations, weights } = data.live.cnn;
  const run = build(data.live.cnn, decode(data.live.kernel));
  const numbers = new Float32Array(decode(weights).buffer);
  const layers = operations.filter(isConvolution);
  const digits = await Promise.all(data.digits.examples.map(readGrey));
  const [inputPicture, outputPicture] = ["input", "output"].map((name) => cellPicture(find(`convolution-${name}`)));
  // The choices: values of the network for a digit, a layer as it was trained and as it is now,
  // the operations after it, their outputs, input and output channel, a cell of the output.
  let all, trained, layer, after, given, fill, timer;
  let [output, input, row, column] = [0, 0, 0, 0];

  const image = () => all[trained.inputs[0]];
  const inputs = () => layer.channels[0] / layer.groups;
  // An output channel depends on the input channels of its group, from this one on.
  const firstInput = () => Math.floor(output / (layer.channels[1] / layer.groups)) * inputs();
  const select = (name) => find(`convolution-${name}`);

  function kernelOf(channel) {
    const size = layer.kernel[0] * layer.kernel[1];
    const from = layer.tensors.weight[0] + (output * inputs() + channel) * size;
    return numbers.subarray(from, from + size);
  }

  function fillSelect(name, values, texts, value) {
    select(name).replaceChildren(...values.map((each, place) => make("option", { value: each, textContent: texts[place] })));
    select(name).value = value;
  }

  function listOptions() {
    for (const [name, [least, most]] of Object.entries(OPTIONS)) {
      const pairs = Array.from({ length: most - least + 1 }, (_, more) => [least + more, least + more]);
      if (!pairs.some((pair) => same(pair, trained[name]))) pairs.push(trained[name]);
      fillSelect(name, pairs, pairs.map(([height, width]) => (height === width ? height : `${height} x ${width}`)), trained[name]);
    }
  }

  // Options that would leave no output cannot be chosen.
  function limitOptions() {
    for (const name of Object.keys(OPTIONS)) {
      for (const option of select(name).options) {
        const tried = { ...layer, [name]: option.value.split(",").map(Number) };
        option.disabled = [image().height, image().width].some((side, axis) => outputSide(side, axis, tried) < 1);
      }
    }
  }

  function listInputs() {
    const field = find("convolution-inputs");
    field.hidden = inputs() === 1;
    field.querySelectorAll("label").forEach((label) => label.remove());
    if (field.hidden) return;
    for (let channel = 0; channel < inputs(); channel++) {
      const radio = make("input", { type: "radio", name: field.id, checked: channel === input });
      radio.addEventListener("change", () => {
        input = channel;
        draw();
      });
      field.append(make("label", {}, radio, String(firstInput() + channel), make("output")));
    }
  }

  function chooseLayer() {
    const place = operations.indexOf(layers[select("layer").value]);
    trained = operations[place];
    layer = { ...trained };
    after = elementwiseAfter(operations, place + 1);
    [output, input] = [0, 0];
    const channels = Array.from({ length: layer.channels[1] }, (_, channel) => channel);
    fillSelect("channel", channels, channels, 0);
    fill = ["Patch of the input", "Kernel", "Products"].map((caption, part) => numberTable(find("convolution-product").children[2 * part], caption, layer.kernel));
    listOptions();
    listInputs();
    compute();
    pointAtLargest();
  }

  function changeLayer() {
    for (const name of Object.keys(OPTIONS)) layer[name] = select(name).value.split(",").map(Number);
    compute();
  }

  function compute() {
    const chain = [layer, ...after].map((operation, place) => ({ ...operation, inputs: [place] }));
    given = build({ operations: chain, outputs: [chain.length], weights })(image(), true).all.slice(1);
    [row, column] = [Math.min(row, given[0].height - 1), Math.min(column, given[0].width - 1)];
    limitOptions();
    const [height, width] = [image().height, image().width].map((side, axis) => sizeFormula(side, axis, layer));
    find("convolution-size").textContent = height === width ? height : `height: ${height}; width: ${width}`;
    draw();
  }

  function draw() {
    const { height, width, channels } = image();
    const [top, left] = layer.padding;
    const [before, made] = [channelColours(image(), firstInput() + input), channelColours(given.at(-1), output)];
    const frame = ["raised", "line"].map((name) => [1, 3, 5].map((at) => parseInt(colour(name).slice(at, at + 2), 16)));
    inputPicture.paint(height + 2 * top, width + 2 * left, (y, x) => {
      const inside = y >= top && x >= left && y < height + top && x < width + left;
      return inside ? before.at(y - top, x - left) : frame[(y + x) % 2];
    });
    outputPicture.paint(given.at(-1).height, given.at(-1).width, made.at);
    find("convolution-input-text").textContent = `Input${channels > 1 ? `, channel ${firstInput() + input}` : ""}, ${height} x ${width}: ${before.text}${top + left ? "; grey squares: padding" : ""}.`;
    find("convolution-output-text").textContent = `Output, channel ${output}, ${given[0].height} x ${given[0].width}: ${made.text}.`;
    showCell();
  }

  // The terms of the sum in the chosen cell.
  function lines(parts) {
    const own = parts[input];
    const others = parts.reduce((sum, part) => sum + (part === own ? 0 : part.sum), 0);
    const values = given.map((map) => map.values[(row * map.width + column) * map.channels + output]);
    return [
      ["sum of these products", own.sum],
      ...(inputs() > 1 ? [["+ other input channels", others]] : []),
      ["+ bias", numbers[layer.tensors.bias[0] + output]],
      ["= z", values[0]],
      ...after.map((operation, place) => [ELEMENTWISE[operation.operation](operation), values[place + 1]]),
    ];
  }

  function showCell() {
    const kernels = Array.from({ length: inputs() }, (_, channel) => kernelOf(channel));
    const parts = kernels.map((kernel, channel) => multiplyPatch(image(), layer, kernel, firstInput() + channel, row, column));
    const { places, inside, patch, products } = parts[input];
    inputPicture.mark(places.map(([y, x]) => [y + layer.padding[0], x + layer.padding[1]]));
    outputPicture.mark([[row, column]]);
    [patch, [...kernels[input]], products].forEach((values, part) => fill[part](values, part === 0 && inside));
    const rows = lines(parts).map(([name, value]) => make("tr", {}, make("th", { scope: "row", textContent: name }), make("td", { textContent: decimal(value) })));
    find("convolution-sum").replaceChildren(...rows);
    find("convolution-place").textContent = `Output: row ${row}, column ${column}`;
    find("convolution-inputs").querySelectorAll("output").forEach((sum, channel) => (sum.value = decimal(parts[channel].sum)));
  }

  function moveTo(y, x) {
    const { height, width } = given[0];
    const [newRow, newColumn] = [Math.min(height - 1, Math.max(0, y)), Math.min(width - 1, Math.max(0, x))];
    if (newRow === row && newColumn === column) return;
    [row, column] = [newRow, newColumn];
    showCell();
  }

  function pointAtLargest() {
    const { height, width, channels, values } = given.at(-1);
    const own = Array.from({ length: height * width }, (_, pixel) => values[pixel * channels + output]);
    const place = own.indexOf(Math.max(...own));
    moveTo(Math.floor(place / width), place % width);
  }

  // Moves forward by a number of cells, row by row; after the last cell comes the first.
  function advance(by) {
    const { height, width } = given[0];
    const place = (row * width + column + by + height * width) % (height * width);
    moveTo(Math.floor(place / width), place % width);
  }

  function play(on) {
    clearInterval(timer);
    timer = on && setInterval(() => advance(1), STEP_TIME);
    find("convolution-play").textContent = on ? "Pause" : "Play";
  }

  // For keys and buttons: screen readers read what they show.
  function step(move) {
    play(false);
    move();
    const told = Array.from(find("convolution-sum").rows, (line) => line.textContent);
    find("convolution-spoken").textContent = [find("convolution-place").textContent, ...told].join(", ");
  }

  // The cell whose patch has its middle nearest to a position of the padded input.
  function pointAtInput(...place) {
    const cell = place.map((at, axis) => Math.round((at - (layer.dilation[axis] * (layer.kernel[axis] - 1)) / 2) / layer.stride[axis]));
    moveTo(...cell);
  }

  for (const [picture, point] of [[inputPicture, pointAtInput], [outputPicture, moveTo]])
    picture.whenPointed((...place) => {
      play(false);
      point(...place);
    });
  whenArrowed(find("convolution-input"), (down, right) => step(() => moveTo(row + down, column + right)));
  find("convolution-back").addEventListener("click", () => step(() => advance(-1)));
  find("convolution-next").addEventListener("click", () => step(() => advance(1)));
  find("convolution-play").addEventListener("click", () => play(!timer));
  select("layer").addEventListener("change", chooseLayer);
  select("channel").addEventListener("change", () => {
    output = Number(select("channel").value);
    listInputs();
    draw();
  });
  for (const name of Object.keys(OPTIONS)) select(name).addEventListener("change", changeLayer);
  find("convolution-trained").addEventListener("click", () => {
    listOptions();
    changeLayer();
  });

  const texts = layers.map(({ channels, kernel }, place) => `convolution ${place + 1}: ${kernel.join(" x ")}, ${channels.join(" to ")} channels`);
  fillSelect("layer", layers.map((_, place) => place), texts, 0);
  const showDigit = (digit) => {
    all = run(tensor(digits[digit].height, digits[digit].width, 1, digits[digit].values), true).all;
    if (given) compute();
    else chooseLayer();
  };
  choose(find("convolution-digit"), digits.map((_, digit) => digit), showDigit, (digit) => data.digits.examples[digit]);
  find("convolution").hidden = false;
  return draw;
}

if (data.live.cnn.operations?.some(isConvolution)) {
  const started = stepThroughConvolution();
  whenThemed(async () => (await started)());
}
