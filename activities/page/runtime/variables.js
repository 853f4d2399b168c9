// `window.__hyperframes`: the values the page is rendered with, and text that fits its box.

/** @returns {Record<string, unknown>} the defaults that the page declares */
function declaredDefaults() {
  const defaults = {};
  const name = "data-composition-variables";
  for (const element of [document.documentElement, findRoot()]) {
    const text = element?.getAttribute(name);
    if (!text) continue;
    try {
      for (const [id, declaration] of declarationsIn(JSON.parse(text))) {
        if (declaration && "default" in declaration) defaults[id] = declaration.default;
      }
    } catch (error) {
      native.reportError(new SyntaxError(`${name} is not a JSON array of declarations: ${error.message}`));
    }
  }
  return defaults;
}

/** A list of declarations, or an object that has them under their ids. @returns {[string, any][]} */
const declarationsIn = (declared) =>
  Array.isArray(declared) ? declared.map((one) => [one?.id, one]) : Object.entries(declared);

const measuring = () => document.createElement("canvas").getContext("2d");

/**
 * The largest font size, stepping down from `baseFontSize`, at which one line of text fits.
 * @param {string} text
 * @param {{maxWidth?: number, baseFontSize?: number, minFontSize?: number, fontWeight?: number,
 *   fontFamily?: string, step?: number}} [options] lengths in px
 * @returns {{fontSize: number, fits: boolean}}
 */
function fitTextFontSize(text, options = {}) {
  const {
    maxWidth = 1600,
    baseFontSize = 78,
    minFontSize = 42,
    fontWeight = 900,
    fontFamily = "sans-serif",
    step = 2,
  } = options;
  const context = measuring();
  const widthAt = (size) => {
    context.font = `${fontWeight} ${size}px ${fontFamily}`;
    return context.measureText(text).width;
  };
  for (let size = baseFontSize; size > minFontSize; size -= Math.max(step, 0.1)) {
    if (widthAt(size) <= maxWidth) return { fontSize: size, fits: true };
  }
  return { fontSize: minFontSize, fits: widthAt(minFontSize) <= maxWidth };
}

window.__hfVariables = { ...config.variables };
window.__hyperframes = {
  ...window.__hyperframes,
  getVariables: () => ({ ...declaredDefaults(), ...window.__hfVariables }),
  fitTextFontSize,
  assetUrl: (path) => new URL(path, document.baseURI).href,
  registerFrameSource,
};
