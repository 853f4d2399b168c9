// The events of CSS animations and transitions, in film time. Chromium tells them with the next
// frame that it makes, so a page that catches up would hear them late, or all at once; what they set
// off would depend on where the page began. So its own are kept from the page, and ours are
// dispatched while the page is moved. A page that listens goes through every frame
// (`runsAtEveryFrame`), since what it does then may move something else.

const MOTION_EVENTS = [
  "animationstart",
  "animationiteration",
  "animationend",
  "transitionrun",
  "transitionstart",
  "transitionend",
];
const motionHandlers = MOTION_EVENTS.map((type) => `[on${type}]`).join(",");

/** Whether a script of the page has asked for one of them. */
let asksForMotion = false;

for (const type of MOTION_EVENTS) {
  // Registered before any script of the page runs, and so the first to hear.
  native.listen.call(
    window,
    type,
    (event) => {
      if (!event.isTrusted) return;
      animationsChanged = true;
      event.stopImmediatePropagation();
    },
    { capture: true, passive: true },
  );
}

hide(EventTarget.prototype, "addEventListener", function addEventListener(type, ...rest) {
  if (MOTION_EVENTS.includes(type)) asksForMotion = true;
  return native.listen.call(this ?? window, type, ...rest);
});

for (const owner of [HTMLElement.prototype, SVGElement.prototype, Document.prototype, window]) {
  for (const type of MOTION_EVENTS) {
    const handler = Object.getOwnPropertyDescriptor(owner, `on${type}`);
    if (!handler?.set) continue;
    const set = function (value) {
      asksForMotion = true;
      handler.set.call(this ?? window, value);
    };
    Object.defineProperty(owner, `on${type}`, { ...handler, set });
  }
}

/** Whether anybody hears of animations. */
const hearsMotion = () => asksForMotion || document.querySelector(motionHandlers) !== null;

/**
 * How far an animation had come when it was last told of.
 * @typedef {object} Told
 * @property {0 | 1 | 2} phase before, during, after
 * @property {number} iteration
 */

/**
 * Tells what has happened to an animation since it was last told of.
 * @param {Animation} animation  @param {Held} state
 * @returns {boolean} whether there was anything to tell
 */
function tellMotion(animation, state) {
  const target = animation.effect?.target;
  const isTransition = animation instanceof CSSTransition;
  if (!target || animation.playState === "idle") return false;
  if (!isTransition && !(animation instanceof CSSAnimation)) return false;
  const timing = animation.effect.getComputedTiming();
  const local = state.shown;
  const phase = local < timing.delay ? 0 : local < timing.delay + timing.activeDuration ? 1 : 2;
  const before = state.told ?? { phase: 0, iteration: 0 };
  const now = { phase, iteration: phase === 1 ? timing.currentIteration ?? 0 : before.iteration };
  const isNew = !state.told;
  state.told = now;
  const prefix = isTransition ? "transition" : "animation";
  const active = Math.min(local - timing.delay, timing.activeDuration) / 1000;
  const types = [];
  if (isNew && isTransition) types.push(["run", 0]);
  if (before.phase === 0 && phase > 0) types.push(["start", 0]);
  else if (phase === 1 && now.iteration !== before.iteration && !isTransition) types.push(["iteration", active]);
  if (before.phase < 2 && phase === 2) types.push(["end", active]);
  for (const [type, elapsedTime] of types) {
    const common = { bubbles: true, elapsedTime, pseudoElement: animation.effect.pseudoElement ?? "" };
    const event = isTransition
      ? new TransitionEvent(`${prefix}${type}`, { ...common, propertyName: animation.transitionProperty })
      : new AnimationEvent(`${prefix}${type}`, { ...common, animationName: animation.animationName });
    target.dispatchEvent(event);
  }
  return types.length > 0;
}
