// Reads, upscales and writes photographs while the page reacts.
import { tensor } from "./kernel.js";
import { resize } from "./resize.js";
import { build } from "./network.js";
import { toRgb, toYCbCr } from "./colour.js";
import { blank, cut } from "./tiles.js";
import { encodePng, fromPixels } from "./pixels.js";
import { upscale } from "./upscale.js";

const MOST_PIXELS = 2 ** 21; // pixels of the network's input at most: a little more than 1920 x 1080

let network;
let scale;
let flat; // as in upscale.js

function resized(picture, height, width) {
  const { channels, values } = resize({ ...picture, values: Float32Array.from(picture.values) }, height, width);
  return { height, width, channels, values: Uint8ClampedArray.from(values) };
}

// The luminance of a picture in YCbCr or grey.
function luminanceOf({ height, width, channels, values }) {
  const luminance = blank(height, width, 1);
  for (let pixel = 0; pixel < height * width; pixel++) luminance.values[pixel] = values[pixel * channels];
  return luminance;
}

async function decodePhotograph(file, options) {
  try {
    return await createImageBitmap(file, { premultiplyAlpha: "none", imageOrientation: "from-image", ...options });
  } catch {
    throw new Error("not a picture that this browser can read");
  }
}

export const TASKS = {
  open(message) {
    ({ scale, flat } = message);
    network = build(message.description, message.kernel);
  },

  // Gives the network's input. If the photograph is downscaled first, the input is in YCbCr, as in the evaluation
  // protocol, and the photograph itself is given, too, as the ground truth.
  async read({ file, downscaled, fitted }) {
    let bitmap = await decodePhotograph(file);
    const factor = Math.sqrt((MOST_PIXELS * (downscaled ? scale ** 2 : 1)) / (bitmap.width * bitmap.height));
    if (factor < 1) {
      const { height, width } = bitmap;
      const [fittingHeight, fittingWidth] = [height, width].map((side) => Math.max(1, Math.floor(side * factor)));
      if (!fitted) return { tooLarge: { height, width, fittingHeight, fittingWidth } };
      bitmap = await decodePhotograph(bitmap, { resizeHeight: fittingHeight, resizeWidth: fittingWidth, resizeQuality: "high" });
    }
    const { height, width } = bitmap;
    // Half floats keep the colours of transparent pixels.
    const context = new OffscreenCanvas(width, height).getContext("2d", { colorType: "float16", willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const photograph = fromPixels(context.getImageData(0, 0, width, height));
    if (!downscaled) return { input: photograph };
    const [lowHeight, lowWidth] = [height, width].map((side) => Math.floor(side / scale));
    if (Math.min(lowHeight, lowWidth) <= 2) throw new Error("too small to be downscaled first"); // nothing is left without the border
    const truth = cut(photograph, 0, 0, scale * lowHeight, scale * lowWidth);
    const converted = toYCbCr(truth);
    return { input: resized(converted, lowHeight, lowWidth), truth, luminance: luminanceOf(converted) };
  },

  // Upscales a tile and gives its inside, without the margin.
  upscale({ part, inside }) {
    const finish = (method) => ({ picture: cut(upscale(part, { scale, flat, network: method }), ...inside) });
    return { bicubic: finish(null), network: finish(network) };
  },

  // The same in YCbCr, by the evaluation protocol; chrominance and alpha are bicubic in both results.
  measure({ part, inside }) {
    const bicubic = resized(part, scale * part.height, scale * part.width);
    const input = tensor(part.height, part.width, 1, Float32Array.from(luminanceOf(part).values, (level) => level / 255));
    const { values } = network(input).outputs[0];
    const sharp = { ...bicubic, values: bicubic.values.slice() };
    for (let pixel = 0; pixel < values.length; pixel++) sharp.values[pixel * sharp.channels] = 255 * values[pixel];
    const finish = (upscaled) => {
      const kept = cut(upscaled, ...inside);
      return { luminance: luminanceOf(kept), picture: toRgb(kept) };
    };
    return { bicubic: finish(bicubic), network: finish(sharp) };
  },

  write: ({ picture }) => encodePng(picture),
};

// The buffers of all pictures in a message, so that they are transferred without a copy.
function buffers(message) {
  if (message?.values) return [message.values.buffer];
  return message?.constructor === Object ? Object.values(message).flatMap(buffers) : [];
}

onmessage = async ({ data: { task, ...message } }) => {
  try {
    const answer = await TASKS[task](message);
    postMessage({ answer }, buffers(answer));
  } catch (error) {
    postMessage({ failure: error.message });
  }
};
