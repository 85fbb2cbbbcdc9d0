// Colours: luminance and chrominance, ITU-R BT.601 in studio range.
