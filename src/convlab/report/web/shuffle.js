// Pixel shuffle: pixels move from their channels to their places in the picture.
import { decimal, diverging, grey, largest } from "./cells.js";
import { colour, find, whenThemed } from "./page.js";

const STEP_TIME_OF_PLAY = 45; // ms; in each step, a pixel of every channel arrives
const FLIGHT = 12; // number of steps in which a pixel moves during play
const SINGLE_STEP_TIME = 600; // ms
const [CHANNEL_GAP, PICTURE_GAP] = [1, 4]; // cells
const NARROW = 480; // px; if there is less, the picture is below the channels
const MARK = "#ffb000";

// Positions of everything, in cells [row, column]: channels in scale x scale blocks, and the picture
// beside or below them.
function layOutShuffle({ height, width }, scale, upright) {
  const [down, across] = [height, width].map((side) => scale * side + (scale - 1) * CHANNEL_GAP);
  const [top, left] = upright ? [down + PICTURE_GAP, 0] : [0, across + PICTURE_GAP];
  const [bottom, right] = [top + scale * height, left + scale * width];
  const block = (channel) => [Math.floor(channel / scale), channel % scale];
  return {
    size: [Math.max(down, bottom), Math.max(across, right)],
    picture: [top, left],
    from(row, column, channel) {
      const [i, j] = block(channel);
      return [i * (height + CHANNEL_GAP) + row, j * (width + CHANNEL_GAP) + column];
    },
    to(row, column, channel) {
      const [i, j] = block(channel);
      return [top + scale * row + i, left + scale * column + j];
    },
  };
}

// The part of its way, 0 to 1, that pixel n of each channel has moved at a time in steps; it arrives at n + 1.
function travelled(pixel, { time, start, flight }) {
  if (pixel < start) return 1;
  const departure = Math.max(start, pixel + 1 - flight);
  return Math.min(1, Math.max(0, (time - departure) / (pixel + 1 - departure)));
}

