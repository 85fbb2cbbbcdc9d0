// The drawing pad: white strokes on black, by mouse, finger, pen or keys.
import { readLevels } from "./mnist.js";

const PAD_SIDE = 448;
const STROKE_WIDTH = 38; // 2.5 pixels of MNIST for a digit that fills two thirds of the pad
const KEY_STEP = PAD_SIDE / 28;
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// `changed` is called when the drawing has changed, `ended` when a stroke or another action ends;
// the drawing is painted, and can be read, when `paint` has been called.
export function makePad(canvas, pen, { changed, ended }) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const marks = [{}]; // strokes, as `points`, or the background of the pad: a `picture` or nothing
  let stroke;
  let pointer;

  const strokes = () => marks.slice(marks.findLastIndex(({ points }) => !points) + 1);
  const picture = () => (strokes().length ? undefined : marks.at(-1)?.picture);

  function paint() {
    context.fillStyle = "#000";
    context.fillRect(0, 0, PAD_SIDE, PAD_SIDE);
    if (picture()) {
      context.imageSmoothingEnabled = false;
      context.drawImage(picture(), 0, 0, PAD_SIDE, PAD_SIDE);
    }
    Object.assign(context, { strokeStyle: "#fff", fillStyle: "#fff", lineWidth: STROKE_WIDTH, lineCap: "round", lineJoin: "round" });
    for (const { points } of strokes()) {
      context.beginPath();
      if (points.length === 1) {
        context.arc(...points[0], STROKE_WIDTH / 2, 0, 2 * Math.PI);
        context.fill();
      } else {
        points.forEach((point) => context.lineTo(...point));
        context.stroke();
      }
    }
  }

  // The part of the pad that the strokes fill, as a tensor of grey levels.
  function read() {
    const points = strokes().flatMap(({ points }) => points);
    if (!points.length) return undefined;
    const [[left, right], [top, bottom]] = [0, 1].map((axis) => {
      const along = points.map((point) => point[axis]);
      const [least, most] = [along.reduce((a, b) => Math.min(a, b)), along.reduce((a, b) => Math.max(a, b))];
      return [Math.max(Math.floor(least - STROKE_WIDTH), 0), Math.min(Math.ceil(most + STROKE_WIDTH), PAD_SIDE)];
    });
    return readLevels(context, left, top, right - left, bottom - top);
  }

  function begin(point) {
    stroke = { points: [point] };
    marks.push(stroke);
    changed();
  }

  function extend(points) {
    stroke.points.push(...points);
    changed();
  }

  function end() {
    if (!stroke) return;
    stroke = undefined;
    ended();
  }

  function put(mark) {
    stroke = undefined;
    marks.push(mark);
    ended();
  }

  const isEmpty = () => !strokes().length && !picture();
  const clear = () => isEmpty() || put({});

  function undo() {
    if (marks.length === 1) return; // the first background cannot be undone
    stroke = undefined;
    marks.pop();
    ended();
  }

  function place({ clientX, clientY }) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [((clientX - left) / width) * PAD_SIDE, ((clientY - top) / height) * PAD_SIDE];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== undefined || event.button !== 0) return; // such as a hand beside the pen
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    end(); // ends a stroke that was drawn by keys
    begin(place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer || !stroke) return;
    const events = event.getCoalescedEvents?.() ?? [];
    extend((events.length ? events : [event]).map(place));
  });
  canvas.addEventListener("lostpointercapture", (event) => {
    if (event.pointerId !== pointer) return;
    pointer = undefined;
    end();
  });

  const held = new Set();
  let penPlace = [PAD_SIDE / 2, PAD_SIDE / 4];

  function showPen() {
    const [left, top] = penPlace.map((value) => `${(100 * value) / PAD_SIDE}%`);
    Object.assign(pen.style, { left, top });
    pen.classList.toggle("down", stroke !== undefined && pointer === undefined);
  }

  function movePen() {
    for (const key of held) {
      penPlace = penPlace.map((value, axis) => Math.min(Math.max(value + KEY_STEP * DIRECTIONS[key][axis], 0), PAD_SIDE));
    }
    if (stroke) extend([penPlace]);
  }

  const KEYS = {
    " ": () => (stroke ? end() : begin(penPlace)),
    Escape: end,
    Backspace: undo,
    Delete: clear,
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in DIRECTIONS) {
      held.add(event.key); // two keys at a time move diagonally
      movePen();
    } else if (event.key in KEYS) event.repeat || KEYS[event.key]();
    else return;
    event.preventDefault();
    showPen();
  });
  canvas.addEventListener("keyup", ({ key }) => held.delete(key));
  canvas.addEventListener("blur", () => {
    held.clear();
    if (pointer === undefined) end();
    showPen();
  });
  showPen();

  return {
    paint,
    undo,
    clear,
    picture,
    read,
    show: (picture) => put({ picture }),
    // Sets the picture on the pad before anything is drawn.
    beginWith(picture) {
      marks[0] = { picture };
      ended();
    },
  };
}
