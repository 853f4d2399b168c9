// What pages hand over to be shown at a time: drawing functions, frame sources and keyed timelines
// of anime.js. They keep no time of their own.

/**
 * A thing of the page that draws its element at any time of its own.
 * @typedef {object} FrameSource
 * @property {Element} element
 * @property {PromiseLike<unknown>} [ready]
 * @property {{start: number, duration: number, fps: number}} [sourceRange]
 * @property {(time: number, signal: AbortSignal) => void | PromiseLike<unknown>} render
 * @property {() => void} [dispose]
 */

/** @type {Map<Element, {source: FrameSource, abort: AbortController, ready: boolean}>} */
const frameSources = new Map();

/**
 * @param {FrameSource} source
 * @returns {() => void} takes it back
 */
function registerFrameSource(source) {
  const { element, sourceRange: range } = source;
  if (frameSources.has(element)) throw new Error("this element has a frame source already");
  if (range && !(range.start >= 0 && range.duration > 0 && range.fps > 0)) {
    throw new RangeError("the `sourceRange` of a frame source has a start, a duration and a rate");
  }
  const entry = { source, abort: new AbortController(), ready: source.ready === undefined };
  frameSources.set(element, entry);
  const done = () => (entry.ready = true);
  const failed = (error) => {
    thrown.push(error);
    done();
  };
  if (!entry.ready) native.then.call(Promise.resolve(source.ready), done, failed);
  return () => {
    if (frameSources.get(element) !== entry) return;
    frameSources.delete(element);
    entry.abort.abort();
    source.dispose?.();
  };
}

/** @param {number} t film time  @returns {PromiseLike<unknown>[]} what they are still drawing */
function drawFrameSources(t) {
  const drawing = [];
  for (const [element, { source, abort }] of frameSources) {
    const clip = clipOf.get(element) ?? null;
    if (!element.isConnected || clip?.visible === false) continue;
    const range = source.sourceRange;
    const own = Math.max(0, scopes.has(element) ? localTime(scopes.get(element), t) : inClip(element, clip, t));
    const time = range ? range.start + Math.min(own, Math.max(0, range.duration - 1 / range.fps)) : own;
    attempt(() => {
      const promise = source.render(time, abort.signal);
      if (typeof promise?.then === "function") drawing.push(promise);
    });
  }
  return drawing;
}

/** Time since the clip began, as its in-point and its rate make it. */
function inClip(element, clip, t) {
  if (!clip) return timeWithin(element, t);
  return playbackStartOf(element) + (localTime(clip.scope, t) - clip.start) * rateOf(element);
}

/** `__hfThreeRender` and `__hfRender`: a function, or many. @param {number} t film time */
function callDrawers(t) {
  window.__hfTime = t;
  for (const name of ["__hfThreeRender", "__hfRender"]) {
    const drawers = typeof window[name] === "function" ? [window[name]] : registered(name).filter((one) => typeof one === "function");
    for (const draw of drawers) attempt(draw, t);
  }
}

/**
 * @typedef {object} Keyed a timeline of anime.js under the id of a composition
 * @property {string} id
 * @property {string} registryKey
 * @property {any} instance
 * @property {Record<string, number>} labels seconds
 */

/** @type {Map<string, Keyed>} */
const keyedAnime = new Map();

window.hyperframesAnime = {
  register(id, instance, options) {
    const entry = { id, registryKey: id, instance, labels: { ...options?.labels } };
    keyedAnime.set(id, entry);
    instance.pause?.();
    // Otherwise what begins later would not be where it begins from until then.
    instance.init?.();
    return entry;
  },
  unregister: (id) => void keyedAnime.delete(id),
  get: (id) => keyedAnime.get(id) ?? null,
  entries: () => [...keyedAnime.values()],
  resolveLabel: (id, label) => keyedAnime.get(id)?.labels[label] ?? null,
};

/** On the clock of its composition, no further than that goes. @param {number} t film time */
function seekKeyedAnime(t) {
  for (const { id, instance } of keyedAnime.values()) attempt(seekAnime, instance, Math.max(0, localTime(scopeOf(id), t)) * 1000);
}

/** @returns {string[]} */
const pendingSources = () =>
  [...frameSources.values()].filter(({ ready }) => !ready).map(({ source }) => `frame source of \`${source.element.id || source.element.localName}\``);