// Gives a function that marks a pixel of the picture and shows where it comes from; `residual`
// tells whether the channels have values around 0.
export function showShuffle(channels, scale, residual, choosePixel) {
  const { height, width, values, channels: count } = channels;
  const steps = height * width;
  const most = largest(values);
  const [holder, slider, byChannel] = ["picture", "step", "colours"].map((name) => find(`shuffle-${name}`));
  const canvas = holder.querySelector("canvas");
  let [places, cell, frame, chosen] = [layOutShuffle(channels, scale, false), 1, 0, [0, 0]];

  function colourOf(value, channel) {
    if (!byChannel.checked) return `rgb(${(residual ? diverging(value / most) : grey(value)).join(" ")})`;
    const brightness = residual ? (value / most + 1) / 2 : Math.min(1, Math.max(0, value));
    return `hsl(${205 + (360 * channel) / count} 45% ${14 + 72 * brightness}%)`;
  }

  function draw(moment = { time: Number(slider.value), start: Number(slider.value), flight: 1 }) {
    const context = canvas.getContext("2d");
    const square = ([row, column]) => [column, row, 1, 1].map((length) => Math.round(length * cell));
    const pixels = Array.from(values, (value, at) => {
      const [pixel, channel] = [Math.floor(at / count), at % count];
      const place = [Math.floor(pixel / width), pixel % width, channel];
      return { from: places.from(...place), to: places.to(...place), way: travelled(pixel, moment), fill: colourOf(value, channel) };
    });
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = colour("raised");
    context.fillRect(...[places.picture[1], places.picture[0], scale * width, scale * height].map((length) => length * cell));
    for (const { from, way, fill } of pixels) {
      context.globalAlpha = way > 0 ? 0.25 : 1;
      context.fillStyle = fill;
      context.fillRect(...square(from));
    }
    context.globalAlpha = 1;
    for (const { from, to, way, fill } of pixels) {
      if (way === 0) continue;
      const eased = way * way * (3 - 2 * way);
      context.fillStyle = fill;
      context.fillRect(...square(from.map((start, axis) => start + eased * (to[axis] - start))));
    }
    for (const [strokeStyle, width] of [["#000", 4], [MARK, 2]]) {
      Object.assign(context, { strokeStyle, lineWidth: width * devicePixelRatio });
      for (const place of origin()) context.strokeRect(...square(place));
    }
    const text = `${slider.value} of ${steps} pixels of each channel are in their place`;
    slider.setAttribute("aria-valuetext", text);
    find("shuffle-place").textContent = `The ${count} channels, and the picture: ${text}.`;
  }

  // Row, column and channel from which the chosen pixel of the picture comes.
  function source() {
    const [row, column] = chosen;
    return [Math.floor(row / scale), Math.floor(column / scale), (row % scale) * scale + (column % scale)];
  }

  const origin = () => [places.from(...source()), places.to(...source())];

  function fit() {
    places = layOutShuffle(channels, scale, holder.clientWidth < NARROW);
    const [down, across] = places.size;
    cell = Math.max(1, Math.floor((holder.clientWidth * devicePixelRatio) / across));
    Object.assign(canvas, { width: across * cell, height: down * cell });
    canvas.style.width = `${canvas.width / devicePixelRatio}px`;
    draw();
  }

  function rest() {
    cancelAnimationFrame(frame);
    frame = 0;
    find("shuffle-play").textContent = "Play";
    draw();
  }

  function travel(end, flight, stepTime) {
    const start = Number(slider.value);
    const begin = performance.now();
    const next = (now) => {
      const time = Math.min(end, start + Math.max(0, now - begin) / stepTime);
      slider.value = Math.floor(time);
      if (time === end) return rest();
      draw({ time, start, flight });
      frame = requestAnimationFrame(next);
    };
    frame = requestAnimationFrame(next);
  }

  function play() {
    if (frame) return rest();
    if (Number(slider.value) === steps) slider.value = 0;
    travel(steps, FLIGHT, STEP_TIME_OF_PLAY);
    find("shuffle-play").textContent = "Pause";
  }

  function step(by) {
    rest();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (by > 0 && Number(slider.value) < steps && !still) return travel(Number(slider.value) + 1, 1, SINGLE_STEP_TIME);
    slider.value = Number(slider.value) + by;
    draw();
  }

  // The pixel of the picture at a position of the canvas, in the picture or in one of the channels.
  function point(event) {
    const box = canvas.getBoundingClientRect();
    const place = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width].map((part, axis) => Math.floor(part * places.size[axis]));
    const inside = place.map((at, axis) => at - places.picture[axis]);
    const [rows, columns] = [scale * height, scale * width];
    if (inside.every((at, axis) => at >= 0 && at < [rows, columns][axis])) return choosePixel(...inside);
    const [i, j] = place.map((at, axis) => Math.floor(at / ([height, width][axis] + CHANNEL_GAP)));
    const [row, column] = place.map((at, axis) => at % ([height, width][axis] + CHANNEL_GAP));
    if (i < scale && j < scale && row < height && column < width) choosePixel(scale * row + i, scale * column + j);
  }

  for (const kind of ["pointerdown", "pointermove"]) holder.addEventListener(kind, point);
  find("shuffle-back").addEventListener("click", () => step(-1));
  find("shuffle-next").addEventListener("click", () => step(1));
  find("shuffle-play").addEventListener("click", play);
  slider.addEventListener("input", rest);
  byChannel.addEventListener("change", () => frame || draw());
  whenThemed(() => draw());
  find("shuffle").hidden = false;
  new ResizeObserver(fit).observe(holder);
  return (row, column) => {
    chosen = [row, column];
    if (!frame) draw();
    const [h, w, channel] = source();
    const [i, j] = [row % scale, column % scale];
    const value = 255 * values[(h * width + w) * count + channel];
    find("shuffle-text").textContent =
      `Row ${row} = ${scale} \u00b7 ${h} + ${i}, column ${column} = ${scale} \u00b7 ${w} + ${j}: it comes from row ${h}, column ${w} ` +
      `of channel ${scale} \u00b7 ${i} + ${j} = ${channel}. Its value is ${decimal(value, 1)} grey levels.`;
  };
}
