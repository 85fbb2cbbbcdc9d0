// The interactive parts of the report. `data` comes from Python; the plots are drawn by Vega-Lite.
const data = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// ---- colours ----------------------------------------------------------------------------------

const dark = matchMedia("(prefers-color-scheme: dark)");

function applyTheme() {
  const choice = find("theme").value;
  const isDark = choice === "dark" || (choice === "auto" && dark.matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  return drawAll();
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// ---- plots ------------------------------------------------------------------------------------

const views = {};

function plotStyle() {
  const text = { labelColor: colour("soft"), titleColor: colour("ink"), labelFontSize: 12, titleFontSize: 13 };
  return {
    background: null,
    font: "system-ui, sans-serif",
    view: { stroke: null },
    axis: { ...text, gridColor: colour("grid"), domainColor: colour("soft"), tickColor: colour("soft"), titleFontWeight: 500 },
    legend: { ...text, symbolType: "stroke", symbolStrokeWidth: 3, symbolSize: 400, labelFontSize: 13 },
  };
}

const pair = (names) => ({
  color: { field: "series", type: "nominal", title: null, scale: { domain: names, range: [colour("blue"), colour("orange")] }, legend: { orient: "top" } },
  strokeDash: { field: "series", type: "nominal", title: null, legend: { orient: "top" }, scale: { domain: names, range: [[1, 0], [6, 3]] } },
});

function lines(table, x, y, names) {
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

function long(table, x, columns) {
  return Object.entries(columns).flatMap(([series, column]) =>
    table[x].map((value, row) => ({ [x]: value, value: table[column][row], series })),
  );
}

const percent = { format: ".0%", title: "accuracy" };
const steps = { field: "step", title: "step (mini-batches)", axis: { labelOverlap: true, tickCount: 8, format: "~s" } };

const plots = {
  loss: () =>
    lines(
      long(data.digits.curve, "step", { CNN: "cnn_loss", MLP: "mlp_loss" }),
      { ...steps, scale: { type: "log", nice: false } },
      { field: "value", title: "cross-entropy (nats)" },
      ["CNN", "MLP"],
    ),
  accuracy: () =>
    lines(
      long(data.digits.curve, "step", { CNN: "cnn_accuracy", MLP: "mlp_accuracy" }),
      { ...steps, scale: { type: "log", nice: false } },
      { field: "value", title: percent.title, axis: { format: percent.format }, scale: { domain: [0, 1] } },
      ["CNN", "MLP"],
    ),
  shift: () =>
    lines(
      long(data.digits.shift, "shift", { CNN: "cnn", MLP: "mlp" }),
      { field: "shift", title: "shift (pixels)", axis: { tickMinStep: 1 } },
      { field: "value", title: percent.title, axis: { format: percent.format }, scale: { domain: [0, 1] } },
      ["CNN", "MLP"],
    ),
  confusion: (width) => {
    const values = data.digits.confusion.flatMap((row, label) =>
      row.map((count, prediction) => ({ label, prediction, count, correct: label === prediction })),
    );
    const side = (field) => ({ field, type: "ordinal", title: field, axis: { labelAngle: 0 } });
    return {
      data: { values },
      width: "container",
      height: Math.min(width, 480),
      encoding: {
        x: side("prediction"),
        y: side("label"),
        tooltip: ["label", "prediction", "count"].map((field) => ({ field, type: "quantitative" })),
      },
      layer: [
        {
          mark: "rect",
          encoding: {
            color: { field: "count", type: "quantitative", legend: null, scale: { type: "symlog", range: [colour("raised"), colour("blue")] } },
          },
        },
        {
          mark: { type: "text", fontSize: width < 420 ? 9 : 12 },
          transform: [{ filter: "datum.count > 0" }],
          encoding: {
            text: { field: "count", type: "quantitative" },
            color: { condition: { test: "datum.correct", value: colour("ground") }, value: colour("ink") },
          },
        },
      ],
    };
  },
  points: (width) => {
    const [xDomain, yDomain] = data.embedding.domain;
    const axis = (field, domain) => ({ field, type: "quantitative", axis: null, scale: { domain, nice: false, zero: false } });
    return {
      data: { name: "points", values: points() },
      width: Math.min(width, 640),
      height: Math.min(width, 640),
      layer: [
        {
          mark: { type: "point", size: 420, strokeWidth: 3, opacity: 1 },
          transform: [{ filter: "datum.selected" }],
          encoding: { x: axis("x", xDomain), y: axis("y", yDomain), color: { value: colour("orange") } },
        },
        {
          mark: { type: "text", fontSize: 13, fontWeight: 700, tooltip: null, cursor: "pointer" },
          encoding: {
            x: axis("x", xDomain),
            y: axis("y", yDomain),
            text: { field: "digit", type: "nominal" },
            description: { field: "description", type: "nominal" },
            color: {
              field: "digit", type: "ordinal", legend: null,
              scale: { domain: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], range: classColours() },
            },
          },
        },
      ],
      config: { view: { stroke: colour("line") } },
    };
  },
  gains: () => {
    const bars = { field: "rank", type: "ordinal", axis: null, scale: { paddingInner: 0.2 } };
    return {
      data: { name: "gains", values: gains() },
      width: "container",
      height: 220,
      layer: [
        {
          mark: { type: "bar", cursor: "pointer" },
          encoding: {
            x: bars,
            y: { field: "gain", type: "quantitative", title: "gain (dB)" },
            color: { condition: { test: "datum.selected", value: colour("orange") }, value: colour("blue") },
          },
        },
        {
          // As high as the plot, so that short bars can be clicked, too.
          mark: { type: "bar", opacity: 0, tooltip: { signal: "datum.name + ': ' + format(datum.gain, '.2f') + ' dB'" }, cursor: "pointer" },
          encoding: { x: bars, y: { value: 0 }, y2: { value: "height" } },
        },
      ],
    };
  },
};

for (const [scale, curve] of Object.entries(data.superres.curves)) {
  plots[`validation_${scale}`] = () =>
    lines(
      long(curve, "step", { network: "validation_psnr", bicubic: "bicubic_psnr" }),
      steps,
      { field: "value", title: "PSNR (dB)", scale: { zero: false } },
      ["network", "bicubic"],
    );
}

function classColours() {
  const light = document.documentElement.dataset.theme === "light";
  return data.embedding.colours[light ? "light" : "dark"];
}

async function draw(element) {
  const name = element.dataset.chart;
  const spec = { $schema: "https://vega.github.io/schema/vega-lite/v6.json", ...plots[name](element.clientWidth) };
  spec.config = { ...plotStyle(), ...spec.config };
  spec.autosize = { type: "fit", contains: "padding" };
  spec.description = element.closest("figure")?.querySelector("figcaption")?.textContent ?? "Test digits in the plane";
  const theme = document.documentElement.dataset.theme === "dark" ? "dark" : undefined;
  const { view } = await vegaEmbed(element, spec, { actions: false, renderer: "svg", ast: false, tooltip: { theme } });
  views[name]?.finalize();
  views[name] = view;
  if (name === "points") {
    view.addEventListener("mouseover", (_, item) => item?.datum?.index !== undefined && selectDigit(item.datum.index));
    view.addEventListener("click", (_, item) => item?.datum?.index !== undefined && selectDigit(item.datum.index));
  }
  if (name === "gains") {
    view.addEventListener("click", (_, item) => item?.datum?.index !== undefined && showPart(item.datum.index));
  }
}

const drawAll = () => Promise.all([...document.querySelectorAll(".chart")].map(draw));

let drawnWidth = innerWidth;
let timer;
addEventListener("resize", () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (innerWidth !== drawnWidth) drawAll(); // the height of square plots depends on the width
    drawnWidth = innerWidth;
  }, 200);
});

