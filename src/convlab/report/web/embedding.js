// The digits in the plane, through the training, over the activation atlas.
import { choose, colour, copyToCanvas, data, find, isDark, loadPicture, make, whenThemed } from "./page.js";
import { showTile } from "./cells.js";
import { Plane } from "./plane.js";

const scatter = data.embedding;
const scatterMargin = 0.04; // around all points, relative to the plane
const digitSide = 28; // pixels of a digit's picture
const playTime = 800; // milliseconds from one snapshot to the next
const jumpTime = 300; // milliseconds from any snapshot to the one that the slider chooses
const atlasStrength = 0.3;

const lastSnapshot = scatter.frames.length - 1;
const snapshotPlaces = scatter.frames.map((frame) => frame.map(([x, y]) => onPlane(x, y)));
const shownClasses = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
const scatterColours = {}; // colours of the theme, and pictures in these colours
let trainingTime = lastSnapshot; // time of the points that are shown, in snapshots
let trainingPlays = false;
let jumpSpeed = 0; // snapshots per millisecond, during a jump to the slider's snapshot
let scatterPoints = [];
let hoveredDigit = null;
let chosenDigit = Math.max(0, scatter.labels.findIndex((label, index) => label !== scatter.predictions[index]));
let paintDigit;

function onPlane(x, y) {
  const [[left, right], [, top]] = scatter.plane;
  const scale = (1 - 2 * scatterMargin) / (right - left);
  return [scatterMargin + scale * (x - left), scatterMargin + scale * (top - y)];
}

// The slope in the middle of three values of a curve that does not overshoot.
function monotoneSlope(before, here, after) {
  const product = (here - before) * (after - here);
  return product > 0 ? (2 * product) / (after - before) : 0;
}

// A cubic curve through four values, at a share of the way from the second to the third.
function onCurve([before, start, end, after], share) {
  const leaving = monotoneSlope(before, start, end);
  const arriving = monotoneSlope(start, end, after);
  const way = share * share * (3 - 2 * share);
  return start + way * (end - start) + share * (1 - share) * ((1 - share) * leaving - share * arriving);
}

// Readers who prefer reduced motion see only the snapshots.
const shownTime = () => (reducedMotion.matches ? Math.floor(trainingTime) : trainingTime);

function placePoints() {
  const start = Math.floor(shownTime());
  const share = shownTime() - start;
  const near = [-1, 0, 1, 2].map((by) => snapshotPlaces[Math.min(Math.max(start + by, 0), lastSnapshot)]);
  scatterPoints = scatter.labels.flatMap((digit, index) => {
    if (!shownClasses.has(digit)) return [];
    const [x, y] = [0, 1].map((axis) => onCurve(near.map((places) => places[index][axis]), share));
    return [{ x, y, index }];
  });
}

const toChannels = (hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));

