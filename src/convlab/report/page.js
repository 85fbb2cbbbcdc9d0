// What moves in the report. `data` is what the Python side found; the plots are Vega-Lite's.
const data = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// ---- colours ----------------------------------------------------------------------------------

const dark = matchMedia("(prefers-color-scheme: dark)");

function paint() {
  const wanted = find("theme").value;
  const night = wanted === "dark" || (wanted === "auto" && dark.matches);
  document.documentElement.dataset.theme = night ? "dark" : "light";
  return drawAll();
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// ---- plots ------------------------------------------------------------------------------------

const views = {};

function look() {
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
  color: { field: "of", type: "nominal", title: null, scale: { domain: names, range: [colour("blue"), colour("orange")] }, legend: { orient: "top" } },
  strokeDash: { field: "of", type: "nominal", title: null, legend: { orient: "top" }, scale: { domain: names, range: [[1, 0], [6, 3]] } },
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
        { field: "of", type: "nominal", title: "network" },
        { field: x.field, type: "quantitative", title: x.field },
        { field: y.field, type: "quantitative", title: y.title, format: y.axis?.format ? ".2%" : ".4f" },
      ],
    },
  };
}

function long(table, x, columns) {
  return Object.entries(columns).flatMap(([of, column]) =>
    table[x].map((value, row) => ({ [x]: value, value: table[column][row], of })),
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
    const values = data.digits.confusion.flatMap((row, actual) =>
      row.map((count, predicted) => ({ actual, predicted, count, right: actual === predicted })),
    );
    const side = (field) => ({ field, type: "ordinal", title: field, axis: { labelAngle: 0 } });
    return {
      data: { values },
      width: "container",
      height: Math.min(width, 480),
      encoding: {
        x: side("predicted"),
        y: side("actual"),
        tooltip: ["actual", "predicted", "count"].map((field) => ({ field, type: "quantitative" })),
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
            color: { condition: { test: "datum.right", value: colour("ground") }, value: colour("ink") },
          },
        },
      ],
    };
  },
  points: (width) => {
    const [right, up] = data.embedding.domain;
    const place = (field, domain) => ({ field, type: "quantitative", axis: null, scale: { domain, nice: false, zero: false } });
    return {
      data: { name: "points", values: points() },
      width: Math.min(width, 640),
      height: Math.min(width, 640),
      layer: [
        {
          mark: { type: "point", size: 420, strokeWidth: 3, opacity: 1 },
          transform: [{ filter: "datum.chosen" }],
          encoding: { x: place("x", right), y: place("y", up), color: { value: colour("orange") } },
        },
        {
          mark: { type: "text", fontSize: 13, fontWeight: 700, tooltip: null, cursor: "pointer" },
          encoding: {
            x: place("x", right),
            y: place("y", up),
            text: { field: "digit", type: "nominal" },
            description: { field: "said", type: "nominal" },
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
  validation: () =>
    lines(
      long(data.photographs.curve, "step", { network: "validation_psnr", bicubic: "bicubic_psnr" }),
      steps,
      { field: "value", title: "PSNR (dB)", scale: { zero: false } },
      ["network", "bicubic"],
    ),
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
            color: { condition: { test: "datum.chosen", value: colour("orange") }, value: colour("blue") },
          },
        },
        {
          // As high as the plot, so that a short bar can be hit, too.
          mark: { type: "bar", opacity: 0, tooltip: { signal: "datum.name + ': ' + format(datum.gain, '.2f') + ' dB'" }, cursor: "pointer" },
          encoding: { x: bars, y: { value: 0 }, y2: { value: "height" } },
        },
      ],
    };
  },
};

function classColours() {
  const light = document.documentElement.dataset.theme === "light";
  return data.embedding.colours[light ? "light" : "dark"];
}

async function draw(place) {
  const name = place.dataset.chart;
  const spec = { $schema: "https://vega.github.io/schema/vega-lite/v6.json", ...plots[name](place.clientWidth) };
  spec.config = { ...look(), ...spec.config };
  spec.autosize = { type: "fit", contains: "padding" };
  spec.description = place.closest("figure")?.querySelector("figcaption")?.textContent ?? "Digits in the plane";
  const theme = document.documentElement.dataset.theme === "dark" ? "dark" : undefined;
  const { view } = await vegaEmbed(place, spec, { actions: false, renderer: "svg", ast: false, tooltip: { theme } });
  views[name]?.finalize();
  views[name] = view;
  if (name === "points") {
    view.addEventListener("mouseover", (_, item) => item?.datum?.index !== undefined && point(item.datum.index));
    view.addEventListener("click", (_, item) => item?.datum?.index !== undefined && point(item.datum.index));
  }
  if (name === "gains") {
    view.addEventListener("click", (_, item) => item?.datum?.index !== undefined && showPart(item.datum.index));
  }
}

const drawAll = () => Promise.all([...document.querySelectorAll(".chart")].map(draw));

let drawnAt = innerWidth;
let waiting;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    if (innerWidth !== drawnAt) drawAll(); // square plots are as high as they are wide
    drawnAt = innerWidth;
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

