// The digits' curves, confusion matrix, feature maps and receptive fields.
import { choose, data, find, make } from "./page.js";
import { showTile } from "./cells.js";
import { lines, long, percent, plot, steps } from "./plots.js";

plot("loss", () =>
  lines(
    long(data.digits.curve, "step", { CNN: "cnn_loss", MLP: "mlp_loss" }),
    { ...steps, scale: { type: "log", nice: false } },
    { field: "value", title: "cross-entropy (nats)" },
    ["CNN", "MLP"],
  ));

// Points of both networks by step, without errors of 0, which a logarithmic axis cannot show.
const testErrors = long(data.digits.curve, "step", { CNN: "cnn_accuracy", MLP: "mlp_accuracy" })
  .map((row) => ({ ...row, value: 1 - row.value }))
  .filter(({ value }) => value > 0);

// Round numbers for a logarithmic axis, from below all values to above all values.
function logTicks(values) {
  const ticks = [1e-5, 1e-4, 1e-3, 0.01, 0.1].flatMap((unit) => [unit, 2 * unit, 5 * unit]).concat(1);
  const from = ticks.findLastIndex((tick) => tick <= Math.min(...values));
  const to = ticks.findIndex((tick) => tick >= Math.max(...values));
  return ticks.slice(Math.max(from, 0), to + 1);
}

plot("error", () => {
  const ticks = logTicks(testErrors.map(({ value }) => value));
  return lines(
    testErrors,
    { ...steps, scale: { type: "log", nice: false } },
    {
      field: "value",
      title: "test error",
      axis: { format: "~%", values: ticks },
      scale: { type: "log", domain: [ticks[0], ticks.at(-1)] },
    },
    ["CNN", "MLP"],
  );
});

plot("shift", () =>
  lines(
    long(data.digits.shift, "shift", { CNN: "cnn", MLP: "mlp" }),
    { field: "shift", title: "shift (pixels)", axis: { tickMinStep: 1 } },
    { field: "value", title: percent.title, axis: { format: percent.format }, scale: { domain: [0, 1] } },
    ["CNN", "MLP"],
  ));

const { confused } = data.digits;

function confusedDigit(place) {
  const tile = make("i", { className: "sprite", role: "img" });
  showTile(tile, confused, place);
  const answer = (network, prediction, probability = "") => {
    const right = prediction === confused.labels[place];
    return make("span", { className: right ? "right" : "wrong" }, `${network} `, make("b", { textContent: prediction }), probability, right ? " \u2713" : "");
  };
  const probability = ` ${(100 * confused.probabilities[place]).toFixed(0)}\u00a0%`;
  return make("li", { title: `Test digit ${confused.indices[place]}` }, tile,
    answer("CNN", confused.predictions[place], probability), answer("MLP", confused.mlp_predictions[place]));
}

function showConfused(button) {
  const { label, prediction, count } = button.cell;
  const places = confused.labels
    .map((_, place) => place)
    .filter((place) => confused.labels[place] === label && confused.predictions[place] === prediction)
    .sort((one, other) => confused.probabilities[other] - confused.probabilities[one]);
  const some = places.length < count ? `, of which ${places.length} are shown` : "";
  find("confused-text").textContent = `Label ${label}, prediction ${prediction}: ${count.toLocaleString("en")} ${count === 1 ? "digit" : "digits"}${some}.`;
  find("confused").replaceChildren(...places.map(confusedDigit));
  for (const each of find("confusion").querySelectorAll("button")) each.setAttribute("aria-pressed", each === button);
}

// The nearest button in a direction, along the row or the column.
function nextCell(buttons, { label, prediction }, [right, down]) {
  const ahead = ({ cell }) => (cell.prediction - prediction) * right + (cell.label - label) * down;
  const aside = ({ cell }) => (cell.prediction - prediction) * down + (cell.label - label) * right;
  return buttons.filter((each) => ahead(each) > 0 && aside(each) === 0).sort((one, other) => ahead(one) - ahead(other))[0];
}

// Makes a button of each number in the matrix. Tab goes to one of them; the arrow keys go to the others.
function addConfusion() {
  const buttons = [...find("confusion").tBodies[0].rows].flatMap((row, label) =>
    [...row.cells].slice(1).flatMap((element, prediction) => {
      const count = Number(element.textContent);
      if (!count) return [];
      const button = make("button", { type: "button", tabIndex: -1, textContent: count, cell: { label, prediction, count } });
      button.setAttribute("aria-label", `${count}: label ${label}, prediction ${prediction}`);
      element.replaceChildren(button);
      return [button];
    }));
  const reach = (button) => buttons.forEach((each) => (each.tabIndex = each === button ? 0 : -1));
  const keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  for (const button of buttons) {
    button.addEventListener("click", () => showConfused(button));
    button.addEventListener("focus", () => reach(button));
    button.addEventListener("keydown", (event) => {
      if (!keys[event.key]) return;
      event.preventDefault();
      nextCell(buttons, button.cell, keys[event.key])?.focus();
    });
  }
  const errors = buttons.filter(({ cell }) => cell.label !== cell.prediction);
  const first = (errors.length ? errors : buttons).reduce((most, each) => (each.cell.count > most.cell.count ? each : most));
  reach(first);
  showConfused(first);
}

const { examples, maps, fields } = data.digits;

function showMaps() {
  const show = (digit) =>
    find("maps").replaceChildren(
      ...maps.map(({ text, images }) =>
        make("figure", {}, make("img", { src: images[digit], alt: `Feature maps of a ${digit}`, className: "pixels" }), make("figcaption", { textContent: text })),
      ),
    );
  choose(find("map-choice"), examples.map((_, digit) => digit), show, (digit) => examples[digit]);
}

function showFields() {
  find("field").querySelector("image").setAttribute("href", examples[5]);
  const show = (index) => {
    const { layer, left: x, top: y, width, height } = fields[index];
    const square = find("field").querySelector("rect");
    Object.entries({ x, y, width, height }).forEach(([name, value]) => square.setAttribute(name, value));
    const unit = layer === "scores" ? "The ten scores depend" : `The unit in the middle of the output of ${layer} depends`;
    find("field-text").textContent = `${unit} on ${width * height < 28 * 28 ? `${height} x ${width} pixels` : "the whole digit"}.`;
  };
  choose(find("field-choice"), fields.map(({ layer }) => layer), show);
}

addConfusion();
// A network without convolutions has neither maps nor fields.
if (maps.length) showMaps();
if (fields.length) showFields();
