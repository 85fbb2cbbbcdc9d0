// The test photographs and the reader's own photograph: bicubic beside network, ground truth, errors.
import { data, find, make } from "./page.js";
import { confineViewport, MAX_ZOOM, panViewport, placePicture, visibleSpan, WHOLE_PICTURE, zoomViewport } from "./viewport.js";
import { followGestures } from "./gestures.js";
import { nextTask, openGiven, openStored } from "./pictures.js";
import { drawGains, followGains, markGain, signed } from "./gains.js";

const DIVIDER_REACH = 22; // CSS pixels around the divider where a drag moves it
const BOX_ASPECT = 3 / 2; // the same for all photographs, so that the page does not jump
const ZOOM_STEP = 1.5;
const VIEWS = {
  compare: { pictures: ["bicubic", "network"], labels: ["bicubic", "network"] },
  truth: { pictures: ["truth"], labels: ["ground truth"] },
  errors: { pictures: ["bicubicError", "networkError"], labels: ["bicubic error", "network error"] },
};
const ORDERS = {
  gain: ({ gain }) => -gain,
  bicubic: ({ quality }) => -quality.bicubic.psnr,
  network: ({ quality }) => -quality.network.psnr,
};

const viewer = find("viewer");
const layers = [...viewer.querySelectorAll(".layer")];
const sides = [...viewer.querySelectorAll(".side")];
const photographs = data.superres.photographs;
const pictures = new Map(); // promises of the pictures of photographs that were shown
const explored = {
  photograph: photographs.find(({ rank }) => rank === 1),
  own: null,
  sorted: photographs,
  view: "compare",
  viewport: WHOLE_PICTURE,
  share: 0.5, // of the visible part of the picture, left of the divider
  shareBeforeClick: 0.5,
  aspect: 1, // of the picture, divided by that of the box
};

const viewName = () => (explored.photograph.truth ? explored.view : "compare");
const isDivided = () => viewName() !== "truth";
const entries = () => [...explored.sorted, ...(explored.own ? [explored.own] : [])];
const viewportShown = () => confineViewport(explored.viewport, explored.aspect);
const isZoomed = () => explored.viewport.zoom > 1;

// The divider.

function dividerPlace() {
  const [left, right] = visibleSpan(viewportShown(), explored.aspect);
  return left + explored.share * (right - left);
}

function isNearDivider({ x }) {
  return isDivided() && Math.abs(x - dividerPlace()) * viewer.clientWidth <= DIVIDER_REACH;
}

function drawDivider() {
  const place = isDivided() ? 100 * dividerPlace() : 100;
  layers[1].style.clipPath = `inset(0 0 0 ${place}%)`;
  sides[0].style.width = `${place}%`;
  sides[1].style.width = `${100 - place}%`;
  find("divider").style.left = `${place}%`;
  const share = Math.round(100 * explored.share);
  const [left, right] = VIEWS[viewName()].labels;
  find("split").value = share;
  find("split").setAttribute("aria-valuetext", isDivided() ? `${share} % ${left}, ${100 - share} % ${right}` : left);
}

function moveDivider(share, glides = false) {
  viewer.classList.toggle("gliding", glides);
  explored.share = Math.min(1, Math.max(0, share));
  drawDivider();
}

function moveDividerTo({ x }) {
  const [left, right] = visibleSpan(viewportShown(), explored.aspect);
  moveDivider((x - left) / (right - left), true);
}

// Zoom and position.

function drawViewport() {
  const { left, top, width, height } = placePicture(viewportShown(), explored.aspect);
  const { zoom } = explored.viewport;
  for (const canvas of viewer.querySelectorAll("canvas")) {
    // Everything is relative to the box, so that it also fits after the box's size changes, and in print.
    canvas.style.width = `${(100 * width) / zoom}%`;
    canvas.style.height = `${(100 * height) / zoom}%`;
    canvas.style.transform = `translate(${(100 * left * zoom) / width}%, ${(100 * top * zoom) / height}%) scale(${zoom})`;
    canvas.style.imageRendering = width * viewer.clientWidth > 2 * canvas.width ? "pixelated" : "auto";
  }
  viewer.classList.toggle("zoomed", isZoomed());
  find("zoom-text").textContent = `${zoom.toFixed(1)} x`;
  enable({ "zoom-in": zoom < MAX_ZOOM, "zoom-out": isZoomed(), "zoom-reset": isZoomed() });
  drawDivider();
}

function enable(states) {
  for (const [id, isEnabled] of Object.entries(states)) {
    if (!isEnabled && document.activeElement === find(id)) viewer.focus({ preventScroll: true });
    find(id).disabled = !isEnabled;
  }
}

function setViewport(viewport) {
  viewer.classList.remove("gliding");
  explored.viewport = viewport;
  drawViewport();
}