const SHAPES = data.digits.networks.CNN.filter(({ name, side }) => side && /ReLU|pooling/.test(name)).map(({ shape }) => shape);
const LAYERS = ["first convolution and ReLU", "first pooling", "second convolution and ReLU", "second pooling"].map(
  (name, layer) => `After the ${name}: ${SHAPES[layer]}`,
);
LAYERS[LAYERS.length - 1] += `. These ${data.embedding.width.toLocaleString("en")} numbers are the embedding`;

choose(
  find("map-choice"),
  data.digits.maps.map((_, digit) => digit),
  (digit) =>
    find("maps").replaceChildren(
      ...data.digits.maps[digit].layers.map((src, layer) =>
        make("figure", {}, make("img", { src, alt: `Feature maps of a ${digit}`, className: "pixels" }), make("figcaption", { textContent: LAYERS[layer] })),
      ),
    ),
  (digit) => data.digits.maps[digit].image,
);

find("field").querySelector("image").setAttribute("href", data.digits.maps[5].image);
const UNITS = ["first convolution", "first pooling", "second convolution", "second pooling", "scores"];
choose(find("field-choice"), UNITS, (index) => {
  const { size, start } = data.digits.fields[index];
  const box = find("field").querySelector("rect");
  Object.entries({ x: start, y: start, width: size, height: size }).forEach(([name, value]) => box.setAttribute(name, value));
  find("field-text").textContent =
    size < 28
      ? `One unit in the middle of what the ${UNITS[index]} gives sees ${size} x ${size} pixels.`
      : "Each of the ten scores sees the whole digit.";
});

// ---- embedding --------------------------------------------------------------------------------

const shown = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
let pointed = null;

function points() {
  const frame = data.embedding.frames[find("moment").value];
  return frame
    .map(([x, y], index) => {
      const digit = data.embedding.digits[index];
      return { x, y, index, digit, said: `Test digit ${index}: a ${digit}`, chosen: index === pointed };
    })
    .filter((row) => shown.has(row.digit));
}

function point(index) {
  if (index === pointed) return;
  pointed = index;
  const { digits, predicted, sheet, columns } = data.embedding;
  const zoom = 4;
  const rows = Math.ceil(digits.length / columns);
  Object.assign(find("pointed").style, {
    backgroundImage: `url(${sheet})`,
    backgroundSize: `${columns * 28 * zoom}px ${rows * 28 * zoom}px`,
    backgroundPosition: `-${(index % columns) * 28 * zoom}px -${Math.floor(index / columns) * 28 * zoom}px`,
  });
  find("pointed").hidden = false;
  find("pointed").setAttribute("aria-label", `A handwritten ${digits[index]}`);
  find("pointed-text").textContent = `Test digit ${index}: a ${digits[index]}, read as ${predicted[index]}${digits[index] === predicted[index] ? "" : " (wrong)"} at the end of the training.`;
  update("points", points());
}

function stepPoint(by) {
  const rows = points().map((row) => row.index);
  if (!rows.length) return;
  const place = rows.indexOf(pointed);
  point(rows[place < 0 ? 0 : (place + by + rows.length) % rows.length]);
}

find("point-on").addEventListener("click", () => stepPoint(1));
find("point-back").addEventListener("click", () => stepPoint(-1));

function showMoment() {
  const moment = find("moment").value;
  find("moment-text").textContent = `step ${data.embedding.steps[moment].toLocaleString("en")}: ${(100 * data.embedding.accuracies[moment]).toFixed(1)} % of all test digits right`;
  find("moment").setAttribute("aria-valuetext", find("moment-text").textContent);
  update("points", points());
}
find("moment").addEventListener("input", showMoment);
showMoment();

for (const digit of shown) {
  const input = make("input", { type: "checkbox", checked: true, value: digit });
  input.addEventListener("change", () => {
    if (input.checked) shown.add(digit);
    else shown.delete(digit);
    update("points", points());
  });
  find("classes").append(make("label", {}, input, String(digit)));
}

// ---- one photograph, closely --------------------------------------------------------------------

const viewer = find("viewer");
const layer = (name) => viewer.querySelector(`[data-layer=${name}]`);
const lens = { zoom: 1, x: 0, y: 0 };
let photo = data.photographs.gallery[0];

function move() {
  const { clientWidth: width, clientHeight: height } = viewer;
  lens.x = Math.min(0, Math.max(lens.x, width * (1 - lens.zoom)));
  lens.y = Math.min(0, Math.max(lens.y, height * (1 - lens.zoom)));
  viewer.classList.toggle("zoomed", lens.zoom > 1);
  for (const image of viewer.querySelectorAll("img")) {
    image.style.transform = `translate(${lens.x}px, ${lens.y}px) scale(${lens.zoom})`;
    image.style.imageRendering = (lens.zoom * width) / photo.width > 2 ? "pixelated" : "auto";
  }
}

function zoom(factor, x = viewer.clientWidth / 2, y = viewer.clientHeight / 2) {
  const before = lens.zoom;
  lens.zoom = Math.min(12, Math.max(1, before * factor));
  const ratio = lens.zoom / before;
  lens.x = x - ratio * (x - lens.x);
  lens.y = y - ratio * (y - lens.y);
  move();
}

