// The reader's own photograph. Workers read it, upscale it and write the results; the page only shows the results.
import { data, find, make } from "./page.js";
import { decode } from "./network.js";
import { blank, cut, place, planTiles, psnr, squaredErrors, toImageData } from "./tiles.js";
import { addPhotograph } from "./explorer.js";

const MOST_WORKERS = 4;
const LARGEST_CANVAS = 1024; // pixels on the longer side
// The photograph, the address of its file, the workers, and the addresses of the upscaled pictures.
const own = { file: undefined, address: undefined, pool: undefined, results: [] };

// Workers, each of which does one task at a time. After `close`, code that awaits their results does not continue.
function openPool({ scale, flat, ...description }) {
  const script = URL.createObjectURL(new Blob([find("worker").textContent]));
  const workers = Array.from({ length: Math.min(navigator.hardwareConcurrency, MOST_WORKERS) }, () => new Worker(script));
  const ask = (worker, message, transferred = []) =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data: { answer, failure } }) => (failure === undefined ? resolve(answer) : reject(new Error(failure)));
      worker.onerror = ({ message: failure }) => reject(new Error(failure));
      worker.postMessage(message, transferred);
    });
  const kernel = decode(data.live.kernel);
  const opened = Promise.all(workers.map((worker) => ask(worker, { task: "open", scale, flat, description, kernel })));
  return {
    // Processes each item by a worker that is free.
    async share(items, work) {
      await opened;
      const queue = items.values();
      const empty = async (worker) => {
        for (const item of queue) await work(item, (...message) => ask(worker, ...message));
      };
      await Promise.all(workers.map(empty));
    },
    close() {
      for (const worker of workers) worker.terminate();
      URL.revokeObjectURL(script);
    },
  };
}

async function readPhotograph(pool, options) {
  let read;
  await pool.share([options], async (message, ask) => (read = await ask({ task: "read", ...message })));
  return read;
}

// Gives both upscaled pictures and, if there is a ground truth, the PSNR of both.
async function upscaleTiles(pool, { input, luminance }) {
  const { scale } = data.live.upscaler;
  const tiles = planTiles(input.height, input.width, { ...data.live.upscaler, bounded: Boolean(luminance) });
  const [height, width] = [scale * input.height, scale * input.width];
  const upscaled = { bicubic: blank(height, width, input.channels), network: blank(height, width, input.channels) };
  const errors = { bicubic: 0, network: 0 };
  let done = 0;
  showStep(`Tile 1 of ${tiles.length}`, 0);
  await pool.share(tiles, async ({ padded, inside, target: [top, left] }, ask) => {
    const part = cut(input, ...padded);
    const answer = await ask({ task: luminance ? "measure" : "upscale", part, inside }, [part.values.buffer]);
    for (const [method, result] of Object.entries(answer)) {
      place(upscaled[method], result.picture, top, left);
      if (luminance) errors[method] += squaredErrors(luminance, result.luminance, top, left, scale);
    }
    paintTile(answer.network.picture, top, left, Math.max(height, width));
    done += 1;
    showStep(`Tile ${Math.min(done + 1, tiles.length)} of ${tiles.length}`, done / tiles.length);
  });
  const quality = (method) => ({ psnr: psnr(errors[method], luminance, scale) });
  return { ...upscaled, quality: luminance ? { bicubic: quality("bicubic"), network: quality("network") } : null };
}

// Gives the addresses of PNG files.
async function writePictures(pool, pictures) {
  const addresses = {};
  const present = Object.entries(pictures).filter(([, picture]) => picture);
  await pool.share(present, async ([name, picture], ask) => {
    addresses[name] = URL.createObjectURL(await ask({ task: "write", picture }, [picture.values.buffer]));
  });
  return addresses;
}

const grouped = (number) => number.toLocaleString("en");
const size = ({ width, height }) => `${grouped(width)} x ${grouped(height)}`;
const decibels = (number) => (Number.isFinite(number) ? `${number.toFixed(2)} dB` : "no error");

function showStep(text, share) {
  find("own-work").hidden = false;
  find("own-step").textContent = text;
  if (share === undefined) find("own-progress").removeAttribute("value");
  else find("own-progress").value = share;
}

// The canvas is not larger than the screen, because the browser copies all of it for each tile.
const onCanvas = (length, longest) => Math.round(length * Math.min(1, LARGEST_CANVAS / longest));

function paintTile({ height, width, ...tile }, top, left, longest) {
  const whole = make("canvas", { width, height });
  whole.getContext("2d").putImageData(toImageData({ height, width, ...tile }), 0, 0);
  const [x, right, y, bottom] = [left, left + width, top, top + height].map((place) => onCanvas(place, longest));
  find("own-canvas").getContext("2d").drawImage(whole, x, y, right - x, bottom - y);
}

