// The steps of pixel shuffle.
import { data, find, make } from "./page.js";

const shuffled = data.superres.shuffle;
if (shuffled) {
  const scale = data.superres.scale;
  const stages = [
    [[shuffled.low], 1, "A part of the downscaled picture, the network's input."],
    [shuffled.channels, scale, `The network's ${scale ** 2} channels for that part, each in its own colour.`],
    [[shuffled.interleaved], 1, `Interleaved: each of ${scale} x ${scale} pixels comes from another channel.`],
    [[shuffled.shuffled], 1, "The same in grey: the output of the last layer. Dark is negative, bright is positive."],
    [[shuffled.bicubic, shuffled.network], 2, "The part upscaled by bicubic interpolation, and by the network."],
    [[shuffled.network, shuffled.truth], 2, "The part upscaled by the network, and the ground truth."],
  ];
  const show = () => {
    const [pictures, columns, text] = stages[find("shuffle").value];
    find("shuffle-pictures").style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
    find("shuffle-pictures").replaceChildren(...pictures.map((src) => make("img", { src, alt: "" })));
    find("shuffle-text").textContent = text;
    find("shuffle").setAttribute("aria-valuetext", text);
  };
  find("shuffle").addEventListener("input", show);
  show();
}
