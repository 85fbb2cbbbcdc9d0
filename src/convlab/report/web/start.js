// Starts the page, after all other parts.
import { applyTheme } from "./page.js";

applyTheme().then(() => {
  document.documentElement.dataset.ready = "yes";
});
