// CSS animations and transitions, and animations that scripts made: paused, and put where the
// film's time says. They are looked up when something has changed, not at every frame.

/**
 * @typedef {object} Held
 * @property {Animation} animation
 * @property {number} begin film time at which it is at its beginning, seconds
 */

/** @type {Map<Animation, Held>} */
const held = new Map();
let animationsChanged = true;

hide(Element.prototype, "animate", function animate(...args) {
  const animation = native.animate.apply(this, args);
  hold(animation, clockSeconds);
  return animation;
});
for (const event of ["animationstart", "transitionrun"]) {
  document.addEventListener(event, () => (animationsChanged = true), { capture: true, passive: true });
}

/** @param {Animation} animation  @param {number} begin */
function hold(animation, begin) {
  if (held.has(animation)) return;
  held.set(animation, { animation, begin });
  if (animation.playState === "running" || animation.playState === "paused") animation.pause();
}

/** @param {number} t */
function discoverAnimations(t) {
  animationsChanged = false;
  for (const animation of document.getAnimations()) {
    if (!held.has(animation)) hold(animation, beginOf(animation, t));
  }
  for (const animation of held.keys()) {
    const target = animation.effect?.target;
    if (animation.playState === "idle" || (target && !target.isConnected)) held.delete(animation);
  }
}

/** A style sheet's animation runs on the clock of the clip it is in. */
function beginOf(animation, t) {
  if (!(animation instanceof CSSAnimation)) return settledAt0 ? t : 0;
  const element = animation.effect?.target?.closest("[data-start]");
  const clip = element ? clipOf.get(element) ?? nearestClip(element) : null;
  return clip ? Math.max(0, filmTime(clip.scope, clip.start)) : 0;
}

/** @param {number} t film time, seconds */
function seekAnimations(t) {
  if (animationsChanged) discoverAnimations(t);
  for (const { animation, begin } of held.values()) {
    const time = Math.max(0, t - begin) * 1000;
    // The page has cancelled it; setting its time would bring it back.
    if (animation.playState === "idle") continue;
    try {
      if (animation.playState !== "paused") animation.pause();
      if (animation.currentTime !== time) animation.currentTime = time;
    } catch {
      held.delete(animation); // it runs on a scroll timeline, which has no time to set
    }
  }
}
