// Timelines on `window.__timelines`: GSAP's, or anything that can tell its duration and seek.

/**
 * @typedef {object} Driven
 * @property {string} id
 * @property {any} timeline
 * @property {boolean} gsap whether it is a GSAP timeline rather than a look-alike
 * @property {Scope | null} scope the composition whose clock it follows; `null`: the film's
 * @property {number} checked total duration for which `nudge` was found out
 * @property {boolean} nudge whether it may be moved a little to and fro
 * @property {boolean} begun whether it has been shown at a time of its own
 */

window.__timelines ??= {};

/** So far into the future that zero-width tweens at this very moment settle, in seconds. */
const NUDGE = 0.001;

/** @type {Map<string, Driven>} */
const driven = new Map();
/** The animation frame callback of GSAP's ticker. */
let gsapTick = null;

const isTimeline = (value) =>
  value !== null && typeof value === "object" && (typeof value.totalTime === "function" || typeof value.seek === "function");

const lengthOf = (timeline) => {
  const length = timeline.totalDuration?.() ?? timeline.duration?.();
  return Number.isFinite(length) ? length : 0;
};

/** Takes over what the page has registered since the last look. Cheap when nothing is new. */
function adoptTimelines() {
  const registered = window.__timelines ?? {};
  for (const id in registered) {
    const timeline = registered[id];
    if (driven.get(id)?.timeline === timeline || !isTimeline(timeline)) continue;
    if (!isCarried(timeline)) timeline.pause?.();
    driven.set(id, {
      id,
      timeline,
      gsap: typeof timeline.totalTime === "function" && typeof timeline.getChildren === "function",
      scope: scopeOf(id),
      checked: NaN,
      nudge: false,
      begun: false,
    });
  }
}

/** Whether somebody else moves it: a timeline inside a timeline follows it, unless it is paused. */
function isCarried(timeline) {
  const { parent } = timeline;
  if (!parent || typeof timeline.getChildren !== "function" || timeline.paused()) return false;
  const global = window.gsap?.globalTimeline;
  return global ? parent !== global : Boolean(parent.parent);
}

/** @param {number} t film time in seconds  @param {boolean} quiet no callbacks */
function seekTimelines(t, quiet) {
  adoptTimelines();
  for (const entry of driven.values()) {
    if (isCarried(entry.timeline)) continue;
    attempt(seekTimeline, entry, localTime(entry.scope, t), quiet);
  }
}

function seekTimeline(entry, local, quiet) {
  const { timeline } = entry;
  const total = lengthOf(timeline);
  const time = Math.min(Math.max(0, local), total);
  if (typeof timeline.totalTime !== "function") {
    timeline.seek(time);
    return;
  }
  // Callbacks belong to time going forward.
  const suppress = quiet || time < timeline.totalTime();
  timeline.totalTime(time, suppress);
  if (!entry.gsap) return;
  if (!quiet && !entry.begun && local > -SAME_MOMENT) {
    entry.begun = true;
    // GSAP tells nobody of a time at which it stood already, but it is a frame to be drawn.
    if (time === 0) tellOfBeginning(timeline);
  }
  if (entry.checked !== total) {
    entry.checked = total;
    entry.nudge = !timeline.getChildren(true, true, true).some(isCallback);
  }
  if (!entry.nudge) return;
  timeline.totalTime(time + NUDGE, true);
  timeline.totalTime(time, true);
}

/** Calls `onUpdate` of a timeline that stands at its beginning, and of all within that begin with it. */
function tellOfBeginning(animation) {
  const { onUpdate, onUpdateParams, callbackScope } = animation.vars ?? {};
  const inner = animation.getChildren?.(false, true, true) ?? [];
  for (const child of inner) if (child.startTime() === 0 && child.duration() > 0 && !child.paused()) tellOfBeginning(child);
  if (typeof onUpdate === "function") attempt(() => onUpdate.apply(callbackScope ?? animation, onUpdateParams ?? []));
}

/** What `.call()` and `.add(function)` make: a tween without length that has something to call. */
const isCallback = (animation) =>
  animation.duration() === 0 &&
  Boolean(animation.vars?.onComplete || animation.vars?.onStart || animation.vars?.onUpdate);

/** Takes GSAP's own clock out of the game: time jumps must not look like a stalled page to it. */
function settleGsap() {
  const ticker = window.gsap?.ticker;
  if (!ticker?.lagSmoothing) return;
  ticker.lagSmoothing(0);
  const before = new Map(frameQueue);
  ticker.sleep();
  for (const [id, entry] of before) if (!frameQueue.has(id)) gsapTick = entry.callback;
  ticker.wake();
}
