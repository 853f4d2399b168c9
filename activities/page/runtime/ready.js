// Ready means that frame 0 can be shown. Each wait has a name and a budget; when one runs out, the
// error says what was pending and for how long.

/**
 * @typedef {object} Wait
 * @property {"document" | "scripts" | "fonts" | "timelines" | "images" | "requests" | "adapters"} name
 * @property {number} budget milliseconds of real time
 * @property {() => string[]} pending ids or URLs; empty when the wait is over
 * @property {number | null} since when it was first seen pending
 */

/** @param {Wait["name"]} name  @param {number} budget  @returns {Wait} */
const wait = (name, budget, pending) => ({ name, budget: config.budgets[name] ?? budget, pending, since: null });

const waits = [
  wait("document", 30_000, pendingDocument),
  wait("scripts", 30_000, () => [...pendingScripts(), ...pendingTurns()]),
  wait("fonts", 10_000, pendingFonts),
  wait("timelines", 10_000, pendingTimelines),
  wait("images", 15_000, () => [...pendingImages(), ...pendingStock()]),
  wait("requests", 20_000, pendingRequests),
  wait("adapters", 20_000, () => [...pendingAdapters(), ...pendingPlayers(), ...pendingShaders(), ...pendingCaptions()]),
];

/**
 * How long timelines may be missing before pages that poll by animation frames are helped. Long,
 * because from then on real time decides how often the page's loops turn before the film begins.
 */
const POLLING_PATIENCE = 2_000;

/** @type {null | {kind: string, message: string, source: string | null}} */
let failure = null;

function fail(kind, message, source = null) {
  failure ??= { kind, message, source };
}

function pendingDocument() {
  if (document.readyState === "complete") return [];
  const late = [...pendingScripts(), ...pendingSheets()];
  return late.length > 0 ? late : ["document"];
}

/** So that every loop has turned equally often when the film begins. */
const pendingTurns = () => (hasTurnsBelow(LOADING_TURNS) ? ["requestAnimationFrame"] : []);

function pendingFonts() {
  if (document.fonts.status === "loaded") return [];
  const loading = [...document.fonts].filter((face) => face.status === "loading");
  return loading.length > 0 ? loading.map((face) => `${face.family} ${face.weight} ${face.style}`) : ["fonts"];
}

function pendingTimelines() {
  const root = findRoot();
  if (!root || root.hasAttribute("data-no-timeline")) return [];
  const id = root.getAttribute("data-composition-id");
  const waiting =
    // Pages that build in pieces say so until the last one is there.
    window.__hfTimelinesBuilding === true ||
    (!isRegistered(id) && !goneOn && mayRegister()) ||
    (declaredDuration === null && !(inferredDuration() > 0));
  return [...(waiting ? [id] : []), ...(goneOn ? [] : pendingMounts())];
}

const isRegistered = (id) => isTimeline(window.__timelines?.[id]) || keyedAnime.has(id);

/** Mounted files that register later than their script runs. */
const pendingMounts = () =>
  [...registering].filter((id) => !isRegistered(id) && document.querySelector(`[data-composition-id="${CSS.escape(id)}"]:not([data-no-timeline])`));

/** Whether the film begins without a timeline that never came. */
let goneOn = false;

/** Whether a script of the page may register a timeline, or was to: one that names the registry, or one whose text is not in the page. */
function mayRegister() {
  if (scriptsFailed) return true;
  return [...document.scripts].some((script) => {
    // Libraries come from elsewhere, and register nothing by themselves.
    if (script.src) return !script.src.endsWith(GATE_PATH) && script.src.startsWith(`${location.origin}/`);
    // What we have put there ourselves, around scripts of mounted files, registers under their ids.
    return REGISTERS.test(script.textContent) && !script.textContent.includes("__framewright");
  });
}