const zoomBy = (factor, point = { x: 0.5, y: 0.5 }) => setViewport(zoomViewport(viewportShown(), factor, point, explored.aspect));
const panBy = ({ x, y }) => setViewport(panViewport(viewportShown(), x, y, explored.aspect));
const showWhole = () => setViewport(WHOLE_PICTURE);

// Pictures and text.

function openPictures(photograph) {
  if (!pictures.has(photograph)) pictures.set(photograph, photograph.own ? openGiven(photograph) : openStored(photograph));
  return pictures.get(photograph);
}

async function showPictures() {
  const { photograph } = explored;
  const view = viewName();
  const paintings = await openPictures(photograph);
  const canvases = [];
  for (const name of VIEWS[view].pictures) {
    canvases.push(paintings[name]());
    await nextTask(); // so that the page reacts
  }
  if (photograph !== explored.photograph || view !== viewName()) return; // something else was chosen meanwhile
  layers.forEach((layer, index) => {
    layer.replaceChildren(...canvases.slice(index, index + 1));
    layer.firstElementChild?.setAttribute("role", "img");
    layer.firstElementChild?.setAttribute("aria-label", `${photograph.name}: ${VIEWS[view].labels[index]}`);
  });
  explored.aspect = photograph.width / photograph.height / BOX_ASPECT;
  viewer.dataset.shown = `${photograph.name} ${view}`;
  drawViewport();
}

function describe({ own, name, width, height, whole, quality, rank }) {
  const size = `${width} x ${height} pixels`;
  find("photo-name").textContent = own ? name : `Photograph ${name}`;
  find("photo-rank").textContent = !quality ? "" : `Gain ${signed(quality.network.psnr - quality.bicubic.psnr)}` + (own ? "." : `, rank ${rank} of ${photographs.length}.`);
  find("photo-note").textContent = own
    ? `Your own photograph, ${size}.${quality ? "" : " It has no ground truth, so there is neither gain nor error map."}`
    : whole
      ? `The whole photograph, ${size}.`
      : `The part of ${size} where bicubic interpolation has the largest error. The numbers are of the whole photograph.`;
  find("photo-quality").classList.toggle("empty", !quality);
  for (const cell of find("photo-quality").querySelectorAll("[data-method]")) {
    const { method, measure } = cell.dataset;
    const value = method === "gain" ? quality?.network[measure] - quality?.bicubic[measure] : quality?.[method][measure];
    cell.textContent = Number.isFinite(value) ? value.toFixed(measure === "psnr" ? 2 : 4) : "-";
  }
}

function showView() {
  const view = viewName();
  const { truth, quality } = explored.photograph;
  for (const input of find("photo-view").querySelectorAll("input")) {
    input.checked = input.value === view;
    input.disabled = !truth && input.value !== "compare";
  }
  viewer.classList.toggle("undivided", !isDivided());
  enable({ split: isDivided() });
  find("error-scale").hidden = view !== "errors";
  sides.forEach((side, index) => {
    const [name, number] = side.querySelectorAll("span");
    name.textContent = VIEWS[view].labels[index] ?? "";
    number.textContent = quality && view === "compare" ? ` ${quality[["bicubic", "network"][index]].psnr.toFixed(2)} dB` : "";
  });
  drawDivider();
  return showPictures();
}

function chooseView(view) {
  explored.view = view;
  find("photo-status").textContent = VIEWS[viewName()].labels.join(" beside ");
  return showView();
}

const toggleView = (view) => chooseView(viewName() === view ? "compare" : view);

// The choice.

function choosePhotograph(photograph, isFinal = true) {
  explored.photograph = photograph;
  find("photo-choice").value = entries().indexOf(photograph);
  for (const button of find("thumbnails").children) button.setAttribute("aria-pressed", String(button.photograph === photograph));
  markGain(explored.sorted, explored.sorted.indexOf(photograph));
  describe(photograph);
  if (isFinal) find("photo-status").textContent = `${find("photo-name").textContent}. ${find("photo-rank").textContent}`;
  return showView();
}

function stepPhotograph(by) {
  const all = entries();
  choosePhotograph(all[(all.indexOf(explored.photograph) + by + all.length) % all.length]);
}

function listPhotographs() {
  const order = find("photo-order");
  const key = ORDERS[order.value];
  explored.sorted = [...photographs].sort((a, b) => (key ? key(a) - key(b) : a.name.localeCompare(b.name, "en")));
  find("photo-choice").replaceChildren(
    ...entries().map(({ own, name, gain }, value) => make("option", { value, textContent: own ? "your own" : `${name} (${signed(gain)})` })),
  );
  find("photo-choice").value = entries().indexOf(explored.photograph);
  drawGains(explored.sorted, `sorted by ${order.selectedOptions[0].textContent}`);
  markGain(explored.sorted, explored.sorted.indexOf(explored.photograph));
}

