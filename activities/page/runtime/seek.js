// One frame: everything that depends on time, in the order that the contract gives.

/** Whether the page stands at its beginning and time may pass. */
let settledAt0 = false;
/** The last frame that the page has gone through. */
let lastFrame = -1;
/** @type {number | null} film time that is shown, seconds */
let shownTime = null;

/** @type {unknown[]} what the page threw since the last frame: a frame after that would be wrong */
let thrown = [];

/** Runs page code that moves the page; what it throws ends this frame, not the code beside it. */
function attempt(callback, ...args) {
  try {
    callback(...args);
  } catch (error) {
    thrown.push(error);
  }
}

/** @param {number} t film time, seconds  @param {boolean} quiet no callbacks */
function showTime(t, quiet) {
  const passing = t !== shownTime;
  shownTime = t;
  clockSeconds = t;
  seedFrom(t);
  decideVisibility(t);
  openClips();
  seekTimelines(t, quiet);
  catchUpWithChanges();
  seekAnimations(t, quiet);
  seekAdapters(t);
  seekSmil(t);
  // After the timelines: a loop that draws what they move must not be a frame behind.
  if (passing && !quiet) flushFrames(Infinity);
  catchUpWithChanges();
  decideVisibility(t);
  applyVisibility();
}

/** Once, when ready: everything stands still at time 0, and nothing has been called. */
function settle() {
  if (settledAt0) return 0;
  finishLoadingTurns();
  structureChanged = true;
  catchUpWithChanges();
  settleGsap();
  adoptAnime();
  hasD3Transitions();
  animationsChanged = true;
  showTime(0, true);
  shownTime = null;
  settledAt0 = true;
  for (const inner of innerRuntimes()) inner.settle();
  window.__playerReady = true;
  window.__renderReady = true;
  return 0;
}

/**
 * Shows the film at `t` seconds.
 * @param {number} t
 * @returns {number | Promise<number>} 0, or `TO_BE_BLENDED`; a promise where the page or a replay
 *   has to be waited for
 */
function seek(t) {
  settle();
  if (t === shownTime) return finish(t);
  const frame = frameAtOrBefore(t);
  const exact = Math.abs(frameTime(frame) - t) < 1e-9;
  const forward = shownTime === null || t > shownTime;
  if (!forward) return arrive(t, frame, true);
  const replay = framesToReplay(lastFrame + 1, exact ? frame : frame + 1);
  if (replay.length > 0 && hasFrameLoops(gsapTick)) return replayLoops(replay).then(() => arrive(t, frame, false));
  for (const [earlier, whole] of replay) pass(frameTime(earlier), whole);
  return arrive(t, frame, false);
}

/** @param {number} t film time of an earlier frame  @param {boolean} whole or only its timelines */
function pass(t, whole) {
  if (whole) return showTime(t, false);
  clockSeconds = t;
  seedFrom(t);
  seekTimelines(t, false);
  // GSAP counts them: it puts off the first drawing of a tween once per animation frame.
  flushFrames(Infinity);
}

/** @param {number} t  @param {number} frame  @param {boolean} backward */
function arrive(t, frame, backward) {
  showTime(t, false);
  if (!backward) lastFrame = Math.max(lastFrame, frame);
  return finish(t);
}

/** Loops may await between their frames, so each frame gets a task of its own. */
async function replayLoops(replay) {
  const channel = new MessageChannel();
  for (const [earlier] of replay) {
    showTime(frameTime(earlier), false);
    const task = new Promise((resolve) => (channel.port1.onmessage = resolve));
    channel.port2.postMessage(null);
    await task;
  }
  channel.port1.close();
}

/** Frames inside, and pages that draw by event. */
function finish(t) {
  const promises = [];
  for (const inner of innerRuntimes()) {
    const result = inner.seek(t);
    if (result !== 0) promises.push(result);
  }
  callDrawers(t);
  promises.push(...drawFrameSources(t));
  const detail = { time: t, waitUntil: (promise) => void promises.push(promise) };
  // What a listener throws never reaches whoever dispatched; the browser reports it here.
  const hear = (event) => void thrown.push(event.error ?? event.message);
  window.addEventListener("error", hear);
  window.dispatchEvent(new CustomEvent("hf-seek", { detail }));
  window.removeEventListener("error", hear);
  repaintOverlooked();
  promises.push(...imagesToCome());
  const fonts = fontsToCome();
  if (fonts) promises.push(fonts);
  if (onTheirWay.size > 0) promises.push(requestsToCome());
  if (maps().length > 0) promises.push(mapsToCome());
  const [first] = thrown.splice(0);
  if (first !== undefined) throw first;
  if (promises.length === 0) return hasShaders() ? finishShaders(t) : 0;
  return Promise.all(promises).then(() => (hasShaders() ? finishShaders(t) : 0));
}

/** Last of all, because scenes are copied as they are. */
function finishShaders(t) {
  return prepareShaders(t)?.then(() => TO_BE_BLENDED) ?? 0;
}
