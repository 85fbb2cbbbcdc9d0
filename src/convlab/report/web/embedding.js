// The digits in the plane, through the training.
import { colour, data, find, isDark, make } from "./page.js";
import { plot, update } from "./plots.js";

const shown = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
let selected = null;

function points() {
  const frame = data.embedding.frames[find("snapshot").value];
  return frame
    .map(([x, y], index) => {
      const digit = data.embedding.labels[index];
      return { x, y, index, digit, description: `Test digit ${index}: a ${digit}`, selected: index === selected };
    })
    .filter((row) => shown.has(row.digit));
}

function selectDigit(index) {
  if (index === selected) return;
  selected = index;
  const { labels, predictions, sheet, columns } = data.embedding;
  const zoom = 4;
  const rows = Math.ceil(labels.length / columns);
  Object.assign(find("selected").style, {
    backgroundImage: `url(${sheet})`,
    backgroundSize: `${columns * 28 * zoom}px ${rows * 28 * zoom}px`,
    backgroundPosition: `-${(index % columns) * 28 * zoom}px -${Math.floor(index / columns) * 28 * zoom}px`,
  });
  find("selected").hidden = false;
  find("selected").setAttribute("aria-label", `A handwritten ${labels[index]}`);
  find("selected-text").textContent = `Test digit ${index}: label ${labels[index]}, prediction ${predictions[index]}${labels[index] === predictions[index] ? "" : " (wrong)"} at the end of the training.`;
  update("points", points());
}

function stepDigit(by) {
  const indices = points().map((row) => row.index);
  if (!indices.length) return;
  const place = indices.indexOf(selected);
  selectDigit(indices[place < 0 ? 0 : (place + by + indices.length) % indices.length]);
}

find("digit-next").addEventListener("click", () => stepDigit(1));
find("digit-back").addEventListener("click", () => stepDigit(-1));

function showSnapshot() {
  const snapshot = find("snapshot").value;
  find("snapshot-text").textContent = `step ${data.embedding.steps[snapshot].toLocaleString("en")}: ${(100 * data.embedding.accuracies[snapshot]).toFixed(1)} % test accuracy`;
  find("snapshot").setAttribute("aria-valuetext", find("snapshot-text").textContent);
  update("points", points());
}
find("snapshot").addEventListener("input", showSnapshot);
showSnapshot();

for (const digit of shown) {
  const input = make("input", { type: "checkbox", checked: true, value: digit });
  input.addEventListener("change", () => {
    if (input.checked) shown.add(digit);
    else shown.delete(digit);
    update("points", points());
  });
  find("classes").append(make("label", {}, input, String(digit)));
}

function classColours() {
  return data.embedding.colours[isDark() ? "dark" : "light"];
}

plot("points", (width) => {
  const [xDomain, yDomain] = data.embedding.domain;
  const axis = (field, domain) => ({ field, type: "quantitative", axis: null, scale: { domain, nice: false, zero: false } });
  return {
    data: { name: "points", values: points() },
    width: Math.min(width, 640),
    height: Math.min(width, 640),
    layer: [
      {
        mark: { type: "point", size: 420, strokeWidth: 3, opacity: 1 },
        transform: [{ filter: "datum.selected" }],
        encoding: { x: axis("x", xDomain), y: axis("y", yDomain), color: { value: colour("orange") } },
      },
      {
        mark: { type: "text", fontSize: 13, fontWeight: 700, tooltip: null, cursor: "pointer" },
        encoding: {
          x: axis("x", xDomain),
          y: axis("y", yDomain),
          text: { field: "digit", type: "nominal" },
          description: { field: "description", type: "nominal" },
          color: {
            field: "digit", type: "ordinal", legend: null,
            scale: { domain: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], range: classColours() },
          },
        },
      },
    ],
    config: { view: { stroke: colour("line") } },
  };
}, { click: ({ index }) => selectDigit(index), mouseover: ({ index }) => selectDigit(index) });
