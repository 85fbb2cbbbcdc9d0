// A convolution in 32-bit floats, over an image in which the channels of a pixel follow each other.
//
// Eight output channels of four pixels are computed together, because they fill the registers.
// Addresses and steps are in bytes:
//   input    (rows, columns, inputs), already padded
//   weights  (outputs / 8, kernel rows, kernel columns, inputs, 8)
//   bias     (outputs)
//   output   (height, width, outputs); `width` is a multiple of 4, `outputs` of 8
// The input of the next pixel of the output is at distance `columnStep`, that of the next row at
// `rowStep`, and that of the next row of the kernel at `kernelRowStep`. A row of the kernel consists
// of `pieces` pieces of `length` numbers at distances `pieceStep`; without dilation, it is one piece.
export function convolve(
  input: usize, weights: usize, bias: usize, output: usize,
  height: i32, width: i32, outputs: i32, kernelRows: i32, pieces: i32, length: i32,
  rowStep: usize, columnStep: usize, kernelRowStep: usize, pieceStep: usize,
): void {
  const pixel: usize = <usize>outputs << 2;
  const kernelSize: usize = (<usize>kernelRows * pieces * length) << 5;
  for (let row: i32 = 0; row < height; row++) {
    for (let column: i32 = 0; column < width; column += 4) {
      const corner: usize = input + <usize>row * rowStep + <usize>column * columnStep;
      for (let channel: i32 = 0; channel < outputs; channel += 8) {
        const low = v128.load(bias + (<usize>channel << 2));
        const high = v128.load(bias + (<usize>channel << 2), 16);
        let a = low, b = low, c = low, d = low, e = high, f = high, g = high, h = high;
        let weight: usize = weights + <usize>(channel >> 3) * kernelSize;
        for (let y: i32 = 0; y < kernelRows; y++) {
          for (let x: i32 = 0; x < pieces; x++) {
            let from: usize = corner + <usize>y * kernelRowStep + <usize>x * pieceStep;
            for (let i: i32 = 0; i < length; i++) {
              const k = v128.load(weight), l = v128.load(weight, 16);
              const p = v128.load32_splat(from), q = v128.load32_splat(from + columnStep);
              const r = v128.load32_splat(from + 2 * columnStep), s = v128.load32_splat(from + 3 * columnStep);
              a = f32x4.add(a, f32x4.mul(p, k));
              e = f32x4.add(e, f32x4.mul(p, l));
              b = f32x4.add(b, f32x4.mul(q, k));
              f = f32x4.add(f, f32x4.mul(q, l));
              c = f32x4.add(c, f32x4.mul(r, k));
              g = f32x4.add(g, f32x4.mul(r, l));
              d = f32x4.add(d, f32x4.mul(s, k));
              h = f32x4.add(h, f32x4.mul(s, l));
              from += 4;
              weight += 32;
            }
          }
        }
        const to: usize = output + (<usize>row * width + column) * pixel + (<usize>channel << 2);
        v128.store(to, a);
        v128.store(to, e, 16);
        v128.store(to + pixel, b);
        v128.store(to + pixel, f, 16);
        v128.store(to + 2 * pixel, c);
        v128.store(to + 2 * pixel, g, 16);
        v128.store(to + 3 * pixel, d);
        v128.store(to + 3 * pixel, h, 16);
      }
    }
  }
}
