// What the browser gave us, kept before the page can see or change it. Our own waiting is done in
// real time with these; everything the page gets is virtual.

const native = {
  Date: window.Date,
  now: performance.now.bind(performance),
  setTimeout: window.setTimeout.bind(window),
  fetch: window.fetch.bind(window),
  Image: window.Image,
  then: Promise.prototype.then,
  listen: EventTarget.prototype.addEventListener,
  reportError: window.reportError.bind(window),
  animate: Element.prototype.animate,
};

/**
 * @typedef {object} Config
 * @property {{num: number, den: number}} fps frames per second, as a fraction
 * @property {Record<string, unknown>} variables the render's variables
 * @property {Record<string, number>} budgets longest waits by name, in milliseconds
 * @property {string[]} images URLs of pictures that the plan holds
 * @property {string} load names this load of the page to the server that serves it
 */

/** @type {Config} */
const config = { fps: { num: 30, den: 1 }, variables: {}, budgets: {}, images: [], load: "", ...window.__framewrightConfig };
delete window.__framewrightConfig;

/** Whether this is the page itself rather than a frame inside it. */
const isTop = window.top === window;

/**
 * Puts something on an object without showing it to `for … in`.
 * @param {object} target
 * @param {PropertyKey} name
 * @param {unknown} value
 */
function hide(target, name, value) {
  Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: false });
}

/** Runs page code; what it throws goes to `window.onerror`, as if the browser had called it. */
function guarded(callback, ...args) {
  try {
    return callback(...args);
  } catch (error) {
    native.reportError(error);
    return undefined;
  }
}
