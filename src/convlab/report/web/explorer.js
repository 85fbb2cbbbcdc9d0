// A stub: the explorer replaces it.
import { find } from "./page.js";

export function addPhotograph({ bicubic, network }) {
  find("viewer").querySelector("[data-layer=bicubic] img").src = bicubic;
  find("viewer").querySelector("[data-layer=network] img").src = network;
}
