// The gain on each test photograph, as bars that can be clicked, and that a drag can pass.
import { find, make } from "./page.js";

export const signed = (gain) => `${gain >= 0 ? "+" : ""}${gain.toFixed(2)} dB`;

const chart = find("gains");
const hint = find("gains-hint");
const TICKS = 4; // approximate number

function drawing(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// Multiples of 1, 2 or 5 times a power of ten that enclose all values, and 0.
function tickValues(values) {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const rough = (high - low || 1) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.floor(low / step);
  const count = Math.ceil(high / step) - first + 1;
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return Array.from({ length: Math.max(count, 2) }, (_, index) => ((first + index) * step).toFixed(digits));
}

// Draws the gains of photographs, in their order.
export function drawGains(photographs, orderText) {
  const gains = photographs.map(({ gain }) => gain);
  const ticks = tickValues(gains);
  const [bottom, top] = [Number(ticks[0]), Number(ticks.at(-1))];
  const height = (value) => (100 * (top - value)) / (top - bottom);
  const width = 100 / photographs.length;
  const grid = ticks.map((tick) => drawing("line", { x1: 0, x2: "100%", y1: `${height(tick)}%`, y2: `${height(tick)}%`, class: Number(tick) ? "" : "zero" }));
  const bars = photographs.map(({ gain, whole }, index) => {
    const [from, to] = [height(Math.max(0, gain)), height(Math.min(0, gain))];
    const place = { x: `${(index + 0.1) * width}%`, y: `${from}%`, width: `${0.8 * width}%`, height: `${to - from}%` };
    const dot = { cx: `${(index + 0.5) * width}%`, cy: "100%", r: 2.5 };
    return [drawing("rect", place), ...(whole ? [drawing("circle", dot)] : [])];
  });
  chart.replaceChildren(...grid, ...bars.flat());
  find("gains-axis").replaceChildren(...ticks.map((tick) => {
    const label = make("span", { textContent: tick });
    label.style.top = `${height(tick)}%`;
    return label;
  }));
  chart.setAttribute("aria-label", `Gain on each of ${gains.length} photographs, ${orderText}: from ${signed(Math.min(...gains))} to ${signed(Math.max(...gains))}`);
}

function showHint(photographs, index) {
  hint.hidden = index < 0;
  if (index < 0) return;
  const place = (100 * (index + 0.5)) / photographs.length;
  hint.textContent = `${photographs[index].name}: ${signed(photographs[index].gain)}`;
  hint.style.left = `${place}%`;
  hint.style.transform = `translateX(-${place}%)`; // so it stays inside
}

// Marks a bar; -1 marks none.
export function markGain(photographs, index) {
  chart.querySelectorAll("rect").forEach((bar, place) => bar.classList.toggle("chosen", place === index));
  showHint(photographs, index);
}

// `choose(index, isFinal)` is called for each bar that a drag passes, and at its end with isFinal = true.
export function followGains(photographs, choose, chosen) {
  let start = null;
  const under = ({ clientX }) => {
    const { left, width } = chart.getBoundingClientRect();
    const count = photographs().length;
    return Math.min(count - 1, Math.max(0, Math.floor((count * (clientX - left)) / width)));
  };
  chart.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    chart.setPointerCapture(event.pointerId);
    start = event;
  });
  chart.addEventListener("pointermove", (event) => {
    if (!start) showHint(photographs(), under(event));
    else if (under(event) !== under(start)) choose(under((start = event)), false);
  });
  chart.addEventListener("pointerup", (event) => {
    if (start) choose(under(event), true);
    start = null;
  });
  chart.addEventListener("pointercancel", () => (start = null));
  chart.addEventListener("pointerleave", () => showHint(photographs(), chosen()));
}
