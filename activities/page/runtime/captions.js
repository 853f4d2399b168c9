// `caption-overrides.json`: what an author has changed by hand in single words of captions that a
// script makes. Put into place once, when the timelines are there and before the film begins.

/**
 * @typedef {object} CaptionOverride
 * @property {string} [wordId] `id` of the word's element
 * @property {number} [wordIndex] place among all words, in document order
 * @property {number} [x] @property {number} [y] @property {number} [scale] @property {number} [rotation]
 * @property {number} [opacity] @property {number} [fontSize] @property {number | string} [fontWeight]
 * @property {string} [fontFamily] @property {string} [activeColor] @property {string} [dimColor]
 */

const OVERRIDES_FILE = "caption-overrides.json";

/** @type {"unasked" | "asked" | "done"} */
let overrides = "unasked";

/** @returns {string[]} the file's name while it is on its way */
function pendingCaptions() {
  if (overrides === "done" || !window.gsap) return [];
  if (overrides === "unasked") {
    if (!document.querySelector(".caption-group")) return [];
    overrides = "asked";
    native
      .fetch(OVERRIDES_FILE)
      .then((answer) => (answer.ok ? answer.json() : []))
      .then(applyCaptions)
      .catch((error) => note(`\`${OVERRIDES_FILE}\` cannot be used: ${error.message}`))
      .finally(() => (overrides = "done"));
  }
  return [OVERRIDES_FILE];
}

/** @param {CaptionOverride[]} list */
function applyCaptions(list) {
  if (!Array.isArray(list)) throw new TypeError("it is no JSON array");
  const words = [...document.querySelectorAll(".caption-group > span")];
  for (const one of list) {
    const word = (one.wordId && document.getElementById(one.wordId)) || words[one.wordIndex];
    if (word instanceof HTMLElement) overrideWord(word, one);
  }
}

/** @param {HTMLElement} word  @param {CaptionOverride} one */
function overrideWord(word, one) {
  const { gsap } = window;
  recolour(word, one);
  const given = (names) => Object.fromEntries(names.filter((name) => one[name] !== undefined).map((name) => [name, one[name]]));
  const styles = given(["opacity", "fontWeight", "fontFamily"]);
  if (one.fontSize !== undefined) styles.fontSize = `${one.fontSize}px`;
  if (Object.keys(styles).length > 0) gsap.set(word, styles);
  const moves = given(["x", "y", "scale", "rotation"]);
  if (Object.keys(moves).length === 0) return;
  // The word's own timelines go on moving it within.
  const wrapper = document.createElement("span");
  wrapper.style.display = "inline-block";
  wrapper.dataset.captionWrapper = "true";
  word.replaceWith(wrapper);
  wrapper.append(word);
  gsap.set(wrapper, moves);
}

/** A word is dim, lit while it is spoken, and dim again: its tweens of colour in the order of time. */
function recolour(word, { activeColor, dimColor }) {
  if (!activeColor && !dimColor) return;
  const { gsap } = window;
  const tweens = gsap.getTweensOf(word).filter((tween) => tween.vars.color !== undefined);
  tweens.sort((a, b) => a.startTime() - b.startTime());
  for (const [i, tween] of tweens.entries()) {
    const state = tween.vars.data?.captionState ?? (i === 1 ? "active" : "dim");
    const colour = state === "active" ? activeColor : dimColor;
    if (!colour) continue;
    tween.vars.color = colour;
    tween.invalidate();
  }
  if (dimColor) gsap.set(word, { color: dimColor });
}
