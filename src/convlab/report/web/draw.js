// A digit that the reader draws, and the predictions of both networks for it.
import { copyToCanvas, data, find, loadPicture, whenThemed } from "./page.js";
import { tensor } from "./kernel.js";
import { build, decode } from "./network.js";
import { MNIST_SIDE, readLevels, shiftByPixels, softmax, toInput, toMnist } from "./mnist.js";
import { inPieces } from "./idle.js";
import { makePad } from "./pad.js";
import { makeMaps } from "./maps.js";
import { MAX_SHIFT, makeShifts } from "./shifts.js";
import { digitReader, findNearest, makeNeighbours, makePlane } from "./neighbours.js";

const FIRST_EXAMPLE = 3;

function likeliest(numbers) {
  return numbers.indexOf(Math.max(...numbers));
}

// A column of the table of probabilities.
function makeColumn(name) {
  const cells = [...document.querySelectorAll(`.probabilities td[data-network=${name}]`)];
  return (probabilities) => {
    const digit = probabilities && likeliest(probabilities);
    find(`${name}-prediction`).textContent = digit ?? "?";
    cells.forEach((cell, index) => {
      const share = probabilities?.[index] ?? 0;
      cell.classList.toggle("predicted", index === digit);
      cell.firstChild.style.setProperty("--share", share);
      cell.lastChild.textContent = probabilities ? `${(100 * share).toFixed(1)} %` : "";
    });
  };
}

// The networks that the page can run, by name; for the others, it gives the reason.
function buildNetworks() {
  const kernel = decode(data.live.kernel);
  const networks = {};
  const reasons = [];
  for (const name of ["cnn", "mlp"]) {
    const { unknown } = data.live[name];
    if (unknown) {
      reasons.push(`This page cannot run the ${name.toUpperCase()}, because of ${unknown}.`);
      document.querySelectorAll(`#draw [data-network=${name}]`).forEach((element) => (element.hidden = true));
    } else {
      const run = build(data.live[name], kernel);
      const predict = (picture) => likeliest(Array.from(run(toInput(picture)).outputs[0].values));
      networks[name] = { run, predict, showProbabilities: makeColumn(name) };
    }
  }
  find("draw-unknown").textContent = reasons.join(" ");
  find("draw-unknown").hidden = !reasons.length;
  return networks;
}

// The sliders, the buttons and the picture that can be dragged; `choose` gets the shift.
function listenForShifts(shift, choose) {
  const inRange = (value) => Math.min(Math.max(value, -MAX_SHIFT), MAX_SHIFT);
  const chooseInRange = (down, right) => choose({ down: inRange(down), right: inRange(right) });
  for (const direction of ["down", "right"]) {
    const slider = find(`shift-${direction}`);
    slider.addEventListener("input", () => choose({ ...shift, [direction]: Number(slider.value) }));
  }
  for (const button of document.querySelectorAll(".shifter button")) {
    const { down, right } = button.dataset;
    button.addEventListener("click", () => chooseInRange(shift.down + Number(down), shift.right + Number(right)));
  }
  const held = find("held");
  let from;
  held.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    held.setPointerCapture(event.pointerId);
    from = { ...shift, x: event.clientX, y: event.clientY };
  });
  held.addEventListener("pointermove", ({ pointerId, clientX, clientY }) => {
    if (!held.hasPointerCapture(pointerId)) return;
    const pixel = held.clientWidth / MNIST_SIDE;
    chooseInRange(from.down + Math.round((clientY - from.y) / pixel), from.right + Math.round((clientX - from.x) / pixel));
  });
}

function describeShift({ down, right }) {
  const parts = [
    [down, "down", "up"],
    [right, "to the right", "to the left"],
  ].flatMap(([pixels, positive, negative]) => (pixels ? [`${Math.abs(pixels)} ${positive && (pixels > 0 ? positive : negative)}`] : []));
  return parts.length ? `Shifted by ${parts.join(", ")}` : "Drag it, or use the sliders, to shift it";
}

function showSeen(picture, { down, right }) {
  const image = new ImageData(MNIST_SIDE, MNIST_SIDE);
  const pixels = new Uint32Array(image.data.buffer);
  pixels.forEach((_, at) => (pixels[at] = 0xff000000 | ((picture?.values[at] ?? 0) * 0x010101)));
  find("seen").getContext("2d").putImageData(image, 0, 0);
  Object.assign(find("handle").style, {
    left: `${(100 * (MNIST_SIDE / 2 + right)) / MNIST_SIDE}%`,
    top: `${(100 * (MNIST_SIDE / 2 + down)) / MNIST_SIDE}%`,
  });
}

