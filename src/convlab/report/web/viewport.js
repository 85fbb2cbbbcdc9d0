// Zoom and position of a picture in a box, as pure functions.
//
// A viewport is {zoom, x, y}, where x and y are the point of the picture in the middle of the box, as
// fractions of the picture's width and height; at zoom 1 the whole picture fits. `aspect` is width / height
// of the picture divided by that of the box. Positions in the box are fractions of its width and height.
export const WHOLE_PICTURE = { zoom: 1, x: 0.5, y: 0.5 };
export const MAX_ZOOM = 16;

const between = (low, value, high) => Math.min(high, Math.max(low, value));

const sizeAt = (zoom, aspect) => ({ width: zoom * Math.min(1, aspect), height: zoom * Math.min(1, 1 / aspect) });

// The position of the picture in the box.
export function placePicture({ zoom, x, y }, aspect) {
  const { width, height } = sizeAt(zoom, aspect);
  return { left: 0.5 - x * width, top: 0.5 - y * height, width, height };
}

// The nearest viewport in which a picture larger than the box leaves no gap, and a smaller one is in
// the middle.
export function confineViewport(viewport, aspect) {
  const zoom = between(1, viewport.zoom, MAX_ZOOM);
  const { width, height } = sizeAt(zoom, aspect);
  const inside = (place, size) => (size <= 1 ? 0.5 : between(0.5 / size, place, 1 - 0.5 / size));
  return { zoom, x: inside(viewport.x, width), y: inside(viewport.y, height) };
}

// Moves the picture by a distance.
export function panViewport(viewport, right, down, aspect) {
  const { width, height } = sizeAt(viewport.zoom, aspect);
  return confineViewport({ ...viewport, x: viewport.x - right / width, y: viewport.y - down / height }, aspect);
}

// Zooms so that the part of the picture at a point of the box stays there.
export function zoomViewport(viewport, factor, point, aspect) {
  const zoom = between(1, viewport.zoom * factor, MAX_ZOOM);
  const [before, after] = [sizeAt(viewport.zoom, aspect), sizeAt(zoom, aspect)];
  const x = viewport.x + (point.x - 0.5) * (1 / before.width - 1 / after.width);
  const y = viewport.y + (point.y - 0.5) * (1 / before.height - 1 / after.height);
  return confineViewport({ zoom, x, y }, aspect);
}

// The left and right end of the part of the box in which the picture is visible.
export function visibleSpan(viewport, aspect) {
  const { left, width } = placePicture(viewport, aspect);
  return [Math.max(0, left), Math.min(1, left + width)];
}
