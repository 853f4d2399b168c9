// Which earlier frames have to be gone through before a frame in mid film can be shown.
//
// GSAP shows a moment as a function of that moment, except for what happens when time passes
// something: a tween reads its start values when it is first drawn, a callback runs. A film drawn
// from its beginning does both at certain frames; a page that starts later visits just these, in
// order, and is in the same state. Where something runs at every frame (`onUpdate`, a loop of
// animation frames, a tween outside all timelines) it visits every frame.

/**
 * @param {number} from the first frame that was not visited
 * @param {number} to the frame that will be shown; not included
 * @returns {number[]} frames to visit, rising
 */
function framesToReplay(from, to) {
  if (from >= to) return [];
  const frames = new Set();
  if (runsAtEveryFrame()) {
    for (let frame = from; frame < to; frame += 1) frames.add(frame);
  } else {
    for (const entry of driven.values()) {
      if (entry.gsap && !isCarried(entry.timeline)) visitTimeline(entry, from, to, frames);
    }
  }
  return [...frames].sort((a, b) => a - b);
}

function runsAtEveryFrame() {
  if (hasFrameLoops(gsapTick)) return true;
  const gsap = window.gsap;
  if (!gsap?.globalTimeline) return false;
  // One listener is GSAP's own: it moves the global timeline.
  if ((gsap.ticker._listeners?.length ?? 2) > 1) return true;
  return gsap.globalTimeline.getChildren(false, true, true).some((child) => !child.paused());
}

/** @param {Driven} entry */
function visitTimeline(entry, from, to, frames) {
  const mark = (start, end) => {
    // Twice, because a tween that starts within the nudge is first drawn one frame earlier.
    const first = frameAtOrAfter(filmTime(entry.scope, start) - NUDGE);
    const last = Math.min(to - 1, frameAtOrAfter(filmTime(entry.scope, end)));
    for (let frame = Math.max(from, first); frame <= last; frame += 1) frames.add(frame);
  };
  const at = (time) => {
    mark(time, time);
  };
  const root = entry.timeline;
  if (hasUpdates(root) || (root.repeat() !== 0 && hasEventsWithin(root))) mark(0, root.totalDuration());
  visitChildren(root, 0, 1, mark, at);
}

/** @param {number} offset of the parent's time 0, in the registered timeline's seconds */
function visitChildren(parent, offset, scale, mark, at) {
  for (const child of parent.getChildren(false, true, true)) {
    const speed = Math.abs(child.timeScale()) || 1;
    const start = offset + child.startTime() * scale;
    const end = start + (child.totalDuration() / speed) * scale;
    at(start);
    if (hasEvents(child)) at(end);
    const looped = typeof child.repeat === "function" && child.repeat() !== 0;
    const nested = typeof child.getChildren === "function";
    if (hasUpdates(child) || (nested && looped && hasEventsWithin(child))) mark(start, end);
    if (nested) visitChildren(child, start, scale / speed, mark, at);
  }
}

const hasEvents = (animation) => {
  const vars = animation.vars ?? {};
  return Boolean(vars.onComplete || vars.onStart || vars.onInterrupt || hasUpdates(animation));
};

const hasUpdates = (animation) => {
  const vars = animation.vars ?? {};
  return Boolean(vars.onUpdate || vars.onRepeat || vars.repeatRefresh || vars.modifiers);
};

const hasEventsWithin = (timeline) =>
  timeline.getChildren(true, true, true).some((child) => hasEvents(child));
