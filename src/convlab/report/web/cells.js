// Pictures with visible single pixels: reading, painting as cells, marking, and finding the cell under a pointer.
import { copyToCanvas, loadPicture, make } from "./page.js";

const NEGATIVE = [179, 74, 0];
const ZERO = [247, 247, 247];
const POSITIVE = [0, 114, 178]; // as in residual.py

// Orange for -1, nearly white for 0, blue for 1.
export function diverging(share) {
  const end = share < 0 ? NEGATIVE : POSITIVE;
  const strength = Math.min(1, Math.abs(share));
  return ZERO.map((zero, place) => zero + strength * (end[place] - zero));
}

// The largest absolute value, but at least one grey level.
export function largest(values) {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 1 / 255);
}

export function grey(share) {
  return Array(3).fill(255 * Math.min(1, Math.max(0, share)));
}

// A number with a typographic minus sign, and without a sign if it rounds to 0.
export function decimal(number, digits = 2) {
  const text = number.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text.replace("-", "\u2212");
}

// Reads a grey picture: its height, its width and its values from 0 to 1.
export async function readGrey(source) {
  const context = copyToCanvas(await loadPicture(source));
  const { width, height } = context.canvas;
  const bytes = context.getImageData(0, 0, width, height).data;
  return { height, width, values: Float32Array.from({ length: height * width }, (_, at) => bytes[4 * at] / 255) };
}

// Puts a picture into an element: a canvas with a pixel for each cell, and marks over it.
export function cellPicture(element) {
  const namespace = "http://www.w3.org/2000/svg";
  const canvas = make("canvas", { className: "pixels" });
  const svg = document.createElementNS(namespace, "svg");
  const marks = ["casing", "mark"].map((name) => {
    const path = document.createElementNS(namespace, "path");
    path.setAttribute("class", name);
    return path;
  });
  svg.append(...marks);
  svg.setAttribute("aria-hidden", "true");
  element.classList.add("cells");
  element.append(canvas, svg);

  return {
    // `colourAt` gives red, green and blue of the cell at a row and a column.
    paint(height, width, colourAt) {
      Object.assign(canvas, { height, width });
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      const image = new ImageData(width, height);
      for (let row = 0; row < height; row++)
        for (let column = 0; column < width; column++) image.data.set([...colourAt(row, column), 255], 4 * (row * width + column));
      canvas.getContext("2d").putImageData(image, 0, 0);
    },
    mark(places) {
      const squares = places.map(([row, column]) => `M${column} ${row}h1v1h-1z`).join("");
      marks.forEach((path) => path.setAttribute("d", squares));
    },
    // Calls a function with the row and the column under the mouse, the finger or the pen.
    whenPointed(act) {
      const point = (event) => {
        const { left, top, width, height } = canvas.getBoundingClientRect();
        const place = (from, to, size, count) => Math.min(count - 1, Math.max(0, Math.floor(((to - from) / size) * count)));
        act(place(top, event.clientY, height, canvas.height), place(left, event.clientX, width, canvas.width));
      };
      for (const kind of ["pointerdown", "pointermove"]) element.addEventListener(kind, point);
    },
  };
}

// Calls a function with the rows and columns to move by when an arrow key is pressed.
export function whenArrowed(element, act) {
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  element.addEventListener("keydown", (event) => {
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(...moves[event.key]);
  });
}

// Shows one of the digits of a sheet.
export function showTile(element, { sheet, columns, labels }, index) {
  const rows = Math.ceil(labels.length / columns);
  const share = (place, count) => (count > 1 ? (100 * place) / (count - 1) : 0);
  Object.assign(element.style, {
    backgroundImage: `url(${sheet})`,
    backgroundSize: `${100 * columns}% ${100 * rows}%`,
    backgroundPosition: `${share(index % columns, columns)}% ${share(Math.floor(index / columns), rows)}%`,
  });
  element.setAttribute("aria-label", `A handwritten ${labels[index]}`);
}
