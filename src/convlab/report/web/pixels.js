// Reads pictures, as in colour.js, from files, and writes them as PNG files.

// The same picture with only as many channels as it needs.
export function fromPixels({ height, width, data }) {
  let [grey, opaque] = [true, true];
  for (let at = 0; at < data.length && (grey || opaque); at += 4) {
    grey = grey && data[at] === data[at + 1] && data[at] === data[at + 2];
    opaque = opaque && data[at + 3] === 255;
  }
  const kept = [...(grey ? [0] : [0, 1, 2]), ...(opaque ? [] : [3])];
  const channels = kept.length;
  const values = new Uint8ClampedArray(height * width * channels);
  kept.forEach((channel, place) => {
    for (let pixel = 0; pixel < height * width; pixel++) values[pixel * channels + place] = data[pixel * 4 + channel];
  });
  return { height, width, channels, values };
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  return rest;
});

function chunk(name, content) {
  const bytes = new Uint8Array(content.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(content, 8);
  let rest = 0xffffffff;
  for (let at = 4; at < bytes.length - 4; at++) rest = CRC[(rest ^ bytes[at]) & 255] ^ (rest >>> 8);
  view.setUint32(bytes.length - 4, ~rest);
  return bytes;
}

// PNG's Paeth filter: each byte minus that neighbour (left, above, or above left) that is nearest to left + above - above left.
function paeth({ height, width, channels, values }) {
  const line = width * channels;
  const filtered = new Uint8Array(height * (line + 1));
  for (let row = 0, to = 0; row < height; row++) {
    filtered[to++] = 4; // the filter's number
    for (let column = 0; column < line; column++) {
      const at = row * line + column;
      const left = column < channels ? 0 : values[at - channels];
      const above = row === 0 ? 0 : values[at - line];
      const both = column < channels || row === 0 ? 0 : values[at - line - channels];
      const [toLeft, toAbove, toBoth] = [Math.abs(above - both), Math.abs(left - both), Math.abs(left + above - 2 * both)];
      const nearest = toLeft <= toAbove && toLeft <= toBoth ? left : toAbove <= toBoth ? above : both;
      filtered[to++] = values[at] - nearest;
    }
  }
  return filtered;
}

// Not by a canvas, which would round the colours of transparent pixels.
export async function encodePng(picture) {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, picture.width);
  header.setUint32(4, picture.height);
  header.setUint8(8, 8); // bits
  header.setUint8(9, [0, 4, 2, 6][picture.channels - 1]);
  const packed = new Blob([paeth(picture)]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Blob(
    [
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
      chunk("IHDR", new Uint8Array(header.buffer)),
      chunk("IDAT", new Uint8Array(await new Response(packed).arrayBuffer())),
      chunk("IEND", new Uint8Array(0)),
    ],
    { type: "image/png" },
  );
}
