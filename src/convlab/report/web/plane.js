// A plane on a canvas, which can be zoomed and moved, with points that can be chosen.
const mostZoom = 16;
const reach = 26; // largest distance in pixels at which a point can be pointed at
const clickSlack = { mouse: 4, pen: 6, touch: 10 }; // pixels that a click may move
const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Coordinates on the plane are in widths, to the right and down; those on the screen in CSS pixels.
export class Plane {
  zoom = 1;
  width = 0; // of the canvas
  height = 0;
  #left = 0;
  #top = 0;
  #frame = 0;
  #drawn = 0;
  #pointers = new Map();
  #slack = 0; // how far a pointer may move in a click

  // The owner has these methods: `paint(context)`; `advance(milliseconds)`, which tells whether the
  // points continue to move; `points()`, an array of { x, y, index }; `chosen()`, one of these or
  // nothing; `hover(index)` and `choose(index)`, where null is the empty plane; and
  // `zoomed(zoom, mostZoom)`.
  constructor(canvas, aspect, owner) {
    this.canvas = canvas;
    this.aspect = aspect; // height in widths
    canvas.style.setProperty("--aspect", 1 / aspect);
    this.owner = owner;
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("dblclick", (event) => this.zoomBy(event.shiftKey ? 0.5 : 2, ...this.#inside(event)));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#release(event));
    canvas.addEventListener("pointercancel", (event) => this.#forget(event));
    canvas.addEventListener("pointerleave", () => this.owner.hover(null));
  }

  // Draws once before the screen is next refreshed, however often it is called.
  requestDraw() {
    this.#frame ||= requestAnimationFrame((now) => {
      this.#frame = 0;
      const elapsed = Math.min(now - this.#drawn, 50);
      this.#drawn = now;
      const moves = this.owner.advance(elapsed);
      this.draw();
      if (moves) this.requestDraw();
    });
  }

  draw() {
    const { canvas } = this;
    this.width = canvas.clientWidth;
    this.height = this.width * this.aspect;
    const [width, height] = [this.width, this.height].map((side) => Math.round(side * devicePixelRatio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    if (this.width) this.owner.paint(context);
  }

  toScreen(x, y) {
    const scale = this.zoom * this.width;
    return [(x - this.#left) * scale, (y - this.#top) * scale];
  }

  // The position (right, down) on the screen, by default the middle, does not move.
  zoomBy(factor, right = this.width / 2, down = this.height / 2) {
    const zoom = Math.min(Math.max(this.zoom * factor, 1), mostZoom);
    const change = (1 / this.zoom - 1 / zoom) / this.width;
    this.zoom = zoom;
    this.#goTo(this.#left + right * change, this.#top + down * change);
    this.canvas.classList.toggle("zoomed", zoom > 1);
    this.owner.zoomed(zoom, mostZoom);
  }

  showWhole() {
    this.zoomBy(0);
  }

  moveBy(right, down) {
    const scale = this.zoom * this.width;
    this.#goTo(this.#left - right / scale, this.#top - down / scale);
  }

  // Moves the plane so that a point is visible.
  reveal({ x, y }) {
    const margin = 0.1 / this.zoom;
    const within = (low, shown, place) => Math.min(Math.max(low, place + margin - shown), place - margin);
    this.#goTo(within(this.#left, 1 / this.zoom, x), within(this.#top, this.aspect / this.zoom, y));
  }

  #goTo(left, top) {
    const hidden = 1 - 1 / this.zoom;
    this.#left = Math.min(Math.max(left, 0), hidden);
    this.#top = Math.min(Math.max(top, 0), hidden * this.aspect);
    this.requestDraw();
  }

  #inside({ clientX, clientY }) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return [clientX - left - this.canvas.clientLeft, clientY - top - this.canvas.clientTop];
  }

  #nearest(right, down) {
    let nearest = null;
    let least = reach;
    for (const { x, y, index } of this.owner.points()) {
      const [across, along] = this.toScreen(x, y);
      const distance = Math.hypot(across - right, along - down);
      if (distance < least) [nearest, least] = [index, distance];
    }
    return nearest;
  }

  // The nearest point in a direction; the distance to the side counts more.
  #next([right, down]) {
    const half = 0.5 / this.zoom;
    const from = this.owner.chosen() ?? { x: this.#left + half, y: this.#top + half * this.aspect };
    let nearest = null;
    let least = Infinity;
    for (const { x, y, index } of this.owner.points()) {
      const ahead = (x - from.x) * right + (y - from.y) * down;
      const aside = Math.abs((x - from.x) * down) + Math.abs((y - from.y) * right);
      if (ahead > 0 && ahead + 2 * aside < least) [nearest, least] = [index, ahead + 2 * aside];
    }
    return nearest;
  }

  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // else the page would not scroll here
    event.preventDefault();
    const change = Math.min(Math.max(event.deltaY, -50), 50);
    this.zoomBy(Math.exp(-change / 150), ...this.#inside(event));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      "+": () => this.zoomBy(1.5),
      "=": () => this.zoomBy(1.5),
      "-": () => this.zoomBy(1 / 1.5),
      0: () => this.showWhole(),
      Escape: () => {
        this.showWhole();
        this.owner.choose(null);
      },
    };
    const act = actions[event.key];
    const direction = directions[event.key];
    if (!act && !direction) return;
    event.preventDefault();
    if (act) return act();
    const index = this.#next(direction);
    if (index !== null) this.owner.choose(index);
  }

  #press(event) {
    if (event.button !== 0) return;
    this.#pointers.set(event.pointerId, this.#inside(event));
    this.#slack = this.#pointers.size === 1 ? (clickSlack[event.pointerType] ?? 4) : 0;
    this.canvas.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const place = this.#inside(event);
    const before = this.#pointers.get(event.pointerId);
    if (!before) {
      const index = this.#nearest(...place);
      this.canvas.classList.toggle("pointing", index !== null);
      return this.owner.hover(index);
    }
    if (this.#slack && Math.hypot(place[0] - before[0], place[1] - before[1]) < this.#slack) return;
    this.#slack = 0;
    this.#pointers.set(event.pointerId, place);
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) this.#pinch(before, place, other);
    else this.moveBy(place[0] - before[0], place[1] - before[1]);
  }

  // Called when one of two fingers moves.
  #pinch(before, place, other) {
    const distance = (finger) => Math.hypot(finger[0] - other[0], finger[1] - other[1]);
    this.moveBy((place[0] - before[0]) / 2, (place[1] - before[1]) / 2);
    this.zoomBy(distance(place) / Math.max(distance(before), 1), (place[0] + other[0]) / 2, (place[1] + other[1]) / 2);
  }

  #release(event) {
    if (this.#slack) this.owner.choose(this.#nearest(...this.#inside(event)));
    this.#forget(event);
  }

  #forget(event) {
    this.#pointers.delete(event.pointerId);
    this.#slack = 0;
  }
}
