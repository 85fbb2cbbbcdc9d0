// A convolution, step by step.
