// Long work in pieces, between which the page reacts.

const PIECE = 8; // milliseconds, after which no further step begins

function whenIdle() {
  return new Promise((resolve) => {
    if (window.requestIdleCallback) requestIdleCallback(resolve, { timeout: 500 });
    else setTimeout(resolve, 30);
  });
}

// Calls `step` with 0, 1, ... until `count`; stops when `isStale` says so, and tells whether it did all.
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
