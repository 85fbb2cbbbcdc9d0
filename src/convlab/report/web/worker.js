// Upscales parts of a picture beside the page.
