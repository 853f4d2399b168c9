// Which earlier frames have to be gone through before a frame in mid film can be shown.
//
// GSAP shows a moment as a function of that moment, except for what happens when time passes
// something: a tween reads its start values when it is first drawn, two tweens of one property
// write it in turns, a callback runs. A film drawn from its beginning does these at certain frames; a
// page that starts later visits just these, in order, and is in the same state. A jump draws what
// it passes in the order of time, each tween at its end before the next begins, so tweens that
// neither overlap nor look at anything else need no visit. Where something runs at every frame
// (`onUpdate`, a loop of animation frames, a tween outside all timelines) every frame is visited.

/**
 * One tween on the clock of the film's frames.
 * @typedef {object} Item
 * @property {any} tween
 * @property {number} start film time, seconds
 * @property {number} end film time, seconds
 * @property {number} early when it may first write, which can be before it begins
 * @property {any} owner tweens of one owner are drawn one after the other
 * @property {boolean} looped whether it is drawn more than once
 * @property {boolean} bent whether it begins and ends somewhere within its span
 * @property {Footprint[] | null} footprints
 */

/** `true`: everything that depends on time; `false`: the timelines are enough. @typedef {Map<number, boolean>} Visits */

/**
 * @param {number} from the first frame that was not visited
 * @param {number} to the frame that will be shown; not included
 * @returns {[number, boolean][]} frames to visit, rising, and whether as a whole
 */
function framesToReplay(from, to) {
  if (from >= to) return [];
  /** @type {Visits} */
  const visits = new Map();
  const mark = (first, last, whole) => {
    for (let frame = Math.max(from, first); frame <= Math.min(to - 1, last); frame += 1) {
      visits.set(frame, whole || visits.get(frame) === true);
    }
  };
  if (runsAtEveryFrame()) {
    mark(from, to - 1, true);
  } else {
    const film = surveyFilm(to, mark);
    for (const item of film.items) {
      if (film.remembering.has(item)) mark(frameBefore(item.early), frameOf(item.end), true);
      if (dependsOnItsFrame(item, film)) mark(frameBefore(item.start), frameOf(item.start), true);
      const refused = mayBeRefused(item);
      if (refused === "to the end" || (refused === "on its way" && frameOf(item.end) >= to)) {
        mark(frameBefore(item.start), frameOf(item.end), false);
      }
    }
    markConflicts(film.items, mark);
    // Tweens that begin later look back once; and what has ended is written no more, so that the
    // frame itself has just what still moves.
    mark(from, from, false);
    mark(to - 1, to - 1, false);
  }
  return [...visits].sort(([a], [b]) => a - b);
}

function runsAtEveryFrame() {
  if (hasFrameLoops(gsapTick) || animeSteps() || hasD3Transitions() || hearsMotion()) return true;
  const gsap = window.gsap;
  if (!gsap?.globalTimeline) return false;
  // One listener is GSAP's own: it moves the global timeline.
  if ((gsap.ticker._listeners?.length ?? 2) > 1) return true;
  return gsap.globalTimeline.getChildren(false, true, true).some((child) => !child.paused());
}

/** The frame at which something at `seconds` is first drawn, which is one earlier within the nudge. */
const frameBefore = (seconds) => frameAtOrAfter(seconds - NUDGE) - 1;
const frameOf = (seconds) => frameAtOrAfter(seconds);

/**
 * All tweens that begin before frame `to`. Marks on the way what callbacks and loops need.
 * @returns {{items: Item[], stirred: boolean, eased: boolean, remembering: Set<Item>}} `stirred`:
 *   whether something besides tweens can change what a tween reads; `eased`: whether styles may
 *   follow tweens with a delay; `remembering`: tweens that depend on each of their frames
 */
