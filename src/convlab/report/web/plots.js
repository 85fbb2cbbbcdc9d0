// Plots, drawn by Vega-Lite; the specification of each plot is in the file of its section.
import { whenThemed } from "./page.js";

const specs = {};

// Sets the plot in the element with `data-chart=name`; the function returns its specification.
export function plot(name, spec) {
  specs[name] = spec;
}

// A colour of the page's style, which follows the theme, also on paper.
const themed = (name) => `var(--${name})`;

function plotStyle() {
  const text = { labelColor: themed("soft"), titleColor: themed("ink"), labelFontSize: 12, titleFontSize: 13 };
  return {
    background: null,
    font: "system-ui, sans-serif",
    view: { stroke: null },
    axis: { ...text, gridColor: themed("grid"), domainColor: themed("soft"), tickColor: themed("soft"), titleFontWeight: 500 },
    legend: { ...text, symbolType: "stroke", symbolStrokeWidth: 3, symbolSize: 400, labelFontSize: 13 },
  };
}

const pair = (names) => ({
  color: { field: "series", type: "nominal", title: null, scale: { domain: names, range: [themed("blue"), themed("orange")] }, legend: { orient: "top" } },
  strokeDash: { field: "series", type: "nominal", title: null, legend: { orient: "top" }, scale: { domain: names, range: [[1, 0], [6, 3]] } },
});

export function lines(table, x, y, names) {
  return {
    data: { values: table },
    width: "container",
    height: 260,
    mark: { type: "line", point: { size: 25 } },
    encoding: {
      x: { type: "quantitative", ...x },
      y: { type: "quantitative", ...y },
      ...pair(names),
      tooltip: [
        { field: "series", type: "nominal", title: "series" },
        { field: x.field, type: "quantitative", title: x.field },
        { field: y.field, type: "quantitative", title: y.title, format: y.axis?.format ? ".2%" : ".4f" },
      ],
    },
  };
}

export function long(table, x, columns) {
  return Object.entries(columns).flatMap(([series, column]) =>
    table[x].map((value, row) => ({ [x]: value, value: table[column][row], series })),
  );
}

export const percent = { format: ".0%", title: "accuracy" };
export const steps = { field: "step", title: "step (mini-batches)", axis: { labelOverlap: true, labelSeparation: 6, tickCount: 8, format: "~s" } };

function draw(element) {
  const name = element.dataset.chart;
  const spec = { $schema: "https://vega.github.io/schema/vega-lite/v6.json", ...specs[name]() };
  spec.config = { ...plotStyle(), ...spec.config };
  spec.autosize = { type: "fit", contains: "padding" };
  spec.description = element.closest("figure").querySelector("figcaption").textContent;
  return vegaEmbed(element, spec, { actions: false, renderer: "svg", ast: true });
}

let drawn; // drawn only once: the colours follow the theme, and Vega follows the width
whenThemed(() => (drawn ??= Promise.all([...document.querySelectorAll(".chart")].map(draw))));
