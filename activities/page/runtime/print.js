// The print of a load: what must be the same whenever this page is loaded, and is not when a font or
// another file was there in the plan's browser and did not reach this one.

const nativeCanvas = window.OffscreenCanvas;
const PRINT_SAMPLE = "Hamburgefonstiv 0123456789";
const SYSTEM_FAMILIES = ["serif", "sans-serif", "monospace"];

/** @returns {string} equal for loads that got the same */
function printOfLoad() {
  const fonts = [...document.fonts].filter((face) => face.status === "error");
  const missing = [
    ...fonts.map(({ family, weight, style }) => `font ${family} ${weight} ${style}`),
    ...[...failedResources].map((element) => `${element.localName} ${element.src || element.href?.baseVal || element.href || ""}`),
  ];
  return JSON.stringify({ missing: [...new Set(missing)].sort(), letters: systemLetters() });
}

/** @returns {number[]} how wide some letters are in the fonts of the system, px */
function systemLetters() {
  const context = new nativeCanvas(1, 1).getContext("2d");
  return SYSTEM_FAMILIES.map((family) => {
    context.font = `32px ${family}`;
    return Math.round(context.measureText(PRINT_SAMPLE).width * 64) / 64;
  });
}
