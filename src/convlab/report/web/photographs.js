// All test photographs: gains and parts.
import { colour, data, find, make } from "./page.js";
import { plot, update } from "./plots.js";

let part = data.superres.rows.findIndex((row) => row.rank === 1);

function inOrder() {
  const key = find("gain-order").value;
  const rows = data.superres.rows.map((row, index) => ({ ...row, index }));
  return rows.sort((a, b) => (key === "name" ? a.name.localeCompare(b.name, "en") : b[key] - a[key]));
}

function gains() {
  return inOrder().map(({ name, gain, index }, rank) => ({ name, gain, index, rank, selected: index === part }));
}

function showPart(index) {
  part = index;
  const row = data.superres.rows[index];
  find("part-choice").value = index;
  const captions = {
    truth: "ground truth",
    bicubic: `bicubic; the whole photograph: ${row.bicubic.toFixed(2)} dB`,
    network: `network; the whole photograph: ${row.network.toFixed(2)} dB`,
  };
  Object.entries(captions).forEach(([name, text], place) => {
    const figure = find("parts").children[place];
    Object.assign(figure.querySelector("img"), { src: row.part[name], alt: `Part of photograph ${row.name}: ${name === "truth" ? "ground truth" : name}` });
    figure.querySelector("figcaption").textContent = text;
  });
  update("gains", gains());
}

function listParts() {
  find("part-choice").replaceChildren(
    ...inOrder().map(({ name, gain, index }) => make("option", { value: index, textContent: `${name} (${gain >= 0 ? "+" : ""}${gain.toFixed(2)} dB)` })),
  );
  showPart(part);
}

function stepPart(by) {
  const order = inOrder().map((row) => row.index);
  showPart(order[(order.indexOf(part) + by + order.length) % order.length]);
}

find("gain-order").addEventListener("change", listParts);
find("part-choice").addEventListener("change", () => showPart(Number(find("part-choice").value)));
find("part-next").addEventListener("click", () => stepPart(1));
find("part-back").addEventListener("click", () => stepPart(-1));

plot("gains", () => {
  const bars = { field: "rank", type: "ordinal", axis: null, scale: { paddingInner: 0.2 } };
  return {
    data: { name: "gains", values: gains() },
    width: "container",
    height: 220,
    layer: [
      {
        mark: { type: "bar", cursor: "pointer" },
        encoding: {
          x: bars,
          y: { field: "gain", type: "quantitative", title: "gain (dB)" },
          color: { condition: { test: "datum.selected", value: colour("orange") }, value: colour("blue") },
        },
      },
      {
        // As high as the plot, so that short bars can be clicked, too.
        mark: { type: "bar", opacity: 0, tooltip: { signal: "datum.name + ': ' + format(datum.gain, '.2f') + ' dB'" }, cursor: "pointer" },
        encoding: { x: bars, y: { value: 0 }, y2: { value: "height" } },
      },
    ],
  };
}, { click: ({ index }) => showPart(index) });
listParts();
