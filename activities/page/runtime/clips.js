// Clips: what is visible when.
//
// `start <= t < end`, and so for every timed ancestor below the root. The table is made when the
// page settles and again when the document's structure has changed; a frame only walks it.

/**
 * A composition inside the root, with a clock of its own.
 * @typedef {object} Scope
 * @property {Element} element
 * @property {Scope | null} parent `null` for the film's own clock
 * @property {number} start in the parent's seconds
 * @property {number} playbackStart where in itself it begins, seconds
 * @property {number} rate
 */

/**
 * @typedef {object} Clip
 * @property {HTMLElement | SVGElement} element
 * @property {number} start seconds on the scope's clock
 * @property {number} end seconds; not included
 * @property {Scope | null} scope
 * @property {Clip | null} parent the nearest timed ancestor
 * @property {boolean} closesUp whether the layout closes up over it while it is hidden
 * @property {boolean} hidden whether its author has switched it off
 * @property {boolean} visible
 */

/** Frame times and sums of attributes differ in their last bits. */
const SAME_MOMENT = 1e-6;

/** @type {Clip[]} in document order, so that parents come before their children */
let clips = [];
/** @type {Map<Element, Clip>} */
let clipOf = new Map();
/** @type {Map<Element, Scope>} */
let scopes = new Map();
/** Elements without a box for now, and the inline `display` they had. @type {WeakMap<Element, string>} */
const closedUp = new WeakMap();
/** @type {string | null} a mistake in the page's timing attributes */
let timingMistake = null;

/** @param {Scope | null} scope  @param {number} t film time, seconds */
function localTime(scope, t) {
  if (!scope) return t;
  return scope.playbackStart + (localTime(scope.parent, t) - scope.start) * scope.rate;
}

/** The inverse of {@link localTime}. */
function filmTime(scope, local) {
  if (!scope) return local;
  return filmTime(scope.parent, scope.start + (local - scope.playbackStart) / scope.rate);
}

/** @param {string} id of a composition */
function scopeOf(id) {
  for (const [element, scope] of scopes) if (element.getAttribute("data-composition-id") === id) return scope;
  if (document.querySelector(`[data-composition-id="${CSS.escape(id)}"]`)) return null;
  // A script that is not scoped registers under the id that its file knows.
  const root = document.querySelector(`[data-hf-inner-root="${CSS.escape(id)}"]`);
  return root ? scopeAround(root) : null;
}

/** @param {Element} element  @returns {Scope | null} the clock that the element's times are on */
function scopeAround(element) {
  const host = element.parentElement?.closest("[data-composition-id]");
  if (!host || host === rootElement || element.getAttribute("data-hf-media-start-basis") === "global") return null;
  return scopes.get(host) ?? scopeAround(host);
}

const numberAttribute = (element, names, absent) => {
  for (const name of names) {
    const value = Number.parseFloat(element.getAttribute(name) ?? "");
    if (Number.isFinite(value)) return value;
  }
  return absent;
};

const playbackStartOf = (element) => numberAttribute(element, ["data-playback-start", "data-media-start"], 0);
const rateOf = (element) => Math.min(5, Math.max(0.1, numberAttribute(element, ["data-playback-rate"], 1)));

function buildClips() {
  clips = [];
  clipOf = new Map();
  scopes = new Map();
  timingMistake = null;
  if (!findRoot()) return;
  const starts = new Map();
  for (const element of document.querySelectorAll("[data-start]")) {
    if (!isTimed(element)) continue;
    const start = startOf(element, starts, []);
    const scope = scopeAround(element);
    if (element.hasAttribute("data-composition-id")) {
      scopes.set(element, {
        element,
        parent: scope,
        start,
        playbackStart: playbackStartOf(element),
        rate: rateOf(element),
      });
    }
    const clip = {
      element,
      start,
      end: endOf(element, start),
      scope,
      parent: nearestClip(element),
      closesUp: false,
      hidden: element.hasAttribute("data-hidden"),
      visible: true,
    };
    clips.push(clip);
    clipOf.set(element, clip);
  }
  for (const clip of clips) clip.closesUp = isLeafInFlow(clip);
}

