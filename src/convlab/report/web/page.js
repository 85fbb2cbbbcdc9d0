// What all parts of the page share: the data from Python, elements, themes, choices.
export const data = JSON.parse(document.getElementById("data").textContent);
export const find = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const onTheme = [];

// Calls a function whenever the theme changes.
export function whenThemed(draw) {
  onTheme.push(draw);
}

export function isDark() {
  const choice = find("theme").value;
  return choice === "dark" || (choice === "auto" && dark.matches);
}

export function applyTheme() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  return Promise.all(onTheme.map((draw) => draw()));
}

find("theme").addEventListener("change", applyTheme);
dark.addEventListener("change", applyTheme);

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function choose(fieldset, names, show, picture) {
  names.forEach((name, index) => {
    const input = make("input", { type: "radio", name: fieldset.id, value: index, checked: index === 0 });
    input.addEventListener("change", () => show(index));
    fieldset.append(make("label", {}, input, ...(picture ? [make("img", { src: picture(index), alt: "", className: "pixels" })] : []), String(name)));
  });
  show(0);
}
