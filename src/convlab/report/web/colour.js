// Colours: luminance and chrominance, ITU-R BT.601 in studio range, as imaging/colour.py.
//
// A picture is {height, width, channels, values}, with 8 bits for each value: 1 channel if grey, 3 in
// colour, and one more for alpha. Uint8ClampedArray clips to 0-255 and rounds half to even.

const FROM_RGB = [
  [65.481, 128.553, 24.966],
  [-37.797, -74.203, 112],
  [112, -93.786, -18.214],
];
const TO_RGB = [
  [0.004566210045662101, 1.1808799897946412e-9, 0.006258928969943936],
  [0.004566210045662101, -0.0015363236860449021, -0.003188110949655707],
  [0.004566210045662101, 0.007910716233554741, 1.1977497040190077e-8],
]; // the inverse
const NEUTRAL = [16, 128, 128];

// Grey and alpha stay as they are.
function convert({ height, width, channels, values }, change) {
  const converted = values.slice();
  if (channels >= 3)
    for (let at = 0; at < values.length; at += channels)
      for (let channel = 0; channel < 3; channel++)
        converted[at + channel] = change(channel, values[at], values[at + 1], values[at + 2]);
  return { height, width, channels, values: converted };
}

export function toYCbCr(picture) {
  return convert(picture, (channel, red, green, blue) => {
    const row = FROM_RGB[channel];
    return NEUTRAL[channel] + (row[0] * red + row[1] * green + row[2] * blue) / 255;
  });
}

export function toRgb(picture) {
  return convert(picture, (channel, y, cb, cr) => {
    const row = TO_RGB[channel];
    return 255 * (row[0] * (y - NEUTRAL[0]) + row[1] * (cb - NEUTRAL[1]) + row[2] * (cr - NEUTRAL[2]));
  });
}
