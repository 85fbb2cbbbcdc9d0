// Gestures of mouse, fingers and pen on an element: drags, clicks, double clicks and pinches.
const CLICK_REACH = 4; // CSS pixels that a pointer may move in a click
const DOUBLE_CLICK_REACH = 30;
const DOUBLE_CLICK_TIME = 350; // milliseconds

const distance = (a, b) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);

// Points and distances are given as shares of the element's width and height. `grab(point)` gives the
// function of a distance that follows a drag; `pinch` gets a factor, the middle of both fingers, and
// the distance by which it moved.
export function followGestures(element, { grab, click, doubleClick, pinch }) {
  const pointers = new Map();
  let [drag, first, last, isClick, clicked] = [null, null, null, false, null];

  const inside = ({ clientX, clientY }) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return { x: (clientX - left) / width, y: (clientY - top) / height };
  };
  const from = (before, after) => {
    const [a, b] = [inside(before), inside(after)];
    return { x: b.x - a.x, y: b.y - a.y };
  };
  const middle = (a, b) => ({ clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 });

  function finishClick(event) {
    const again = clicked && event.timeStamp - clicked.timeStamp < DOUBLE_CLICK_TIME && distance(event, clicked) < DOUBLE_CLICK_REACH;
    clicked = again ? null : event;
    (again ? doubleClick : click)(inside(event));
  }

  function release(event) {
    if (!pointers.delete(event.pointerId)) return;
    drag = null;
    if (isClick && event.type === "pointerup") finishClick(event);
    isClick = false;
  }

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || pointers.size === 2) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
    isClick = pointers.size === 1;
    drag = isClick ? grab(inside(event)) : null;
    first = last = event;
  });
  element.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    pointers.set(event.pointerId, event);
    if (pointers.size === 2) {
      const [other] = [...pointers.values()].filter((each) => each !== event);
      const [was, is] = [middle(before, other), middle(event, other)];
      if (distance(before, other) > 0) pinch(distance(event, other) / distance(before, other), inside(is), from(was, is));
    } else if (!isClick || distance(first, event) > CLICK_REACH) {
      isClick = false;
      drag?.(from(last, event));
      last = event;
    }
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) element.addEventListener(name, release);
  // Else a pinch would scroll the page; a drag with one finger may scroll it.
  element.addEventListener("touchstart", (event) => event.touches.length > 1 && event.preventDefault(), { passive: false });
}
