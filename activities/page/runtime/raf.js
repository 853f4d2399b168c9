// Animation frames happen when the film's time is set, not when the display refreshes.
//
// Pages also use them to put things off while they load ("after the next frame, build the
// timeline"). So before the first seek the queue is served at time 0, but a chain of callbacks
// that re-request themselves gets a fixed number of turns: how long loading takes in real time
// must not decide how often a loop has run.

/** Turns that every chain of callbacks has had when the page is settled. */
const LOADING_TURNS = 4;

/**
 * Milliseconds between loading and the first frame. Tickers that began while the page loaded do
 * nothing in a frame that is not later, and the page would stay blank.
 */
const FIRST_FRAME_MS = 0.001;

const PUMP_MS = 4;
/** More than any chain of awaits between one animation frame and the request for the next. */
const MICROTASK_HOPS = 50;

/** @type {Map<number, {callback: FrameRequestCallback, turn: number}>} */
const frameQueue = new Map();
let nextFrameId = 1;
let currentTurn = 0;
/** The callback that runs while the page loads. @type {FrameRequestCallback | null} */
let running = null;
let turnsAllowed = LOADING_TURNS;
let pumping = false;
let settled = false;

hide(window, "requestAnimationFrame", (callback) => {
  const id = nextFrameId;
  nextFrameId += 1;
  // What asks for itself again draws, and puts nothing off.
  frameQueue.set(id, { callback, turn: callback === running ? LOADING_TURNS : currentTurn });
  pumpWhileLoading();
  return id;
});
hide(window, "cancelAnimationFrame", (id) => {
  frameQueue.delete(id);
});

/**
 * Calls what is queued now; what these request is for the next flush.
 * @param {number} turnLimit callbacks that are this many turns deep stay queued
 * @returns {boolean} whether anything ran
 */
function flushFrames(turnLimit) {
  const batch = [...frameQueue].filter(([, entry]) => entry.turn < turnLimit);
  for (const [id, entry] of batch) {
    // An earlier callback of this batch may have cancelled it.
    if (!frameQueue.delete(id)) continue;
    currentTurn = settled ? 0 : entry.turn + 1;
    running = settled ? null : entry.callback;
    guarded(entry.callback, settled ? Math.max(FIRST_FRAME_MS, pageNow()) : pageNow());
  }
  running = null;
  currentTurn = 0;
  return batch.length > 0;
}

function pumpWhileLoading() {
  if (pumping || settled) return;
  pumping = true;
  native.setTimeout(pump, PUMP_MS);
}

/** One by one: what a callback's promises request belongs to its turn, and to no other's. */
async function pump() {
  const batch = [...frameQueue].filter(([, entry]) => entry.turn < turnsAllowed);
  for (const [id, entry] of batch) {
    if (settled || !frameQueue.delete(id)) continue;
    currentTurn = entry.turn + 1;
    running = entry.callback;
    guarded(entry.callback, pageNow());
    // Promises go on within this task, so no other task can be taken for one of them.
    for (let hop = 0; hop < MICROTASK_HOPS; hop += 1) await null;
    running = null;
    currentTurn = 0;
  }
  pumping = false;
  if (hasTurnsBelow(turnsAllowed)) pumpWhileLoading();
}

/** @param {number} limit */
function hasTurnsBelow(limit) {
  for (const entry of frameQueue.values()) if (entry.turn < limit) return true;
  return false;
}

/** A page that polls by animation frames for something to register would starve on few turns. */
function allowEndlessTurns() {
  if (turnsAllowed === Infinity) return;
  turnsAllowed = Infinity;
  pumpWhileLoading();
}

/** Gives what is left of every chain's turns; then only seeks flush. */
function finishLoadingTurns() {
  for (let turn = 0; turn < LOADING_TURNS && flushFrames(LOADING_TURNS); turn += 1);
  settled = true;
}

/** @param {FrameRequestCallback | null} known a callback that does not count */
function hasFrameLoops(known) {
  for (const entry of frameQueue.values()) if (entry.callback !== known) return true;
  return false;
}
