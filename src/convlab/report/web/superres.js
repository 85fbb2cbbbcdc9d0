// The curves of super-resolution trainings.
import { data } from "./page.js";
import { lines, long, plot, steps } from "./plots.js";

for (const [scale, curve] of Object.entries(data.superres.curves)) {
  plot(`validation_${scale}`, () =>
    lines(
      long(curve, "step", { network: "validation_psnr", bicubic: "bicubic_psnr" }),
      steps,
      { field: "value", title: "PSNR (dB)", scale: { zero: false } },
      ["network", "bicubic"],
    ),
  );
}