const REGISTERS = /__timelines|hyperframesAnime|\b(?:from|import)\s*\(?\s*["'`][./]/;

/** @type {WeakMap<HTMLImageElement, string>} what was decoded, or is beyond it */
const decoded = new WeakMap();
/** @type {WeakMap<HTMLImageElement, string>} */
const decoding = new WeakMap();

function pendingImages() {
  const pending = [];
  for (const image of document.images) {
    if (image.loading === "lazy") image.loading = "eager";
    const source = image.currentSrc || image.src;
    if (!source || decoded.get(image) === source || failedResources.has(image)) continue;
    pending.push(source);
    if (!image.complete || decoding.get(image) === source) continue;
    decoding.set(image, source);
    const done = () => decoded.set(image, source);
    image.decode().then(done, done);
  }
  return pending;
}

/** @type {WeakSet<object>} */
const fulfilled = new WeakSet();
/** @type {WeakSet<object>} */
const awaited = new WeakSet();

function pendingAdapters() {
  const pending = [];
  const promise = window.__tailwindReady;
  if (typeof promise?.then === "function" && !fulfilled.has(promise)) {
    pending.push("__tailwindReady");
    if (!awaited.has(promise)) {
      awaited.add(promise);
      const done = () => fulfilled.add(promise);
      promise.then(done, done);
    }
  }
  return pending;
}

/** @returns {number} seconds; what the page's timelines and media add up to */
function inferredDuration() {
  const root = findRoot();
  const timeline = window.__timelines?.[root?.getAttribute("data-composition-id") ?? ""];
  let longest = isTimeline(timeline) ? lengthOf(timeline) : 0;
  for (const { id, instance } of keyedAnime.values()) {
    if (instance.duration > 0) longest = Math.max(longest, filmTime(scopeOf(id), instance.duration / 1000));
  }
  const windows = "video[data-start], audio[data-start], [data-composition-id][data-start]";
  for (const element of root?.querySelectorAll(windows) ?? []) {
    const end = endOf(element, startOf(element, new Map(), []));
    const scope = scopeAround(element);
    if (Number.isFinite(end)) longest = Math.max(longest, filmTime(scope, end));
  }
  return longest;
}

/** GSAP's length of a timeline that repeats for ever is a number of this order. */
const ENDLESS = 1e7;

/** @returns {number | null} seconds */
function duration() {
  if (!findRoot()) return null;
  if (declaredDuration === null) {
    const inferred = inferredDuration();
    if (inferred >= ENDLESS) {
      fail("duration", "the root timeline never ends: give the root element a `data-duration`");
    }
    return inferred > 0 ? inferred : null;
  }
  const declared = Number(declaredDuration);
  if (!(declared > 0) || !Number.isFinite(declared)) {
    fail("duration", `\`data-duration="${declaredDuration}"\` is not a length in seconds`);
    return null;
  }
  return declared;
}

function check() {
  if (failure || settled) return [];
  if (document.readyState === "complete" && !findRoot()) {
    fail("no-composition", "no element of the page has a `data-composition-id`");
  }
  if (missingScripts.length > 0) {
    fail("script", `the script \`${missingScripts[0]}\` could not be loaded`, missingScripts[0]);
  }
  checkWebgpu();
  const now = native.now();
  const report = [];
  for (const one of waits) {
    const what = one.pending();
    if (what.length === 0) {
      one.since = null;
      continue;
    }
    one.since ??= now;
    const ms = Math.round(now - one.since);
    report.push({ wait: one.name, what: what.slice(0, 20), ms });
    if (one.name === "timelines" && ms > POLLING_PATIENCE) allowEndlessTurns();
    if (ms >= one.budget && one.name === "timelines" && goOnWithout(what, ms)) continue;
    if (ms >= one.budget) fail("timeout", overdue(one.name, what, ms), what[0]);
    // What comes after the document cannot be judged before it is there.
    if (one.name === "document") break;
  }
  return report;
}

/**
 * A page that has told its length and thrown nothing may draw by other means. It goes on, with a
 * remark.
 */
function goOnWithout(what, ms) {
  const root = findRoot()?.getAttribute("data-composition-id");
  if (what.includes(root) && (declaredDuration === null || scriptsFailed || window.__hfTimelinesBuilding === true)) return false;
  goneOn = true;
  note(`${overdue("timelines", what, ms)}; it is shown without one`);
  return true;
}

function overdue(name, what, ms) {
  const list = what.slice(0, 5).map((item) => `\`${item}\``).join(", ");
  const hint =
    name !== "timelines"
      ? ""
      : declaredDuration === null && isTimeline(window.__timelines?.[what[0]])
        ? "; its timeline has no length and the root has no `data-duration`"
        : "; it registered nothing in `window.__timelines` (a page without a timeline says `data-no-timeline`)";
  const seen = notes.length > 0 ? `; the page said: ${notes[0]}` : "";
  return `waited ${(ms / 1000).toFixed(1)} s for ${name}: ${list}${hint}${seen}`;
}

/** How long a page that is ready in all else may take to tell its length, milliseconds. */
const LENGTH_PATIENCE = 5000;
let lengthlessSince = null;

/** @param {number | null} length of a page that is ready in all else */
function missLength(length) {
  if (length !== null) lengthlessSince = null;
  else if (!failure) lengthlessSince ??= native.now();
  if (lengthlessSince !== null && native.now() - lengthlessSince > LENGTH_PATIENCE) {
    fail("duration", "the composition has no length: its root has no `data-duration`, and no timeline or medium of it has one");
  }
}

/** Plain data for the driver; cheap enough to be asked for every few milliseconds. */
function status() {
  const pending = check();
  const root = findRoot();
  const loaded = document.readyState === "complete" && pending.length === 0;
  const length = loaded ? duration() : null;
  if (loaded) missLength(length);
  if (loaded && !settled) catchUpWithChanges();
  if (timingMistake) fail("timing", timingMistake);
  const ready = !failure && pending.length === 0 && length !== null;
  return {
    ready,
    pending,
    failed: failure,
    duration: length,
    width: root ? rootWidth(root) : null,
    height: root ? rootHeight(root) : null,
    compositionId: root?.getAttribute("data-composition-id") ?? null,
    notes: [...notes],
    print: ready ? printOfLoad() : "",
  };
}