// Replaces white by the colour for its place, as [red, green, blue], and makes black transparent.
function tint(picture, colourAt) {
  const context = copyToCanvas(picture);
  const { canvas } = context;
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let place = 0; place < pixels.data.length; place += 4) {
    const x = (place / 4) % canvas.width;
    const y = (place / 4 - x) / canvas.width;
    pixels.data.set([...colourAt(x, y), pixels.data[place]], place);
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

async function applyScatterTheme() {
  const [digits, atlas] = await scatterPictures;
  const classes = scatter.colours[isDark() ? "dark" : "light"];
  const channels = classes.map(toChannels);
  const digitAt = (x, y) => Math.floor(y / digitSide) * scatter.columns + Math.floor(x / digitSide);
  const ink = toChannels(colour("ink"));
  Object.assign(scatterColours, {
    classes,
    ground: colour("ground"),
    mark: colour("orange"),
    digits: tint(digits, (x, y) => channels[scatter.labels[digitAt(x, y)] ?? 0]),
    atlas: tint(atlas, () => ink),
  });
  find("classes").querySelectorAll("label").forEach((label, digit) => (label.style.color = classes[digit]));
  scatterPlane.draw();
}

const paintAs = {
  pictures(context, index, x, y, side) {
    const left = (index % scatter.columns) * digitSide;
    const top = Math.floor(index / scatter.columns) * digitSide;
    context.drawImage(scatterColours.digits, left, top, digitSide, digitSide, x - side / 2, y - side / 2, side, side);
  },
  characters(context, index, x, y, side) {
    context.font = `700 ${0.75 * side}px system-ui, sans-serif`;
    context.fillText(scatter.labels[index], x, y);
  },
  points(context, index, x, y, side) {
    context.beginPath();
    context.arc(x, y, side / 6, 0, 2 * Math.PI);
    context.fill();
  },
};

// The atlas shows the end of the training, so it appears gradually towards the end.
function paintAtlas(context) {
  const strength = atlasStrength * (1 - 2 * (lastSnapshot - shownTime()));
  if (!find("atlas").checked || strength <= 0) return;
  const [[left, right], [bottom, top]] = scatter.atlas.domain;
  const start = scatterPlane.toScreen(...onPlane(left, top));
  const end = scatterPlane.toScreen(...onPlane(right, bottom));
  context.globalAlpha = strength;
  context.drawImage(scatterColours.atlas, ...start, end[0] - start[0], end[1] - start[1]);
  context.globalAlpha = 1;
}

function paintPoint(context, index, x, y, side) {
  context.fillStyle = scatterColours.classes[scatter.labels[index]];
  paintDigit(context, index, x, y, side);
  if (scatter.labels[index] === scatter.predictions[index]) return;
  context.strokeStyle = scatterColours.classes[scatter.predictions[index]];
  context.lineWidth = Math.max(1.5, side / 14);
  context.beginPath();
  context.arc(x, y, 0.62 * side, 0, 2 * Math.PI);
  context.stroke();
}

function paintHighlighted(context, index, x, y, side) {
  context.fillStyle = scatterColours.ground;
  context.strokeStyle = scatterColours.mark;
  context.lineWidth = 3;
  context.beginPath();
  context.roundRect(x - 0.75 * side, y - 0.75 * side, 1.5 * side, 1.5 * side, side / 5);
  context.fill();
  context.stroke();
  paintPoint(context, index, x, y, side);
}

function paintScatter(context) {
  if (!scatterColours.digits) return;
  const { width, height, zoom } = scatterPlane;
  const side = Math.max(13, width / 34) * zoom ** 0.6; // grows less than zoom, so that digits overlap less
  const onTop = [];
  context.imageSmoothingEnabled = zoom < 4;
  context.textAlign = "center";
  context.textBaseline = "middle";
  paintAtlas(context);
  for (const { x, y, index } of scatterPoints) {
    const place = scatterPlane.toScreen(x, y);
    if (index === chosenDigit || index === hoveredDigit) onTop.push([index, ...place]);
    else if (Math.min(...place) > -side && place[0] < width + side && place[1] < height + side) paintPoint(context, index, ...place, side);
  }
  for (const [index, x, y] of onTop) paintHighlighted(context, index, x, y, Math.max(30, 1.4 * side));
}

// Moves the points by a number of milliseconds; tells whether they have not yet arrived.
function advanceTraining(elapsed) {
  const goal = Number(find("snapshot").value);
  const before = trainingTime;
  if (trainingPlays) {
    trainingTime = Math.min(trainingTime + elapsed / playTime, lastSnapshot);
    showSnapshot(Math.floor(trainingTime));
    if (trainingTime === lastSnapshot) goToSnapshot(lastSnapshot);
  } else if (reducedMotion.matches || Math.abs(goal - trainingTime) <= jumpSpeed * elapsed) {
    trainingTime = goal;
  } else {
    trainingTime += Math.sign(goal - trainingTime) * jumpSpeed * elapsed;
  }
  if (trainingTime !== before) placePoints();
  return trainingPlays || trainingTime !== goal;
}

const stepText = (snapshot) => `step ${scatter.steps[snapshot].toLocaleString("en")}`;
const snapshotText = (snapshot) => `${stepText(snapshot)}: ${(100 * scatter.accuracies[snapshot]).toFixed(1)} % test accuracy`;

function showSnapshot(snapshot) {
  const text = snapshotText(snapshot);
  find("snapshot").value = snapshot;
  if (find("snapshot-text").textContent === text) return;
  find("snapshot-text").textContent = text;
  find("snapshot").setAttribute("aria-valuetext", text);
  find("plane-text").textContent = `At ${stepText(snapshot)}, ${(100 * scatter.same_class[snapshot]).toFixed(0)} % of the digits have a digit of their own class as nearest neighbour.`;
}

function goToSnapshot(snapshot) {
  trainingPlays = false;
  find("play").textContent = "Play";
  showSnapshot(snapshot);
  jumpSpeed = Math.abs(snapshot - trainingTime) / jumpTime;
  scatterPlane.requestDraw();
}

function playTraining() {
  trainingPlays = true;
  find("play").textContent = "Pause";
  if (trainingTime === lastSnapshot) trainingTime = 0;
  scatterPlane.requestDraw();
}

function digitText(index) {
  const { labels, predictions } = scatter;
  const wrong = labels[index] === predictions[index] ? "" : " (wrong)";
  return `Test digit ${index}: label ${labels[index]}, prediction ${predictions[index]}${wrong}`;
}

function showCard() {
  const index = hoveredDigit ?? chosenDigit;
  if (index === null) return;
  showTile(find("selected"), scatter, index);
  find("selected-text").textContent = digitText(index);
}

function hoverDigit(index) {
  if (index === hoveredDigit) return;
  hoveredDigit = index;
  showCard();
  scatterPlane.requestDraw();
}

// Chooses a digit; unlike pointing at one, this is read by screen readers.
function chooseDigit(index) {
  if (index === chosenDigit) return;
  chosenDigit = index;
  hoveredDigit = null;
  showCard();
  find("selected-spoken").textContent = index === null ? "" : digitText(index);
  if (index !== null) scatterPlane.reveal(chosenPoint());
  scatterPlane.requestDraw();
}

const chosenPoint = () => scatterPoints.find(({ index }) => index === chosenDigit);

function stepDigit(by) {
  if (!scatterPoints.length) return;
  const place = scatterPoints.indexOf(chosenPoint());
  chooseDigit(scatterPoints.at(place < 0 ? 0 : (place + by) % scatterPoints.length).index);
}

function addClasses() {
  for (const digit of shownClasses) {
    const input = make("input", { type: "checkbox", checked: true, value: digit });
    input.addEventListener("change", () => {
      if (input.checked) shownClasses.add(digit);
      else shownClasses.delete(digit);
      placePoints();
      if (!chosenPoint()) chooseDigit(null);
      scatterPlane.requestDraw();
    });
    find("classes").append(make("label", {}, input, String(digit)));
  }
}

const scatterPictures = Promise.all([scatter.sheet, scatter.atlas.image].map(loadPicture));
const scatterHeight = onPlane(0, scatter.plane[1][0])[1] + scatterMargin;
const scatterPlane = new Plane(find("plane"), scatterHeight, {
  paint: paintScatter,
  advance: advanceTraining,
  points: () => scatterPoints,
  chosen: chosenPoint,
  hover: hoverDigit,
  choose: chooseDigit,
  zoomed(zoom, most) {
    find("plane-in").disabled = zoom === most;
    find("plane-out").disabled = find("plane-whole").disabled = zoom === 1;
  },
});

addClasses();
placePoints();
showSnapshot(lastSnapshot);
showCard();
const widths = scatter.steps.map((_, snapshot) => snapshotText(snapshot).length);
find("snapshot-text").style.width = `${Math.max(...widths)}ch`; // else the slider's width would change
choose(find("marks"), Object.keys(paintAs), (index) => {
  paintDigit = Object.values(paintAs)[index];
  scatterPlane.requestDraw();
});
find("snapshot").addEventListener("input", ({ target }) => goToSnapshot(Number(target.value)));
find("play").addEventListener("click", () => (trainingPlays ? goToSnapshot(Math.round(trainingTime)) : playTraining()));
find("atlas").addEventListener("change", () => scatterPlane.requestDraw());
find("digit-next").addEventListener("click", () => stepDigit(1));
find("digit-back").addEventListener("click", () => stepDigit(-1));
find("plane-in").addEventListener("click", () => scatterPlane.zoomBy(1.5));
find("plane-out").addEventListener("click", () => scatterPlane.zoomBy(1 / 1.5));
find("plane-whole").addEventListener("click", () => scatterPlane.showWhole());
whenThemed(applyScatterTheme);