function update(name, values) {
  const view = views[name];
  if (view) view.data(name, values).runAsync();
}

// ---- choices ----------------------------------------------------------------------------------

function choose(fieldset, names, show, picture) {
  names.forEach((name, index) => {
    const input = make("input", { type: "radio", name: fieldset.id, value: index, checked: index === 0 });
    input.addEventListener("change", () => show(index));
    fieldset.append(make("label", {}, input, ...(picture ? [make("img", { src: picture(index), alt: "", className: "pixels" })] : []), String(name)));
  });
  show(0);
}

// ---- digits -----------------------------------------------------------------------------------

const { examples, maps, fields } = data.digits;

function showMaps() {
  const show = (digit) =>
    find("maps").replaceChildren(
      ...maps.map(({ text, images }) =>
        make("figure", {}, make("img", { src: images[digit], alt: `Feature maps of a ${digit}`, className: "pixels" }), make("figcaption", { textContent: text })),
      ),
    );
  choose(find("map-choice"), examples.map((_, digit) => digit), show, (digit) => examples[digit]);
}

function showFields() {
  find("field").querySelector("image").setAttribute("href", examples[5]);
  const show = (index) => {
    const { layer, left: x, top: y, width, height } = fields[index];
    const square = find("field").querySelector("rect");
    Object.entries({ x, y, width, height }).forEach(([name, value]) => square.setAttribute(name, value));
    const unit = layer === "scores" ? "The ten scores depend" : `The unit in the middle of the output of ${layer} depends`;
    find("field-text").textContent = `${unit} on ${width * height < 28 * 28 ? `${height} x ${width} pixels` : "the whole digit"}.`;
  };
  choose(find("field-choice"), fields.map(({ layer }) => layer), show);
}

