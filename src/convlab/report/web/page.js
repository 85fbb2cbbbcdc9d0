// What all parts of the page have in common: the data from Python, elements, themes, choices.
export const data = JSON.parse(document.getElementById("data").textContent);
export const find = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export async function loadPicture(source) {
  const picture = make("img", { src: source });
  await picture.decode();
  return picture;
}

// A canvas with the picture, to read its pixels.
export function copyToCanvas(picture) {
  const { naturalWidth: width, naturalHeight: height } = picture;
  const context = make("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  return context;
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const rootElement = document.documentElement;
const onTheme = [];
let printing = false; // the page is printed in light colours

// Calls a function at the start and whenever the theme changes, also before printing. When the
// function returns, everything must have been drawn, or it is not printed.
export function whenThemed(draw) {
  onTheme.push(draw);
}

export const isDark = () => rootElement.dataset.theme === "dark";

export function applyTheme() {
  const choice = find("theme").value;
  const wantsDark = choice === "dark" || (choice === "auto" && dark.matches);
  rootElement.dataset.theme = wantsDark && !printing ? "dark" : "light";
  return Promise.all(onTheme.map((draw) => draw()));
}

function rememberTheme() {
  try {
    localStorage.setItem("convlab-theme", find("theme").value);
  } catch {
    // A page opened from a file may have no storage.
  }
}

find("theme").value = rootElement.dataset.choice;
find("theme").addEventListener("change", rememberTheme);
find("theme").addEventListener("change", applyTheme);
dark.addEventListener("change", applyTheme);
for (const event of ["beforeprint", "afterprint"]) {
  addEventListener(event, () => {
    printing = event === "beforeprint";
    if (find("theme").value === "dark" || dark.matches) applyTheme();
  });
}

export function colour(name) {
  return getComputedStyle(rootElement).getPropertyValue(`--${name}`).trim();
}

export function choose(fieldset, names, show, picture) {
  names.forEach((name, index) => {
    const input = make("input", { type: "radio", name: fieldset.id, value: index, checked: index === 0 });
    input.addEventListener("change", () => show(index));
    fieldset.append(make("label", {}, input, ...(picture ? [make("img", { src: picture(index), alt: "", className: "pixels" })] : []), String(name)));
  });
  show(0);
}