// Embeddings of the digits in the plane, one after the other, computed when the page has nothing else to do.
async function embedTestDigits(run, sheet) {
  const { labels, width } = data.embedding;
  const readDigit = digitReader(sheet);
  const embeddings = new Float32Array(labels.length * width);
  const progress = find("near-count");
  await inPieces(labels.length, (index) => {
    embeddings.set(run(toInput(readDigit(index))).outputs[1].values, index * width);
    if (index % 25 === 0) progress.textContent = index;
  });
  progress.textContent = labels.length; // the line remains, so that the parts below do not move
  return embeddings;
}

function startDrawing() {
  const networks = buildNetworks();
  if (!Object.keys(networks).length) {
    find("drawing").hidden = true;
    return;
  }
  const buttons = [...document.querySelectorAll(".test-digits button")];
  const pictures = buttons.map((button) => button.firstChild);
  const shift = { down: 0, right: 0 };
  let digit; // the drawing in MNIST's form
  let predictions = {};
  let due = 0;

  const pad = makePad(find("pad"), find("pen"), { changed: showSoon, ended: showNow });
  const grids = Object.entries(networks).map(([name, { predict }]) => ({
    name,
    ...makeShifts(find(`${name}-shifts`), name.toUpperCase(), predict, chooseShift),
  }));
  const run = networks.cnn?.run;
  const maps = run && makeMaps(find("layers-now"), data.live.cnn, run(tensor(MNIST_SIDE, MNIST_SIDE, 1), true).all);
  if (maps?.isEmpty) find("maps-now").hidden = true;
  const plane = run && makePlane(find("near-plane"), find("near-marks"));
  let embeddings;
  let showNeighbours;

  function read() {
    const picture = pad.picture();
    if (picture) return readLevels(copyToCanvas(picture), 0, 0, MNIST_SIDE, MNIST_SIDE);
    const drawing = pad.read();
    return drawing && toMnist(drawing);
  }

  function showPredictions() {
    const picture = digit && shiftByPixels(digit, shift.down, shift.right);
    showSeen(picture, shift);
    predictions = {};
    for (const [name, { run, showProbabilities }] of Object.entries(networks)) {
      const result = picture && run(toInput(picture), name === "cnn");
      const probabilities = result && softmax(result.outputs[0].values);
      showProbabilities(probabilities);
      if (result) predictions[name] = likeliest(probabilities);
      if (name === "cnn") {
        maps.paint(result?.all);
        showNearest(result?.outputs[1].values);
      }
    }
  }

  function showNearest(embedding) {
    if (!embeddings) return;
    const nearest = embedding ? findNearest(embeddings, embedding, 5) : [];
    showNeighbours(nearest);
    plane.mark(nearest);
  }

  function describe() {
    const texts = Object.entries(predictions).map(([name, prediction]) => `${name.toUpperCase()} predicts ${prediction}`);
    return texts.join(", ") || "The pad is empty";
  }

  function show() {
    due = 0;
    pad.paint();
    digit = read();
    showPredictions();
  }

  function showSoon() {
    find("pad-hint").hidden = true;
    grids.forEach((grid) => grid.forget());
    due ||= requestAnimationFrame(show);
  }

  function showNow() {
    cancelAnimationFrame(due);
    show();
    find("draw-status").textContent = describe();
    const example = pad.picture();
    buttons.forEach((button, index) => (button.ariaPressed = pictures[index] === example));
    grids.forEach(async (grid) => {
      find(`${grid.name}-kept`).textContent = "";
      const kept = await grid.compute(digit);
      if (kept) find(`${grid.name}-kept`).textContent = `: same at ${kept.same} of ${kept.of}`;
    });
    showShift();
  }

  function showShift() {
    find("shift-text").textContent = describeShift(shift);
    for (const direction of ["down", "right"]) {
      find(`shift-${direction}`).value = shift[direction];
      find(`shift-${direction}`).ariaValueText = `${shift[direction]} pixels: ${describe()}`;
    }
    grids.forEach((grid) => grid.mark(shift));
  }

  function chooseShift(chosen) {
    Object.assign(shift, chosen);
    showPredictions();
    showShift();
  }

  listenForShifts(shift, chooseShift);
  find("draw-undo").addEventListener("click", pad.undo);
  find("draw-clear").addEventListener("click", () => {
    Object.assign(shift, { down: 0, right: 0 });
    pad.clear();
  });
  buttons.forEach((button, index) => button.addEventListener("click", () => pad.show(pictures[index])));
  if (plane) whenThemed(() => {
    plane.paintDigits();
    showPredictions();
  });
  startWithExample();

  async function startWithExample() {
    await Promise.all(pictures.map((picture) => picture.decode()));
    pad.beginWith(pictures[FIRST_EXAMPLE]);
    find("draw-status").textContent = ""; // nobody has drawn yet
    if (!run) return;
    const sheet = await loadPicture(data.embedding.sheet);
    showNeighbours = makeNeighbours(find("neighbours"), sheet);
    embeddings = await embedTestDigits(run, sheet);
    showPredictions();
  }
}

startDrawing();