/** @param {Element} element */
function nearestClip(element) {
  for (let up = element.parentElement; up; up = up.parentElement) {
    const clip = clipOf.get(up);
    if (clip) return clip;
  }
  return null;
}

function endOf(element, start) {
  const duration = numberAttribute(element, ["data-duration"], NaN);
  if (Number.isFinite(duration)) return start + duration;
  return numberAttribute(element, ["data-end"], Infinity);
}

/**
 * Seconds, or the end of another clip of the same composition, plus or minus seconds.
 * @param {Element} element
 * @param {Map<Element, number>} known
 * @param {Element[]} trail elements that wait for this one
 * @returns {number}
 */
function startOf(element, known, trail) {
  if (known.has(element)) return known.get(element);
  const text = (element.getAttribute("data-start") ?? "").trim();
  const seconds = Number(text);
  if (text === "" || Number.isFinite(seconds)) {
    known.set(element, seconds || 0);
    return seconds || 0;
  }
  const mistake = (what) => {
    timingMistake ??= `\`data-start="${text}"\` ${what}`;
    return 0;
  };
  if (trail.includes(element)) return mistake("leads back to itself");
  const [, id, sign, amount] = /^(.+?)(?:\s*([+-])\s*(\d*\.?\d+)s?)?$/.exec(text) ?? [];
  const other = findClip(text, element) ?? findClip(id, element);
  if (!other) return mistake(`names no clip \`${id}\` of its composition`);
  const end = endOf(other, startOf(other, known, [...trail, element]));
  if (end === Infinity) return mistake(`follows a clip that has no \`data-duration\``);
  const offset = findClip(text, element) || !amount ? 0 : Number(amount) * (sign === "-" ? -1 : 1);
  const start = Math.max(0, end + offset);
  known.set(element, start);
  return start;
}

/** @param {string} id  @param {Element} from */
function findClip(id, from) {
  const home = (element) => element.parentElement?.closest("[data-composition-id]") ?? null;
  const quoted = CSS.escape(id ?? "");
  const found = (selector) =>
    [...document.querySelectorAll(selector)].find((element) => element !== from && home(element) === home(from));
  return found(`[id="${quoted}"][data-start]`) ?? found(`:is([data-composition-id="${quoted}"],[data-hf-original-composition-id="${quoted}"])[data-start]`);
}

/** @param {Clip} clip */
function isLeafInFlow(clip) {
  if (clip.element.querySelector("[data-start]")) return false;
  const style = getComputedStyle(clip.element);
  if (closedUp.has(clip.element)) return true;
  if (style.display === "none") return false;
  return (style.position === "static" || style.position === "relative") && style.float === "none";
}

/** @param {number} t film time, seconds */
function decideVisibility(t) {
  for (const clip of clips) {
    const local = localTime(clip.scope, t) + SAME_MOMENT;
    clip.visible = !clip.hidden && (clip.parent?.visible ?? true) && clip.start <= local && local < clip.end;
  }
}

/** Before timelines move: an element without a box cannot be measured by the tween that begins. */
function openClips() {
  for (const clip of clips) if (clip.visible && clip.closesUp) closeUp(clip.element, false);
}

/**
 * After timelines have moved, because they may have written `visibility` themselves. A clip that
 * is on says so itself: pages hide their clips in style sheets until it is their turn.
 */
function applyVisibility() {
  for (const clip of clips) {
    const { style } = clip.element;
    const visibility = clip.visible ? "visible" : "hidden";
    if (style.visibility !== visibility) style.visibility = visibility;
    if (clip.closesUp && !clip.visible) closeUp(clip.element, true);
  }
}

/** @param {HTMLElement | SVGElement} element  @param {boolean} closed */
function closeUp(element, closed) {
  if (closedUp.has(element) === closed) return;
  if (closed) closedUp.set(element, element.style.display);
  element.style.display = closed ? "none" : closedUp.get(element);
  if (!closed) closedUp.delete(element);
  // An element that gets a box anew starts its animations anew.
  animationsChanged = true;
  if (!closed) reopened.add(element);
}