// A network without convolutions has neither.
if (maps.length) showMaps();
if (fields.length) showFields();

// ---- embedding --------------------------------------------------------------------------------

const shown = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
let selected = null;

function points() {
  const frame = data.embedding.frames[find("snapshot").value];
  return frame
    .map(([x, y], index) => {
      const digit = data.embedding.labels[index];
      return { x, y, index, digit, description: `Test digit ${index}: a ${digit}`, selected: index === selected };
    })
    .filter((row) => shown.has(row.digit));
}

function selectDigit(index) {
  if (index === selected) return;
  selected = index;
  const { labels, predictions, sheet, columns } = data.embedding;
  const zoom = 4;
  const rows = Math.ceil(labels.length / columns);
  Object.assign(find("selected").style, {
    backgroundImage: `url(${sheet})`,
    backgroundSize: `${columns * 28 * zoom}px ${rows * 28 * zoom}px`,
    backgroundPosition: `-${(index % columns) * 28 * zoom}px -${Math.floor(index / columns) * 28 * zoom}px`,
  });
  find("selected").hidden = false;
  find("selected").setAttribute("aria-label", `A handwritten ${labels[index]}`);
  find("selected-text").textContent = `Test digit ${index}: label ${labels[index]}, prediction ${predictions[index]}${labels[index] === predictions[index] ? "" : " (wrong)"} at the end of the training.`;
  update("points", points());
}

function stepDigit(by) {
  const indices = points().map((row) => row.index);
  if (!indices.length) return;
  const place = indices.indexOf(selected);
  selectDigit(indices[place < 0 ? 0 : (place + by + indices.length) % indices.length]);
}

find("digit-next").addEventListener("click", () => stepDigit(1));
find("digit-back").addEventListener("click", () => stepDigit(-1));

function showSnapshot() {
  const snapshot = find("snapshot").value;
  find("snapshot-text").textContent = `step ${data.embedding.steps[snapshot].toLocaleString("en")}: ${(100 * data.embedding.accuracies[snapshot]).toFixed(1)} % test accuracy`;
  find("snapshot").setAttribute("aria-valuetext", find("snapshot-text").textContent);
  update("points", points());
}
find("snapshot").addEventListener("input", showSnapshot);
showSnapshot();

