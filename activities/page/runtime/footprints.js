// What a GSAP tween reads when it is first drawn, and what it writes.
//
// A tween that finds its start values in its own arguments, or in a property that only it and
// tweens before it write, is the same whenever it is first drawn. Only the others must be first
// drawn at the very frame at which a film from the beginning would do it.

/**
 * What a tween looks at when it begins: nothing, the property that it writes, or more than one can tell.
 * @typedef {"nothing" | "itself" | "anything"} Reads
 */

/**
 * One use of one property by one tween.
 * @typedef {object} Footprint
 * @property {any} target the object that is written, or a stand-in for all that share a property
 * @property {string} property
 * @property {Reads} reads
 */

/** What these are does not depend on layout, on fonts or on ancestors. */
const SELF_CONTAINED = new Set(
  ("opacity alpha filter backdropFilter clipPath zIndex mixBlendMode transformStyle backgroundColor " +
    "backgroundPosition backgroundPositionX backgroundPositionY backgroundSize boxShadow").split(" "),
);

/** Parts of the transform that GSAP keeps apart, under all their names. @type {Record<string, string[]>} */
const TRANSFORM_PARTS = {
  x: ["x"], y: ["y"], z: ["z"], xPercent: ["xPercent"], yPercent: ["yPercent"],
  translateX: ["x"], translateY: ["y"], translateZ: ["z"],
  rotation: ["rotation"], rotate: ["rotation"], rotationZ: ["rotation"], rotateZ: ["rotation"],
  rotationX: ["rotationX"], rotateX: ["rotationX"], rotationY: ["rotationY"], rotateY: ["rotationY"],
  scale: ["scaleX", "scaleY"], scaleX: ["scaleX"], scaleY: ["scaleY"],
  skewX: ["skewX"], skewY: ["skewY"], skew: ["skewX", "skewY"],
  transformPerspective: ["transformPerspective"], transformOrigin: ["transformOrigin"],
};

/** Arguments of a tween that are not properties of its targets. */
const ARGUMENTS = new Set(
  ("ease duration delay stagger repeat repeatDelay yoyo yoyoEase repeatRefresh immediateRender lazy overwrite id data " +
    "paused reversed parent defaults inherit startAt runBackwards keyframes autoRevert stringFilter callbackScope " +
    "smoothChildTiming autoRound snap roundProps force3D modifiers onComplete onUpdate onStart onRepeat " +
    "onReverseComplete onInterrupt onCompleteParams onUpdateParams onStartParams onRepeatParams " +
    "onReverseCompleteParams onInterruptParams easeParams").split(" "),
);