function pan(right, down) {
  lens.x += right;
  lens.y += down;
  move();
}

function split() {
  const share = find("split").value;
  const truth = pressed("show-truth");
  layer("network").style.clipPath = `inset(0 0 0 ${share}%)`;
  find("divider").style.left = `${share}%`;
  find("divider").hidden = truth;
  find("split").setAttribute("aria-valuetext", `${share} % bicubic, ${100 - share} % network`);
  const said = (name) => `${name} ${photo.quality[name].psnr.toFixed(2)} dB`;
  find("tag-left").textContent = truth ? "truth" : said("bicubic");
  find("tag-right").textContent = said("network");
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
    `Photograph ${photo.name}, rank ${photo.rank} of ${data.photographs.rows.length} by gain: bicubic ${photo.quality.bicubic.psnr.toFixed(2)} dB and SSIM ${photo.quality.bicubic.ssim.toFixed(4)}, ` +
    `network ${photo.quality.network.psnr.toFixed(2)} dB and ${photo.quality.network.ssim.toFixed(4)}.` +
    (errors && !truth ? ` Shown are the errors of luminance, ${data.photographs.loud} times as bright.` : "");
  split();
  move();
}

data.photographs.gallery.forEach((each, index) => {
  const button = make("button", { type: "button" }, make("img", { src: each.truth, alt: `Photograph ${each.name}` }), `${each.gain >= 0 ? "+" : ""}${each.gain.toFixed(2)} dB`);
  button.setAttribute("aria-pressed", String(index === 0));
  button.addEventListener("click", () => {
    for (const other of find("photo-choice").children) other.setAttribute("aria-pressed", String(other === button));
    photo = each;
    Object.assign(lens, { zoom: 1, x: 0, y: 0 });
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
  const act = KEYS[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.startsWith("Arrow") && lens.zoom === 1) return; // the page scrolls
  event.preventDefault();
  act();
});
find("closely").addEventListener("keydown", (event) => {
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
  const start = { x: event.clientX - lens.x, y: event.clientY - lens.y };
  const moveDivider = (moved) => {
    find("split").value = (100 * (moved.clientX - left)) / width;
    split();
  };
  const movePhoto = (moved) => {
    Object.assign(lens, { x: moved.clientX - start.x, y: moved.clientY - start.y });
    move();
  };
  // A whole photograph cannot be moved, so a drag anywhere takes the divider along.
  const drag = lens.zoom === 1 || Math.abs(event.clientX - divider) < 16 ? moveDivider : movePhoto;
  viewer.addEventListener("pointermove", drag);
  viewer.addEventListener("lostpointercapture", () => viewer.removeEventListener("pointermove", drag), { once: true });
});

// ---- every photograph ---------------------------------------------------------------------------

let part = data.photographs.rows.findIndex((row) => row.rank === 1);

function inOrder() {
  const key = find("gain-order").value;
  const rows = data.photographs.rows.map((row, index) => ({ ...row, index }));
  return rows.sort((a, b) => (key === "name" ? a.name.localeCompare(b.name, "en") : b[key] - a[key]));
}

function gains() {
  return inOrder().map(({ name, gain, index }, rank) => ({ name, gain, index, rank, chosen: index === part }));
}

function showPart(index) {
  part = index;
  const row = data.photographs.rows[index];
  find("part-choice").value = index;
  const said = {
    truth: "truth",
    bicubic: `bicubic; the whole photograph: ${row.bicubic.toFixed(2)} dB`,
    network: `network; the whole photograph: ${row.network.toFixed(2)} dB`,
  };
  Object.entries(said).forEach(([name, text], place) => {
    const figure = find("parts").children[place];
    Object.assign(figure.querySelector("img"), { src: row.part[name], alt: `Part of photograph ${row.name}: ${name}` });
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
find("part-on").addEventListener("click", () => stepPart(1));
find("part-back").addEventListener("click", () => stepPart(-1));

// ---- pixel shuffle ------------------------------------------------------------------------------

const shuffle = data.photographs.shuffle;
if (shuffle) {
  const scale = data.photographs.scale;
  const stages = [
    [[shuffle.low], 1, "A part of the small picture, as the network gets it."],
    [shuffle.channels, scale, `The last convolution's ${scale ** 2} channels for that part, each in a colour of its own.`],
    [[shuffle.laid], 1, `Laid out: of every ${scale} x ${scale} pixels, each comes from another channel.`],
    [[shuffle.shuffled], 1, "The same in grey: this is what the last layer gives, dark below zero, bright above."],
    [[shuffle.bicubic, shuffle.network], 2, "Bicubic interpolation of the part, and what the network makes of it."],
    [[shuffle.network, shuffle.truth], 2, "What the network makes of it, and the truth."],
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

// ---- begin --------------------------------------------------------------------------------------

find("theme").addEventListener("change", paint);
dark.addEventListener("change", paint);
new ResizeObserver(move).observe(viewer);
listParts();
await paint();
showPhoto();
document.documentElement.dataset.ready = "yes";