for (const digit of shown) {
  const input = make("input", { type: "checkbox", checked: true, value: digit });
  input.addEventListener("change", () => {
    if (input.checked) shown.add(digit);
    else shown.delete(digit);
    update("points", points());
  });
  find("classes").append(make("label", {}, input, String(digit)));
}

// ---- one photograph -----------------------------------------------------------------------------

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

// ---- all photographs ----------------------------------------------------------------------------

let part = data.superres.rows.findIndex((row) => row.rank === 1);

function inOrder() {
  const key = find("gain-order").value;
  const rows = data.superres.rows.map((row, index) => ({ ...row, index }));
  return rows.sort((a, b) => (key === "name" ? a.name.localeCompare(b.name, "en") : b[key] - a[key]));
}

function gains() {
  return inOrder().map(({ name, gain, index }, rank) => ({ name, gain, index, rank, selected: index === part }));
}

function showPart(index) {
  part = index;
  const row = data.superres.rows[index];
  find("part-choice").value = index;
  const captions = {
    truth: "ground truth",
    bicubic: `bicubic; the whole photograph: ${row.bicubic.toFixed(2)} dB`,
    network: `network; the whole photograph: ${row.network.toFixed(2)} dB`,
  };
  Object.entries(captions).forEach(([name, text], place) => {
    const figure = find("parts").children[place];
    Object.assign(figure.querySelector("img"), { src: row.part[name], alt: `Part of photograph ${row.name}: ${name === "truth" ? "ground truth" : name}` });
    figure.querySelector("figcaption").textContent = text;
  });
  update("gains", gains());
}

function listParts() {
  find("part-choice").replaceChildren(
    ...inOrder().map(({ name, gain, index }) => make("option", { value: index, textContent: `${name} (${gain >= 0 ? "+" : ""}${gain.toFixed(2)} dB)` })),
  );
  showPart(part);
}

function stepPart(by) {
  const order = inOrder().map((row) => row.index);
  showPart(order[(order.indexOf(part) + by + order.length) % order.length]);
}

find("gain-order").addEventListener("change", listParts);
find("part-choice").addEventListener("change", () => showPart(Number(find("part-choice").value)));
find("part-next").addEventListener("click", () => stepPart(1));
find("part-back").addEventListener("click", () => stepPart(-1));

// ---- pixel shuffle ------------------------------------------------------------------------------

const shuffle = data.superres.shuffle;
if (shuffle) {
  const scale = data.superres.scale;
  const stages = [
    [[shuffle.low], 1, "A part of the downscaled picture, the network's input."],
    [shuffle.channels, scale, `The network's ${scale ** 2} channels for that part, each in its own colour.`],
    [[shuffle.interleaved], 1, `Interleaved: each of ${scale} x ${scale} pixels comes from another channel.`],
    [[shuffle.shuffled], 1, "The same in grey: the output of the last layer. Dark is negative, bright is positive."],
    [[shuffle.bicubic, shuffle.network], 2, "The part upscaled by bicubic interpolation, and by the network."],
    [[shuffle.network, shuffle.truth], 2, "The part upscaled by the network, and the ground truth."],
  ];
  const show = () => {
    const [pictures, columns, text] = stages[find("shuffle").value];
    find("shuffle-pictures").style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
    find("shuffle-pictures").replaceChildren(...pictures.map((src) => make("img", { src, alt: "" })));
    find("shuffle-text").textContent = text;
    find("shuffle").setAttribute("aria-valuetext", text);
  };
  find("shuffle").addEventListener("input", show);
  show();
}

// ---- start --------------------------------------------------------------------------------------

find("theme").addEventListener("change", applyTheme);
dark.addEventListener("change", applyTheme);
new ResizeObserver(applyViewport).observe(viewer);
listParts();
await applyTheme();
showPhoto();
document.documentElement.dataset.ready = "yes";
