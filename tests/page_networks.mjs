// Runs described networks in Node: reads cases as JSON, writes what each gives.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [web, kernelFile] = process.argv.slice(2);
const { build } = await import(pathToFileURL(`${web}/network.js`));
const { tensor } = await import(pathToFileURL(`${web}/kernel.js`));
const kernel = new Uint8Array(readFileSync(kernelFile));
const cases = JSON.parse(readFileSync(0, "utf8"));

const results = cases.map(({ description, height, width, values }) =>
  [kernel, undefined].map((bytes) => {
    const { outputs } = build(description, bytes)(tensor(height, width, 1, Float32Array.from(values)));
    return outputs.map((output) => ({ ...output, values: [...output.values] }));
  }),
);
console.log(JSON.stringify(results));
