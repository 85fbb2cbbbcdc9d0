// Starts the page, after all other parts.
import { applyTheme } from "./page.js";

await applyTheme();
document.documentElement.dataset.ready = "yes";
