// The test digits in the plot of the embedding whose embeddings are nearest to that of the drawing.
import { colour, copyToCanvas, data, isDark, make } from "./page.js";
import { MNIST_SIDE, readLevels } from "./mnist.js";

const NEAREST = 5;

// The position of a digit on the sheet of all digits.
function placeOnSheet(index) {
  const { columns } = data.embedding;
  return { left: (index % columns) * MNIST_SIDE, top: Math.floor(index / columns) * MNIST_SIDE };
}

// Gives a function of a digit's index that reads it from the sheet.
export function digitReader(sheet) {
  const context = copyToCanvas(sheet);
  return (index) => {
    const { left, top } = placeOnSheet(index);
    return readLevels(context, left, top, MNIST_SIDE, MNIST_SIDE);
  };
}

// Indices and Euclidean distances of the nearest vectors; all vectors follow each other in one array.
export function findNearest(vectors, vector, count) {
  const { length } = vector;
  const distances = Array.from({ length: vectors.length / length }, (_, index) => {
    let sum = 0;
    for (let at = 0, other = index * length; at < length; at++, other++) {
      const difference = vectors[other] - vector[at];
      sum += difference * difference;
    }
    return { index, distance: Math.sqrt(sum) };
  });
  return distances.sort((a, b) => a.distance - b.distance).slice(0, count);
}

// The mean of positions, each weighted by 1 / distance.
export function weightedMean(places, distances) {
  const weights = distances.map((distance) => 1 / Math.max(distance, 1e-6));
  const sum = weights.reduce((a, b) => a + b, 0);
  return [0, 1].map((axis) => places.reduce((total, place, index) => total + weights[index] * place[axis], 0) / sum);
}

// Draws the plane of the embedding: all digits on one canvas, the drawing's neighbours on another one above it.
export function makePlane(points, marks) {
  const { frames, domain, labels, colours } = data.embedding;
  const places = frames.at(-1);
  const side = points.width;

  const onCanvas = ([x, y]) => [
    ((x - domain[0][0]) / (domain[0][1] - domain[0][0])) * side,
    ((domain[1][1] - y) / (domain[1][1] - domain[1][0])) * side,
  ];

  let ink;
  let ground;

  function paintDigits() {
    [ink, ground] = ["ink", "ground"].map(colour);
    const context = points.getContext("2d");
    context.clearRect(0, 0, side, side);
    Object.assign(context, { font: `600 ${side / 40}px system-ui, sans-serif`, textAlign: "center", textBaseline: "middle" });
    places.forEach((place, index) => {
      context.fillStyle = colours[isDark() ? "dark" : "light"][labels[index]];
      context.fillText(labels[index], ...onCanvas(place));
    });
  }

  function mark(nearest) {
    const context = marks.getContext("2d");
    context.clearRect(0, 0, side, side);
    if (!nearest.length) return;
    const near = nearest.map(({ index }) => places[index]);
    const [x, y] = onCanvas(weightedMean(near, nearest.map(({ distance }) => distance)));
    const outline = (width, strokeStyle, draw) => {
      context.beginPath();
      Object.assign(context, { lineWidth: width, strokeStyle });
      draw();
      context.stroke();
    };
    outline(side / 300, ink, () => near.map(onCanvas).forEach((place) => (context.moveTo(x, y), context.lineTo(...place))));
    const ring = () => context.arc(x, y, side / 30, 0, 2 * Math.PI);
    outline(side / 60, ground, ring);
    outline(side / 100, ink, ring);
  }

  return { paintDigits, mark };
}

// Shows the nearest digits, with pictures from the sheet.
export function makeNeighbours(list, sheet) {
  const { labels } = data.embedding;
  const items = Array.from({ length: NEAREST }, () => {
    const canvas = make("canvas", { width: MNIST_SIDE, height: MNIST_SIDE, className: "pixels", ariaHidden: "true" });
    const text = make("span");
    list.append(make("li", {}, canvas, text));
    return { context: canvas.getContext("2d"), text };
  });
  return (nearest) => {
    items.forEach(({ context, text }, place) => {
      context.clearRect(0, 0, MNIST_SIDE, MNIST_SIDE);
      const found = nearest[place];
      text.textContent = found ? labels[found.index] : "";
      if (!found) return;
      const { left, top } = placeOnSheet(found.index);
      context.drawImage(sheet, left, top, MNIST_SIDE, MNIST_SIDE, 0, 0, MNIST_SIDE, MNIST_SIDE);
    });
  };
}
