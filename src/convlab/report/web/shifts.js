// The predictions of a network for a picture shifted by whole pixels.
import { inPieces } from "./idle.js";
import { make } from "./page.js";
import { shiftByPixels } from "./mnist.js";

export const MAX_SHIFT = 4;
const SHIFTS = Array.from({ length: 2 * MAX_SHIFT + 1 }, (_, index) => index - MAX_SHIFT);
const PLACES = SHIFTS.flatMap((down) => SHIFTS.map((right) => ({ down, right })));

// A cell for each shift. `predict` gives a network's prediction for a picture; `choose` is called with the shift of the
// cell under the pointer.
export function makeShifts(grid, name, predict, choose) {
  const cells = PLACES.map(() => make("span"));
  grid.append(...cells);
  let asked = 0;

  function forget() {
    asked++;
    grid.classList.add("stale");
  }

  function fill(digits, unshifted) {
    cells.forEach((cell, index) => {
      cell.textContent = digits[index] ?? "";
      cell.classList.toggle("same", index in digits && digits[index] === unshifted);
    });
  }

  // Fills the cells, and gives the number of cells with the same prediction, or undefined if it did not finish.
  async function compute(picture) {
    forget();
    const mine = asked;
    if (!picture) {
      fill([]);
      grid.ariaLabel = `${name}: the pad is empty`;
      return;
    }
    const digits = [];
    const finished = await inPieces(
      PLACES.length,
      (index) => digits.push(predict(shiftByPixels(picture, PLACES[index].down, PLACES[index].right))),
      () => mine !== asked,
    );
    if (!finished) return;
    const unshifted = digits[(PLACES.length - 1) / 2];
    fill(digits, unshifted);
    const same = digits.filter((digit) => digit === unshifted).length;
    grid.ariaLabel = `${name} predicts ${unshifted} for the drawing, and at ${same} of ${PLACES.length} shifts`;
    grid.classList.remove("stale");
    return { same, of: PLACES.length };
  }

  function mark({ down, right }) {
    cells.forEach((cell, index) => cell.classList.toggle("current", PLACES[index].down === down && PLACES[index].right === right));
  }

  function point({ clientX, clientY }) {
    const { left, top, width, height } = grid.getBoundingClientRect();
    const [right, down] = [(clientX - left) / width, (clientY - top) / height].map((share) =>
      Math.min(Math.max(Math.floor(share * SHIFTS.length), 0), SHIFTS.length - 1) - MAX_SHIFT,
    );
    choose({ down, right });
  }
  grid.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    grid.setPointerCapture(event.pointerId);
    point(event);
  });
  grid.addEventListener("pointermove", (event) => grid.hasPointerCapture(event.pointerId) && point(event));

  return { compute, forget, mark };
}
