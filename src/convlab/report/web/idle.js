// Long computations in pieces, so that the page can react between two pieces.

const PIECE = 8; // milliseconds; after this time, no further step begins in a piece

function whenIdle() {
  return new Promise((resolve) => {
    if (window.requestIdleCallback) requestIdleCallback(resolve, { timeout: 500 });
    else setTimeout(resolve, 30);
  });
}

// Calls `step` with 0, 1, ..., count - 1; stops when `isStale` returns true, and tells whether it did all steps.
export async function inPieces(count, step, isStale = () => false) {
  let next = 0;
  while (next < count) {
    await whenIdle();
    const end = performance.now() + PIECE;
    do {
      if (isStale()) return false;
      step(next++);
    } while (next < count && performance.now() < end);
  }
  return true;
}