const NUMBER = /[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi;
/** A length in pixels or an angle, absolute or by how much. */
const SIMPLE = /^(?:[-+]=)?[-+]?(?:\d+\.?\d*|\.\d+)(?:px|deg)?$/;
/** What everything shares that a setter may write. */
const BEHIND_SETTERS = {};

const isElement = (target) => target?.nodeType === Node.ELEMENT_NODE && Boolean(target.style);

/** Whether a value says what it is without looking at anything. */
const isLiteral = (value) =>
  typeof value === "number" ||
  (typeof value === "string" && value.charAt(1) !== "=" && !value.includes("random(") && !value.includes("var("));

const shapeOf = (value) => String(value).replace(NUMBER, "0").trim();
const looksLikeColour = (property, value) =>
  /colou?r$|^fill$|^stroke$/i.test(property) && /^(?:#[0-9a-f]+|(?:rgb|hsl)a?\(.*|[a-z]+)$/i.test(String(value)) &&
  !/^(?:currentcolor|inherit|initial|unset|revert)$/i.test(String(value));

/** Whether GSAP can go from one value to the other without converting units, which measures. */
function areAlike(property, from, to) {
  if (!isLiteral(from) || !isLiteral(to)) return false;
  if (looksLikeColour(property, from) && looksLikeColour(property, to)) return true;
  return shapeOf(from) === shapeOf(to);
}

/** Whether a property of a plain object runs code when it is set or read. */
function isAccessor(target, property) {
  for (let holder = target; holder; holder = Object.getPrototypeOf(holder)) {
    const descriptor = Object.getOwnPropertyDescriptor(holder, property);
    if (descriptor) return Boolean(descriptor.get || descriptor.set) || typeof descriptor.value === "function";
  }
  return false;
}

/** @type {WeakMap<Element, boolean>} */
let plainTransforms = new WeakMap();

/**
 * Whether GSAP knows the element's transform already, or will find none. A style sheet's may be in
 * per cent of a size that changes, and a shape's origin follows from its outline.
 */
function hasPlainTransform(element) {
  const cache = element._gsap;
  if (cache && "x" in cache && !cache.uncache) return true;
  let plain = plainTransforms.get(element);
  if (plain === undefined) {
    const style = getComputedStyle(element);
    plain =
      !(element instanceof SVGElement) &&
      [style.transform, style.translate, style.rotate, style.scale].every((value) => value === "none") &&
      element.checkVisibility();
    plainTransforms.set(element, plain);
  }
  return plain;
}

/**
 * @param {any} tween a GSAP tween without a timeline inside
 * @param {Set<Element>} animated elements that something besides GSAP animates
 * @returns {Footprint[] | null} `null` where it cannot be told
 */
function footprintsOf(tween, animated) {
  const { vars } = tween;
  const footprints = [];
  for (const target of tween.targets()) {
    if (target === null || typeof target !== "object" || animated.has(target)) return null;
    const element = isElement(target);
    for (const property in vars) {
      if (ARGUMENTS.has(property)) continue;
      const from = vars.startAt?.[property];
      const found = !element
        ? ofObject(tween, target, property, vars[property], from)
        : property === "attr"
          ? ofAttributes(tween, target, vars.attr, from)
          : ofElement(tween, target, property, vars[property], from);
      if (!found) return null;
      footprints.push(...found);
    }
  }
  return footprints;
}

/** @returns {Footprint[] | null} */
function ofElement(tween, target, property, to, from) {
  const parts = TRANSFORM_PARTS[property];
  if (parts) {
    const origin = property === "transformOrigin"; // It is not drawn out: only where it ends counts.
    const plain = hasPlainTransform(target);
    const reads = readsAtStart(tween, property, to, from, plain && (SIMPLE.test(String(to)) || (origin && isLiteral(to))));
    return parts.map((part) => ({ target, property: part, reads: plain ? reads : "anything" }));
  }
  const variable = property.startsWith("--");
  if (property === "autoAlpha") {
    // Whether an element is visible is decided by its clip, too.
    return ["opacity", "visibility"].map((part) => ({ target, property: part, reads: "anything" }));
  }
  if (!variable && (!(property in target.style) || /^(?:transform|translate|cssText|all)$/.test(property))) return null;
  const reads = readsAtStart(tween, property, to, from, SELF_CONTAINED.has(property) && isLiteral(to));
  return [{ target, property: variable ? property : familyOf(property), reads }];
}

/** A shorthand and its parts are one. */
const familyOf = (property) => (property === "alpha" ? "opacity" : /^[a-z]+/.exec(property)?.[0] ?? property);

/** @returns {Footprint[] | null} */
function ofAttributes(tween, target, attributes, from) {
  if ("class" in attributes || "style" in attributes) return null;
  return Object.entries(attributes).map(([name, to]) => {
    const reads = readsAtStart(tween, name, to, from?.[name], SIMPLE.test(String(to)));
    return { target, property: `attribute ${name}`, reads };
  });
}

/** @returns {Footprint[] | null} */
function ofObject(tween, target, property, to, from) {
  const setter = isAccessor(target, property);
  const reads = readsAtStart(tween, property, to, from, !setter && SIMPLE.test(String(to)));
  return [setter ? { target: BEHIND_SETTERS, property: "", reads } : { target, property, reads }];
}

/**
 * @param {boolean} readable whether to read its start is to read the property itself and nothing else
 * @returns {Reads}
 */
function readsAtStart(tween, property, to, from, readable) {
  if (from !== undefined) return areAlike(property, from, to) ? "nothing" : "anything";
  // What is set has no start to be seen.
  if (tween.duration() === 0 && isLiteral(to)) return "nothing";
  return readable ? "itself" : "anything";
}

/** Plugins of GSAP whose picture follows from the tween's progress, once they have begun. */
const PLUGINS_BY_PROGRESS = new Set("attr css drawSVG endArray modifiers morphSVG motionPath roundProps scrollTo snap text".split(" "));

/**
 * Whether what a tween shows depends on what it has shown before: a plugin that rolls dice or goes
 * step by step, or one that nobody knows.
 */
function remembers(tween) {
  const { vars } = tween;
  for (const property in vars) {
    if (ARGUMENTS.has(property) || property in TRANSFORM_PARTS || PLUGINS_BY_PROGRESS.has(property)) continue;
    if (property.startsWith("--") || property === "autoAlpha" || property === "alpha" || property === "smoothOrigin") continue;
    const known = (target) => (isElement(target) && property in target.style) || (target !== null && typeof target === "object" && property in target);
    if (property === "physics2D" || !tween.targets().every(known)) return true;
  }
  return false;
}

/** Whether a style sheet makes a change of the element take time. */
function isEased(element) {
  return /[1-9]/.test(getComputedStyle(element).transitionDuration);
}

/** Whatever number these get, the browser takes it. */
const UNBOUNDED = /^(?:opacity|background|color|fill|stroke|z|left|top|right|bottom|inset|margin|letter|word|text|clip|box|attribute .*|--.*)$/;

/**
 * Where a tween may try a value that its property does not have: the browser then keeps the one before.
 * @param {Item} item
 * @returns {"never" | "on its way" | "to the end"}
 */
function mayBeRefused({ tween, footprints }) {
  const bounded = ({ target, property }) => isElement(target) && !(property in TRANSFORM_PARTS) && !UNBOUNDED.test(property);
  if (tween.duration() === 0 || !(footprints?.some(bounded) ?? true)) return "never";
  if (Object.values(tween.vars).some((to) => typeof to === "string" && to.startsWith("-="))) return "to the end";
  return overshoots(tween.vars.ease ?? window.gsap?.defaults?.().ease) ? "on its way" : "never";
}

/** @type {Map<unknown, boolean>} */
const knownEases = new Map();

function overshoots(ease) {
  let known = knownEases.get(ease);
  if (known === undefined) {
    const curve = window.gsap?.parseEase?.(ease);
    const beyond = (progress) => curve(progress) < -1e-9 || curve(progress) > 1 + 1e-9;
    known = typeof curve === "function" ? Array.from({ length: 65 }, (_, i) => i / 64).some(beyond) : ease !== "none";
    knownEases.set(ease, known);
  }
  return known;
}
