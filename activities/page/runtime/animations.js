// CSS animations and transitions, and animations that scripts made: paused, and put where the
// film's time says.
//
// Scripts that make animations tell us. What style sheets start tells nobody in time: the browser's
// events come a frame late (and not at all to the page: `motion.js`). So pages whose styles can start something are looked at in every frame,
// all others only when their structure has changed.

/**
 * From `since` on, the animation's time is `from` and goes on at `rate`.
 * @typedef {object} Held
 * @property {number} since film time, seconds
 * @property {number} from milliseconds
 * @property {number} rate
 * @property {number} shown the time that we gave it last, milliseconds
 * @property {Told} [told] what the page has heard of it
 */

/** Chromium keeps times of animations in whole microseconds. */
const SAME_MS = 0.002;

/** @type {Map<Animation, Held>} */
const held = new Map();
/** Those that the film does not move. @type {WeakSet<Animation>} */
const left = new WeakSet();
let animationsChanged = true;
/** Clips that have got a box since animations were last looked for. @type {Set<Element>} */
const reopened = new Set();

hide(Element.prototype, "animate", function animate(...args) {
  const animation = native.animate.apply(this, args);
  hold(animation, clockSeconds);
  return animation;
});

/** @param {Animation} animation  @param {number} begin film time, seconds */
function hold(animation, begin) {
  if (held.has(animation)) return;
  const rate = animation.playbackRate;
  held.set(animation, { since: begin, from: 0, rate, shown: 0 });
  if (animation.playState === "running" || animation.playState === "paused") animation.pause();
}

/** @param {number} t */
function discoverAnimations(t) {
  animationsChanged = false;
  for (const animation of document.getAnimations()) {
    if (held.has(animation) || left.has(animation)) continue;
    hold(animation, beginOf(animation, t));
    try {
      animation.currentTime = 0; // it has run in real time until now
    } catch {
      left.add(animation); // it follows scrolling, and has no time to set
      held.delete(animation);
    }
  }
  reopened.clear();
  for (const animation of held.keys()) {
    const target = animation.effect?.target;
    if (animation.playState === "idle" || (target && !target.isConnected)) held.delete(animation);
  }
}

/** What begins with its clip began when the clip did, even if nobody looked then. */
function beginOf(animation, t) {
  const target = animation.effect?.target;
  if (!(animation instanceof CSSAnimation) || !target) return settledAt0 ? t : 0;
  if (settledAt0 && !isWithin(target, reopened)) return t;
  const element = target.closest("[data-start]");
  const clip = element ? clipOf.get(element) ?? nearestClip(element) : null;
  return clip ? Math.max(0, filmTime(clip.scope, clip.start)) : 0;
}

/** @param {Element} element  @param {Set<Element>} set */
function isWithin(element, set) {
  if (set.size === 0) return false;
  for (let up = element; up; up = up.parentElement) if (set.has(up)) return true;
  return false;
}

/** What one event sets off may set off another; a page in which that never ends has no end here. */
const MOST_TELLINGS = 8;

/** @param {number} t film time, seconds  @param {boolean} quiet nobody is told */
function seekAnimations(t, quiet) {
  moveAnimations(t);
  if (quiet || held.size === 0 || !hearsMotion()) return;
  for (let telling = 0; telling < MOST_TELLINGS; telling += 1) {
    const told = [...held].filter(([animation, state]) => tellMotion(animation, state));
    if (told.length === 0) return;
    animationsChanged = true;
    moveAnimations(t);
  }
}

/** @param {number} t film time, seconds */
function moveAnimations(t) {
  if (animationsChanged || stylesMove()) discoverAnimations(t);
  // To ask brings all styles up to date, and to set makes them stale: first the one, then the other.
  const moves = [];
  for (const [animation, state] of held) {
    const { playState } = animation;
    // The page has cancelled it; setting its time would bring it back.
    if (playState === "idle") continue;
    heedPage(animation, state, t);
    moves.push({ animation, state, runs: playState !== "paused" });
  }
  for (const { animation, state, runs } of moves) {
    const time = Math.max(0, timeOf(state, t));
    if (!runs && time === state.shown) continue;
    state.shown = time;
    try {
      if (runs) animation.pause();
      animation.currentTime = time;
    } catch {
      left.add(animation); // it follows scrolling, and has no time to set
      held.delete(animation);
    }
  }
}

const timeOf = ({ since, from, rate }, t) => from + (t - since) * 1000 * rate;

/** A page may change an animation's pace, or put it somewhere, while it runs. */
function heedPage(animation, state, t) {
  const { currentTime, playbackRate } = animation;
  const moved = currentTime !== null && Math.abs(currentTime - state.shown) > SAME_MS;
  if (!moved && playbackRate === state.rate) return;
  // A pace that was set right after the beginning is the pace from the beginning.
  const from = moved ? currentTime : state.shown === 0 ? 0 : timeOf(state, t);
  const since = !moved && state.shown === 0 ? state.since : t;
  Object.assign(state, { since, from, rate: playbackRate });
}

/** @type {boolean | null} `null`: not known */
let sheetsMove = null;
let sheetsSeen = 0;

/** Whether the page's styles can start an animation without saying so. */
function stylesMove() {
  if (sheetsMove === null || sheetsSeen !== document.styleSheets.length) {
    sheetsSeen = document.styleSheets.length;
    sheetsMove = [...document.styleSheets, ...document.adoptedStyleSheets].some(canMove);
  }
  return sheetsMove || document.querySelector('[style*="transition"], [style*="animation"]') !== null;
}

/** @param {CSSStyleSheet | CSSGroupingRule} sheet */
function canMove(sheet) {
  let rules;
  try {
    rules = sheet.cssRules ?? [];
  } catch {
    return true; // of another origin: it may do anything
  }
  for (const rule of rules) {
    if (rule instanceof CSSImportRule ? rule.styleSheet && canMove(rule.styleSheet) : rule.cssRules && canMove(rule)) return true;
    const { style } = rule;
    if (style && !(rule instanceof CSSFontFaceRule) && isMotion(style)) return true;
  }
  return false;
}

/** @param {CSSStyleDeclaration} style */
const isMotion = (style) =>
  (style.animationName !== "" && style.animationName !== "none") || /[1-9]|var\(/.test(style.transitionDuration || style.transition);