function showWork({ input }) {
  const [width, height] = [input.width, input.height].map((side) => side * data.live.upscaler.scale);
  const [canvasWidth, canvasHeight] = [width, height].map((side) => Math.max(1, onCanvas(side, Math.max(width, height))));
  Object.assign(find("own-canvas"), { width: canvasWidth, height: canvasHeight, hidden: false });
  find("own-figure").style.cssText = `--wide: ${width}; --high: ${height}`;
  find("own-figure").classList.add("working");
  URL.revokeObjectURL(own.address);
  own.address = URL.createObjectURL(own.file);
  Object.assign(find("own-picture"), { src: own.address, alt: "your photograph" });
  find("own-figure").hidden = false;
}

function showResult(address, name, { width, height }) {
  Object.assign(find("own-picture"), { src: address, alt: `${name}, upscaled by the network` });
  Object.assign(find("own-canvas"), { width: 0, height: 0, hidden: true }); // frees its memory
  find("own-figure").classList.remove("working");
  const { scale } = data.live.upscaler;
  Object.assign(find("own-save"), { href: address, download: `${name.replace(/\.[^.]*$/, "")}-x${scale}.png` });
  find("own-save").textContent = `Download: PNG, ${size({ width, height })} pixels`;
  find("own-results").hidden = false;
}

function offerToFit({ height, width, fittingHeight, fittingWidth }) {
  say(`${own.file.name}: ${size({ height, width })} pixels, more than this page upscales.`);
  find("own-fit").textContent = `Make it smaller first: ${size({ height: fittingHeight, width: fittingWidth })} pixels`;
  find("own-offer").hidden = false;
}

function say(text) {
  find("own-status").textContent = text;
}

function stopWork() {
  own.pool?.close();
  own.pool = undefined;
  const focused = find("own-work").contains(document.activeElement);
  find("own-work").hidden = true;
  if (focused) find("own-file").focus({ preventScroll: true });
}

async function upscalePhotograph(file, fitted = false) {
  stopWork();
  own.file = file;
  for (const id of ["own-offer", "own-figure", "own-results"]) find(id).hidden = true;
  say("");
  showStep("Reading");
  const started = performance.now();
  try {
    own.pool = openPool(data.live.upscaler);
    const read = await readPhotograph(own.pool, { file, downscaled: find("own-downscale").checked, fitted });
    if (read.tooLarge) offerToFit(read.tooLarge);
    else await upscaleRead(read, started);
  } catch (error) {
    find("own-figure").hidden = true;
    say(`${file.name}: ${error.message}.`);
  }
  stopWork();
}

async function upscaleRead(read, started) {
  const { pool, file: { name } } = own;
  showWork(read);
  const { quality, ...upscaled } = await upscaleTiles(pool, read);
  const { width, height } = upscaled.network;
  showStep("Writing", 1);
  const addresses = await writePictures(pool, { ...upscaled, truth: read.truth });
  showResult(addresses.network, name, { width, height });
  const measured = quality ? ` PSNR of luminance: bicubic ${decibels(quality.bicubic.psnr)}, network ${decibels(quality.network.psnr)}.` : "";
  const seconds = (performance.now() - started) / 1000;
  say(`${name}: ${size(read.input)} pixels upscaled to ${size({ width, height })} in ${seconds.toFixed(1)} s.${measured}`);
  addPhotograph({ name, width, height, truth: null, ...addresses, quality });
  own.results.forEach(URL.revokeObjectURL);
  own.results = Object.values(addresses);
}

if (find("own-tool")) {
  find("own-tool").hidden = false;
  find("own-file").addEventListener("click", ({ target }) => (target.value = "")); // so that the same file can be chosen again
  find("own-file").addEventListener("change", ({ target }) => target.files.length && upscalePhotograph(target.files[0]));
  find("own-downscale").addEventListener("change", () => own.file && upscalePhotograph(own.file));
  find("own-fit").addEventListener("click", () => {
    upscalePhotograph(own.file, true);
    find("own-cancel").focus();
  });
  find("own-cancel").addEventListener("click", () => {
    stopWork();
    find("own-figure").hidden = true;
    say(`${own.file.name}: cancelled.`);
  });

  document.addEventListener("paste", ({ clipboardData }) => {
    const picture = [...clipboardData.files].find(({ type }) => type.startsWith("image/"));
    if (picture) takePhotograph(picture);
  });

  // A photograph may be dropped anywhere; else the browser would open it instead of the page. A picture of the page
  // itself may have been dragged by mistake, and is used only if it is dropped on the field for photographs.
  let fromPage = false;
  const highlight = (on) => find("own-drop").classList.toggle("over", on);
  document.addEventListener("dragstart", () => (fromPage = true));
  document.addEventListener("dragend", () => (fromPage = false));
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    highlight(true);
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => relatedTarget ?? highlight(false));
  document.addEventListener("drop", (event) => {
    highlight(false);
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault();
    if (!fromPage || find("own-tool").contains(event.target)) takePhotograph(file);
  });
}

function takePhotograph(file) {
  upscalePhotograph(file);
  find("own-drop").scrollIntoView({ block: "nearest" });
}
