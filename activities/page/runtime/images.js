// Pictures that a page shows later must be there when it does: a frame waits for no download.
//
// What an `<img>` is given while the page moves is waited for. What a style sheet begins to show
// tells nobody that it is on its way; but the plan knows which pictures there are, so they are
// fetched with the page, and held for as long as it lives.

/** @type {HTMLImageElement[]} */
const stock = [];

document.addEventListener(
  "DOMContentLoaded",
  () => {
    // Frames inside find theirs in the same memory.
    for (const url of isTop ? config.images : []) {
      const image = new native.Image();
      image.src = url;
      stock.push(image);
    }
  },
  { once: true },
);

/** @returns {string[]} of what the plan has, what is not there yet */
const pendingStock = () => stock.filter((image) => !image.complete).map((image) => image.src);

/** @returns {Promise<unknown>[]} for each picture of the document that is on its way */
function imagesToCome() {
  const promises = [];
  for (const image of document.images) {
    if (image.complete) continue;
    // It may be out of sight now, and is asked for all the same.
    if (image.loading === "lazy") image.loading = "eager";
    promises.push(
      new Promise((resolve) => {
        image.addEventListener("load", resolve, { once: true });
        image.addEventListener("error", resolve, { once: true });
      }),
    );
  }
  return promises;
}