function surveyFilm(to, mark) {
  plainTransforms = new WeakMap();
  /** @type {Item[]} */
  const items = [];
  const animated = new Set();
  for (const animation of held.keys()) animated.add(animation.effect?.target);
  const film = { items, to, stirred: animated.size > 0, eased: stylesMove(), remembering: new Set() };
  for (const entry of driven.values()) {
    if (isCarried(entry.timeline)) continue;
    if (!entry.gsap) {
      film.stirred = true;
      continue;
    }
    const root = entry.timeline;
    const span = { start: filmTime(entry.scope, 0), end: filmTime(entry.scope, root.totalDuration()) };
    const looped = root.repeat() !== 0;
    markCallbacks(root, span, film, mark);
    if (looped && hasEventsWithin(root)) mark(frameBefore(span.start), frameOf(span.end), true);
    const clock = { offset: 0, scale: 1, film: (time) => filmTime(entry.scope, time) };
    for (const child of root.getChildren(false, true, true)) survey(child, clock, Infinity, looped, film, animated, mark);
  }
  return film;
}

/**
 * @param {{offset: number, scale: number, film: (time: number) => number}} clock of the parent
 * @param {number} sighted when the outermost timeline around it is first drawn, film time
 */
function survey(animation, clock, sighted, looped, film, animated, mark) {
  const speed = animation.timeScale();
  const offset = clock.offset + animation.startTime() * clock.scale;
  const scale = clock.scale / (Math.abs(speed) || 1);
  const span = { start: clock.film(offset), end: clock.film(offset + animation.totalDuration() * scale) };
  if (frameBefore(Math.min(sighted, span.start)) >= film.to) return;
  // It runs the other way, or waits for somebody to let it run, or to go on.
  if (speed <= 0 || animation.paused() || animation.data === "isPause") {
    film.stirred = true;
    mark(frameBefore(span.start), Infinity, true);
    return;
  }
  markCallbacks(animation, span, film, mark);
  const repeats = animation.repeat() !== 0;
  const inner = typeof animation.getChildren === "function" ? animation : animation.timeline;
  if (!inner) {
    const footprints = footprintsOf(animation, animated);
    // With what is around it, it is put to its beginning, where it shows its start values.
    const early = animation.vars.immediateRender ? Math.min(sighted, span.start) : span.start;
    const item = { tween: animation, ...span, early, owner: animation, looped: looped || repeats, bent: false, footprints };
    film.items.push(item);
    // A style that takes its time to follow the tween starts anew in every frame.
    if (remembers(animation) || (film.eased && animation.targets().some((target) => isElement(target) && isEased(target)))) film.remembering.add(item);
    return;
  }
  if (repeats) {
    if (hasEventsWithin(inner)) mark(frameBefore(span.start), frameOf(span.end), true);
    markTurnings(animation, offset, scale, clock.film, film.to, mark);
  }
  const first = film.items.length;
  const within = { offset, scale, film: clock.film };
  sighted = Math.min(sighted, span.start);
  for (const child of inner.getChildren(false, true, true)) survey(child, within, sighted, looped || repeats, film, animated, mark);
  const bent = Boolean(animation.vars?.keyframes);
  const rolls = (item) => item.footprints?.some((footprint) => footprint.reads === "anything") ?? true;
  if (bent || film.items.slice(first).some(rolls)) mark(frameBefore(span.start), frameOf(span.start), false);
  if (!bent) return;
  // An ease bends the time between keyframes, but not their order.
  for (const item of film.items.slice(first)) Object.assign(item, span, { early: span.start, owner: animation, bent });
}

/**
 * The frames around each turn of what repeats: before the first, all within has begun that ever
 * will in that round.
 */
function markTurnings(animation, offset, scale, film, to, mark) {
  const duration = animation.duration() * scale;
  const cycle = duration + animation.repeatDelay() * scale;
  const rounds = animation.repeat() < 0 ? Infinity : animation.repeat();
  for (let round = 0; round <= rounds && cycle > 0; round += 1) {
    const last = frameAtOrBefore(film(offset + round * cycle + duration));
    if (last >= to) return;
    mark(last, last + 1, false);
  }
}