function thumbnail(photograph, text) {
  const picture = make("img", { src: photograph.own ? photograph.network : photograph.truth, alt: `Photograph ${photograph.name}` });
  const button = make("button", { type: "button", photograph }, picture, text);
  button.addEventListener("click", () => choosePhotograph(photograph));
  return button;
}

// Adds the reader's own photograph, which replaces an earlier one, and shows it. `bicubic`, `network` and
// `truth` are addresses of pictures of `width` x `height` pixels; `truth` and `quality` may be null.
export function addPhotograph(photograph) {
  const { own: former } = explored;
  explored.own = { ...photograph, own: true };
  pictures.delete(former);
  [...find("thumbnails").children].find((button) => button.photograph === former)?.remove();
  find("thumbnails").append(thumbnail(explored.own, "your own photograph"));
  listPhotographs();
  return choosePhotograph(explored.own);
}

// Input of the reader.

followGestures(viewer, {
  grab(point) {
    if (isZoomed() && !isNearDivider(point)) return panBy;
    if (!isDivided()) return null;
    let share = explored.share; // may go beyond the ends; the divider then stays at the end
    return ({ x }) => {
      const [left, right] = visibleSpan(viewportShown(), explored.aspect);
      share += x / (right - left);
      moveDivider(share);
    };
  },
  click(point) {
    explored.shareBeforeClick = explored.share;
    if (isDivided()) moveDividerTo(point);
  },
  doubleClick(point) {
    moveDivider(explored.shareBeforeClick);
    zoomBy(2, point);
  },
  pinch(factor, point, moved) {
    panBy(moved);
    zoomBy(factor, point);
  },
});
viewer.addEventListener("pointermove", (event) => {
  if (event.buttons) return;
  const { left, width } = viewer.getBoundingClientRect();
  viewer.classList.toggle("near", isNearDivider({ x: (event.clientX - left) / width }));
});
viewer.addEventListener(
  "wheel",
  (event) => {
    if (!event.ctrlKey) return; // without Ctrl, the page scrolls
    event.preventDefault();
    const { left, top, width, height } = viewer.getBoundingClientRect();
    zoomBy(Math.exp(-event.deltaY / 300), { x: (event.clientX - left) / width, y: (event.clientY - top) / height });
  },
  { passive: false },
);

const arrow = (x, y) => () => (isZoomed() ? panBy({ x: -x / 10, y: -y / 10 }) : isDivided() && moveDivider(explored.share + x / 50));
const VIEWER_KEYS = { "+": () => zoomBy(ZOOM_STEP), "=": () => zoomBy(ZOOM_STEP), "-": () => zoomBy(1 / ZOOM_STEP), ArrowLeft: arrow(-1, 0), ArrowRight: arrow(1, 0), ArrowUp: arrow(0, -1), ArrowDown: arrow(0, 1) };
const EXPLORER_KEYS = {
  0: showWhole,
  t: () => toggleView("truth"),
  e: () => toggleView("errors"),
  n: () => stepPhotograph(1),
  p: () => stepPhotograph(-1),
  Escape: () => (viewName() === "compare" ? showWhole() : chooseView("compare")),
};
find("explorer").addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
  const scrolls = ["ArrowUp", "ArrowDown"].includes(event.key) && !isZoomed();
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = (event.target === viewer && !scrolls && VIEWER_KEYS[key]) || EXPLORER_KEYS[key];
  if (!action) return;
  event.preventDefault();
  action();
});

find("split").addEventListener("input", () => moveDivider(find("split").value / 100));
find("zoom-in").addEventListener("click", () => zoomBy(ZOOM_STEP));
find("zoom-out").addEventListener("click", () => zoomBy(1 / ZOOM_STEP));
find("zoom-reset").addEventListener("click", showWhole);
find("photo-view").addEventListener("change", (event) => chooseView(event.target.value));
find("photo-order").addEventListener("change", listPhotographs);
find("photo-choice").addEventListener("change", () => choosePhotograph(entries()[find("photo-choice").value]));
find("photo-back").addEventListener("click", () => stepPhotograph(-1));
find("photo-next").addEventListener("click", () => stepPhotograph(1));
followGains(() => explored.sorted, (index, isFinal) => choosePhotograph(explored.sorted[index], isFinal), () => explored.sorted.indexOf(explored.photograph));

find("explorer").hidden = false;
find("explorer").style.setProperty("--box-aspect", BOX_ASPECT);
find("error-colours").style.background = `linear-gradient(to right, ${data.superres.error_colours.map((rgb) => `rgb(${rgb})`)})`;
find("thumbnails").append(...photographs.filter(({ whole }) => whole).sort((a, b) => a.rank - b.rank).map((each) => thumbnail(each, signed(each.gain))));
listPhotographs();
new ResizeObserver(drawViewport).observe(viewer);
choosePhotograph(explored.photograph, false);
