// A photograph: bicubic beside network.
import { data, find, make } from "./page.js";
import { lines, long, plot, steps } from "./plots.js";

for (const [scale, curve] of Object.entries(data.superres.curves)) {
  plot(`validation_${scale}`, () =>
    lines(
      long(curve, "step", { network: "validation_psnr", bicubic: "bicubic_psnr" }),
      steps,
      { field: "value", title: "PSNR (dB)", scale: { zero: false } },
      ["network", "bicubic"],
    ),
  );
}

const viewer = find("viewer");
const layer = (name) => viewer.querySelector(`[data-layer=${name}]`);
const viewport = { zoom: 1, x: 0, y: 0 };
let photo = data.superres.gallery[0];

function applyViewport() {
  const { clientWidth: width, clientHeight: height } = viewer;
  viewport.x = Math.min(0, Math.max(viewport.x, width * (1 - viewport.zoom)));
  viewport.y = Math.min(0, Math.max(viewport.y, height * (1 - viewport.zoom)));
  viewer.classList.toggle("zoomed", viewport.zoom > 1);
  for (const image of viewer.querySelectorAll("img")) {
    image.style.transform = `translate(${viewport.x}px, ${viewport.y}px) scale(${viewport.zoom})`;
    image.style.imageRendering = (viewport.zoom * width) / photo.width > 2 ? "pixelated" : "auto";
  }
}

function zoom(factor, x = viewer.clientWidth / 2, y = viewer.clientHeight / 2) {
  const before = viewport.zoom;
  viewport.zoom = Math.min(12, Math.max(1, before * factor));
  const ratio = viewport.zoom / before;
  viewport.x = x - ratio * (x - viewport.x);
  viewport.y = y - ratio * (y - viewport.y);
  applyViewport();
}

function pan(right, down) {
  viewport.x += right;
  viewport.y += down;
  applyViewport();
}

function split() {
  const share = find("split").value;
  const truth = pressed("show-truth");
  layer("network").style.clipPath = `inset(0 0 0 ${share}%)`;
  find("divider").style.left = `${share}%`;
  find("divider").hidden = truth;
  find("split").setAttribute("aria-valuetext", `${share} % bicubic, ${100 - share} % network`);
  const label = (name) => `${name} ${photo.quality[name].psnr.toFixed(2)} dB`;
  find("tag-left").textContent = truth ? "ground truth" : label("bicubic");
  find("tag-right").textContent = label("network");
  find("tag-left").hidden = !truth && share < 5;
  find("tag-right").hidden = truth || share > 95;
}

const pressed = (id) => find(id).getAttribute("aria-pressed") === "true";
const press = (id, on) => find(id).setAttribute("aria-pressed", String(on));

function showPhoto() {
  const errors = pressed("show-errors");
  const truth = pressed("show-truth");
  viewer.style.setProperty("--aspect", photo.width / photo.height);
  for (const name of ["bicubic", "network"]) {
    layer(name).firstElementChild.src = photo[errors ? `${name}_error` : name];
  }
  layer("truth").firstElementChild.src = photo.truth;
  layer("truth").hidden = !truth;
  find("photo-text").textContent =
    `Photograph ${photo.name}, rank ${photo.rank} of ${data.superres.rows.length} by gain: bicubic ${photo.quality.bicubic.psnr.toFixed(2)} dB and SSIM ${photo.quality.bicubic.ssim.toFixed(4)}, ` +
    `network ${photo.quality.network.psnr.toFixed(2)} dB and ${photo.quality.network.ssim.toFixed(4)}.` +
    (errors && !truth ? ` The pictures show the errors of luminance, ${data.superres.error_gain} times as bright.` : "");
  split();
  applyViewport();
}

data.superres.gallery.forEach((each, index) => {
  const button = make("button", { type: "button" }, make("img", { src: each.truth, alt: `Photograph ${each.name}` }), `${each.gain >= 0 ? "+" : ""}${each.gain.toFixed(2)} dB`);
  button.setAttribute("aria-pressed", String(index === 0));
  button.addEventListener("click", () => {
    for (const other of find("photo-choice").children) other.setAttribute("aria-pressed", String(other === button));
    photo = each;
    Object.assign(viewport, { zoom: 1, x: 0, y: 0 });
    showPhoto();
  });
  find("photo-choice").append(button);
});

find("split").addEventListener("input", split);
find("zoom-in").addEventListener("click", () => zoom(1.5));
find("zoom-out").addEventListener("click", () => zoom(1 / 1.5));
find("zoom-reset").addEventListener("click", () => zoom(0.001));
for (const id of ["show-truth", "show-errors"]) {
  find(id).addEventListener("click", () => {
    press(id, !pressed(id));
    showPhoto();
  });
}

const KEYS = {
  "+": () => zoom(1.5),
  "=": () => zoom(1.5),
  "-": () => zoom(1 / 1.5),
  ArrowLeft: () => pan(40, 0),
  ArrowRight: () => pan(-40, 0),
  ArrowUp: () => pan(0, 40),
  ArrowDown: () => pan(0, -40),
};
viewer.addEventListener("keydown", (event) => {
  const action = KEYS[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.startsWith("Arrow") && viewport.zoom === 1) return; // the page scrolls
  event.preventDefault();
  action();
});
find("comparison").addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "t" || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  press("show-truth", !pressed("show-truth"));
  showPhoto();
});
viewer.addEventListener(
  "wheel",
  (event) => {
    if (!event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    const { left, top } = viewer.getBoundingClientRect();
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.clientX - left, event.clientY - top);
  },
  { passive: false },
);
viewer.addEventListener("pointerdown", (event) => {
  viewer.setPointerCapture(event.pointerId);
  const { left, width } = viewer.getBoundingClientRect();
  const divider = left + (width * find("split").value) / 100;
  const start = { x: event.clientX - viewport.x, y: event.clientY - viewport.y };
  const moveDivider = (moved) => {
    find("split").value = (100 * (moved.clientX - left)) / width;
    split();
  };
  const movePhoto = (moved) => {
    Object.assign(viewport, { x: moved.clientX - start.x, y: moved.clientY - start.y });
    applyViewport();
  };
  // A whole photograph cannot be moved, so a drag anywhere moves the divider.
  const drag = viewport.zoom === 1 || Math.abs(event.clientX - divider) < 16 ? moveDivider : movePhoto;
  viewer.addEventListener("pointermove", drag);
  viewer.addEventListener("lostpointercapture", () => viewer.removeEventListener("pointermove", drag), { once: true });
});

new ResizeObserver(applyViewport).observe(viewer);
showPhoto();