function markCallbacks(animation, span, film, mark) {
  if (!hasEvents(animation)) return;
  film.stirred = true;
  const { start, end } = span;
  if (hasUpdates(animation)) {
    mark(frameBefore(start), frameOf(end), true);
  } else {
    mark(frameBefore(start), frameOf(start), true);
    mark(frameBefore(end), frameOf(end), true);
  }
}

/** Whether a tween must begin at its own frame to begin as it would. */
function dependsOnItsFrame(item, film) {
  if (!item.footprints) return true;
  return item.footprints.some(({ reads }) => reads === "anything" || (film.stirred && reads === "itself"));
}

/**
 * Tweens of one property that are drawn at the same time, or that a jump draws in another order
 * than time: every beginning and every end changes who writes last.
 * @param {Item[]} items
 */
function markConflicts(items, mark) {
  /** @type {Map<any, Map<string, Item[]>>} */
  const users = new Map();
  /** Who has tweens of which one cannot tell what they touch. */
  const opaque = new Set();
  const use = (target, property, item) => {
    let properties = users.get(target);
    if (!properties) users.set(target, (properties = new Map()));
    const list = properties.get(property);
    if (!list) properties.set(property, [item]);
    else if (list[list.length - 1] !== item) list.push(item);
  };
  for (const item of items) {
    for (const { target, property } of item.footprints ?? []) use(target, property, item);
    if (item.footprints) continue;
    for (const target of item.tween.targets()) {
      use(target, "", item);
      opaque.add(target);
    }
  }
  const turns = new Set();
  for (const [target, properties] of users) {
    if (opaque.has(target)) collectTurns([...properties.values()].flat(), true, turns);
    else for (const group of properties.values()) collectTurns(group, false, turns);
    // A tween whose start shows before it begins takes that back when it begins, and then reads the
    // whole transform anew, with what others have made of it.
    const moving = [...new Set([...properties].flatMap(([property, group]) => (property in TRANSFORM_PARTS ? group : [])))];
    const earliest = Math.min(...moving.map((item) => item.early));
    for (const item of moving) {
      if (!item.tween.vars.immediateRender || earliest > item.start + NUDGE) continue;
      const others = moving.some((other) => other !== item && other.early < item.start + NUDGE);
      if (others) mark(frameBefore(item.start), frameOf(item.start), false);
    }
  }
  for (const item of turns) markTurns(item, mark);
}

/**
 * @param {Item[]} group tweens of one property, in the order in which a jump draws them
 * @param {boolean} opaque whether one cannot tell what some of them touch
 * @param {Set<Item>} turns those that are in each other's way
 */
function collectTurns(group, opaque, turns) {
  let end = -Infinity;
  for (const [i, item] of group.entries()) {
    if (i > 0 && (opaque || item.looped || end > item.early - NUDGE)) {
      for (const before of group.slice(0, i)) {
        if (before.owner === item.owner || !areInEachOthersWay(before, item)) continue;
        turns.add(before).add(item);
        if (opaque) before.bent = item.bent = true;
      }
    }
    end = item.looped || item.tween._overwrite ? Infinity : Math.max(end, item.end);
  }
}

/** @param {Item} before drawn before `item` by a jump */
function areInEachOthersWay(before, item) {
  if (before.looped || item.looped || before.tween._overwrite || item.tween._overwrite) return true;
  // Sums of times differ a little, which shows where the one is read by the other.
  const reads = item.footprints?.some((footprint) => footprint.reads !== "nothing") ?? true;
  return item.early < before.end + (reads ? NUDGE : -SAME_MOMENT);
}

function markTurns(item, mark) {
  if (item.looped || item.bent) {
    mark(frameBefore(item.early), frameOf(item.end), false);
  } else {
    mark(frameBefore(item.early), frameOf(item.early), false);
    mark(frameBefore(item.start), frameOf(item.start), false);
    // Without length it is drawn once more in the frame after.
    mark(frameAtOrAfter(item.end - NUDGE), frameOf(item.end) + (item.tween.duration() === 0 ? 1 : 0), false);
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
