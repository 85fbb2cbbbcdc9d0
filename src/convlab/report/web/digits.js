// The digits' curves, confusion matrix, feature maps and receptive fields.
import { choose, colour, data, find, make } from "./page.js";
import { lines, long, percent, plot, steps } from "./plots.js";

plot("loss", () =>
  lines(
    long(data.digits.curve, "step", { CNN: "cnn_loss", MLP: "mlp_loss" }),
    { ...steps, scale: { type: "log", nice: false } },
    { field: "value", title: "cross-entropy (nats)" },
    ["CNN", "MLP"],
  ));

plot("accuracy", () =>
  lines(
    long(data.digits.curve, "step", { CNN: "cnn_accuracy", MLP: "mlp_accuracy" }),
    { ...steps, scale: { type: "log", nice: false } },
    { field: "value", title: percent.title, axis: { format: percent.format }, scale: { domain: [0, 1] } },
    ["CNN", "MLP"],
  ));

plot("shift", () =>
  lines(
    long(data.digits.shift, "shift", { CNN: "cnn", MLP: "mlp" }),
    { field: "shift", title: "shift (pixels)", axis: { tickMinStep: 1 } },
    { field: "value", title: percent.title, axis: { format: percent.format }, scale: { domain: [0, 1] } },
    ["CNN", "MLP"],
  ));

plot("confusion", (width) => {
  const values = data.digits.confusion.flatMap((row, label) =>
    row.map((count, prediction) => ({ label, prediction, count, correct: label === prediction })),
  );
  const side = (field) => ({ field, type: "ordinal", title: field, axis: { labelAngle: 0 } });
  return {
    data: { values },
    width: "container",
    height: Math.min(width, 480),
    encoding: {
      x: side("prediction"),
      y: side("label"),
      tooltip: ["label", "prediction", "count"].map((field) => ({ field, type: "quantitative" })),
    },
    layer: [
      {
        mark: "rect",
        encoding: {
          color: { field: "count", type: "quantitative", legend: null, scale: { type: "symlog", range: [colour("raised"), colour("blue")] } },
        },
      },
      {
        mark: { type: "text", fontSize: width < 420 ? 9 : 12 },
        transform: [{ filter: "datum.count > 0" }],
        encoding: {
          text: { field: "count", type: "quantitative" },
          color: { condition: { test: "datum.correct", value: colour("ground") }, value: colour("ink") },
        },
      },
    ],
  };
});

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

// A network without convolutions has neither.
if (maps.length) showMaps();
if (fields.length) showFields();
