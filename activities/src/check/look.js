// Looks at a page for `framewright check`. It stands behind the runtime and before the page's own
// scripts; what it finds is asked for with `__framewrightCheck`.
//
// Elements are told by the attribute that says where they were written (`AT`), times in seconds.

(() => {
  "use strict";
  if (window.top !== window) return;

  const AT = "data-framewright-at";
  /** Fainter than this is decoration. */
  const FAINT = 0.15;
  /** Letters may stand out of their box by this much, px. */
  const TOLERANCE = 2;
  /** In so many looks a text or element must have been seen before "always" means anything. */
  const ENOUGH = 3;
  const UNREAD = "script, style, template, noscript, title, option, desc, metadata";

  // --- scripts that throw

  /** @typedef {{message: string, url: string, line: number}} Thrown */
  /** @type {{loading: Thrown[], moving: Thrown[]}} */
  const thrown = { loading: [], moving: [] };
  /** What the page wrote to the console. @type {Thrown[]} */
  const said = [];
  const OWN = /(https?:\/\/film\.localhost\/[^\s)]*?):(\d+):\d+/;

  /** @returns {Thrown} with the first place in the project's own files, if there is one */
  function describe(error, url = "", line = 0) {
    const text = String(error?.stack ?? "");
    const own = OWN.exec(text);
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { message: message.split("\n")[0], url: own ? own[1] : url, line: own ? Number(own[2]) : line };
  }

  function record(what) {
    const list = window.__renderReady ? thrown.moving : thrown.loading;
    if (list.length < 20) list.push(what);
  }

  window.addEventListener("error", (event) => {
    if (event.target !== window) return;
    const what = describe(event.error ?? event.message, event.filename, event.lineno);
    // The place of a mistake in the script's own text is not in its stack.
    if (event.error instanceof SyntaxError && event.filename) Object.assign(what, { url: event.filename, line: event.lineno });
    record(what);
  });
  window.addEventListener("unhandledrejection", (event) => record(describe(event.reason)));

  for (const kind of ["warn", "error"]) {
    const original = console[kind];
    console[kind] = (...values) => {
      original.apply(console, values);
      // How the runtime tells what a script of a mounted file threw.
      const error = values.find((value) => value instanceof Error);
      if (error && String(values[0]).startsWith("composition `")) return record(describe(error));
      const message = values.map(String).join(" ").split("\n")[0].slice(0, 200);
      const own = OWN.exec(new Error().stack);
      if (said.length < 20) said.push({ message, url: own?.[1] ?? "", line: Number(own?.[2] ?? 0) });
    };
  }

  // --- timers

  /** @type {Map<number, {kind: string, delay: number, url: string, line: number}>} */
  const timers = new Map();

  /** Who called our caller, if that is a script of the project. */
  function caller() {
    const frames = new Error().stack.split("\n").filter((line) => /https?:\/\//.test(line));
    return OWN.exec(frames[0] ?? "");
  }

  for (const kind of ["setTimeout", "setInterval"]) {
    const original = window[kind];
    const set = function (callback, delay, ...args) {
      const where = caller();
      const once = kind === "setTimeout" && typeof callback === "function";
      const run = once
        ? (...values) => {
            timers.delete(id);
            return callback.apply(window, values);
          }
        : callback;
      const id = original.call(window, run, delay, ...args);
      if (where) timers.set(id, { kind, delay: Number(delay) || 0, url: where[1], line: Number(where[2]) });
      return id;
    };
    Object.defineProperty(window, kind, { value: set, configurable: true, writable: true, enumerable: true });
  }
  for (const name of ["clearTimeout", "clearInterval"]) {
    const original = window[name];
    const clear = (id) => {
      timers.delete(id);
      original.call(window, id);
    };
    Object.defineProperty(window, name, { value: clear, configurable: true, writable: true, enumerable: true });
  }

  // --- what is seen

  /**
   * @typedef {object} Seen
   * @property {number} shown in how many looks it was visible
   * @property {number} cut in how many of these an edge of the frame cut it
   * @property {number} clipped in how many of these a box around it cut it
   * @property {number} outside in how many of these nothing of it was in the frame
   * @property {{t: number, by: number, side: string} | null} overflow the first time that it was larger than its box
   * @property {string} text
   * @property {number} t when it was first seen
   */
  /** @type {Map<Element, Seen>} */
  const seen = new Map();

  const visible = (element) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && opacityOf(element) >= FAINT;

  function opacityOf(element) {
    let opacity = 1;
    for (let up = element; up; up = up.parentElement) opacity *= Number(getComputedStyle(up).opacity);
    return opacity;
  }

  const allows = (element, name) => element.closest(`[${name}], [data-layout-ignore]`) !== null;

  /** @returns {Seen} */
  function entryOf(element, t) {
    let entry = seen.get(element);
    if (!entry) seen.set(element, (entry = { shown: 0, cut: 0, clipped: 0, outside: 0, overflow: null, text: "", t }));
    return entry;
  }

  const isApart = (a, b) => a.right <= b.left || a.left >= b.right || a.bottom <= b.top || a.top >= b.bottom;

  /**
   * Whether letters are cut. A line's box is higher than its letters, so a part of it may go.
   * @param {{rect: DOMRect, line: number}} text
   */
  function isCut({ rect, line }, { left, right, top, bottom }) {
    const aside = Math.max(TOLERANCE, line * 0.15);
    const above = Math.max(TOLERANCE, line * 0.35);
    return rect.left < left - aside || rect.right > right + aside || rect.top < top - above || rect.bottom > bottom + above;
  }

  /** @param {Element} root  @returns {Map<Element, Text[]>} visible text by the element that holds it */
  function texts(root) {
    const found = new Map();
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!parent || node.data.trim() === "" || parent.closest(UNREAD)) continue;
      if (!found.has(parent)) {
        if (!visible(parent)) continue;
        found.set(parent, []);
      }
      found.get(parent).push(node);
    }
    return found;
  }

  /** @param {Text[]} nodes  @returns {{rect: DOMRect, line: number} | null} its box, and the height of a line */
  function boxOfText(nodes) {
    const range = document.createRange();
    range.setStart(nodes[0], 0);
    range.setEnd(nodes.at(-1), nodes.at(-1).length);
    const rect = range.getBoundingClientRect();
    const line = range.getClientRects()[0]?.height ?? 0;
    return rect.width >= 1 && rect.height >= 1 ? { rect, line } : null;
  }

  /** The element whose lines hold the text of `element`. */
  function boxOf(element) {
    for (let up = element; up; up = up.parentElement) {
      const { display } = getComputedStyle(up);
      if (display !== "inline" && display !== "contents") return up;
    }
    return null;
  }

  /** Whether something in a box is moved out of its place, so that its overflow says nothing of its text. */
  const holdsMoved = (box) =>
    [...box.querySelectorAll("*")].slice(0, 200).some((child) => {
      const { transform, position, translate, scale, rotate } = getComputedStyle(child);
      return position === "absolute" || [transform, translate, scale, rotate].some((value) => value !== "none");
    });

  /** By how much text is larger than its own box, in the layout, whatever transforms do to it later. */
  function overflowOf(element) {
    const box = boxOf(element);
    if (!(box instanceof HTMLElement) || box.clientWidth === 0) return null;
    const style = getComputedStyle(box);
    if (style.textOverflow === "ellipsis") return null;
    const size = Number.parseFloat(getComputedStyle(element).fontSize) || 16;
    const wide = box.scrollWidth - box.clientWidth;
    const high = box.scrollHeight - box.clientHeight;
    const side = wide > Math.max(TOLERANCE, size * 0.1) ? "wide" : high > size * 0.6 ? "high" : null;
    if (!side || holdsMoved(box)) return null;
    return { side, by: Math.round(side === "wide" ? wide : high) };
  }

  /** The nearest box that cuts off what leaves it, below the root. */
  function clipOf(element, root) {
    for (let up = element.parentElement; up && up !== root; up = up.parentElement) {
      const { overflowX, overflowY, textOverflow } = getComputedStyle(up);
      if (textOverflow === "ellipsis") return null;
      if (overflowX !== "visible" || overflowY !== "visible") return up.getBoundingClientRect();
    }
    return null;
  }

  function lookAtTexts(root, frame, t) {
    for (const [element, nodes] of texts(root)) {
      const found = boxOfText(nodes);
      if (!found) continue;
      const entry = entryOf(element, t);
      entry.shown += 1;
      entry.text ||= nodes.map((node) => node.data).join("").trim().replace(/\s+/g, " ").replace(/^(.{60}).+$/, "$1…");
      if (isApart(found.rect, frame)) entry.outside += 1;
      else if (isCut(found, frame)) entry.cut += 1;
      const clip = clipOf(element, root);
      if (clip && isCut(found, clip)) entry.clipped += 1;
      const overflow = overflowOf(element);
      if (overflow && !entry.overflow) entry.overflow = { ...overflow, t };
    }
  }

  function lookAtElements(root, frame, t) {
    for (const element of root.querySelectorAll("img, svg, canvas, video, iframe, [data-start]")) {
      if (element.parentElement?.closest("svg") || seen.get(element)?.text || !visible(element)) continue;
      const rect = element.getBoundingClientRect();
      if (rect.width < 1 || rect.height < 1) continue;
      const entry = entryOf(element, t);
      entry.shown += 1;
      if (isApart(rect, frame)) entry.outside += 1;
    }
  }

  const findRoot = () =>
    document.querySelector('[data-composition-id][data-root="true"]') ?? document.querySelector("[data-composition-id]");

  /**
   * Moves the page to a time and looks at it.
   * @param {number} t
   * @returns {Promise<Thrown | null>} what the page threw on its way
   */
  async function look(t) {
    try {
      await globalThis.__framewright.seek(t);
    } catch (error) {
      return describe(error);
    }
    const root = findRoot();
    const frame = root.getBoundingClientRect();
    const told = Math.round(t * 100) / 100;
    lookAtTexts(root, frame, told);
    lookAtElements(root, frame, told);
    return null;
  }

  const shownAs = (element) => {
    const id = element.id ? ` id="${element.id}"` : "";
    const name = element.getAttribute("class") ? ` class="${element.getAttribute("class")}"` : "";
    return `<${element.localName}${id}${name}>`;
  };

  /** All that was found. */
  function report() {
    const texts = [];
    const outside = [];
    const told = new Set();
    for (const [element, { shown, cut, clipped, outside: apart, overflow, text, t }] of seen) {
      const at = element.closest(`[${AT}]`)?.getAttribute(AT) ?? "";
      const often = shown >= ENOUGH;
      if (often && apart === shown) {
        const within = outside.some((one) => one.element.contains(element));
        if (!within && !allows(element, "data-layout-ignore")) outside.push({ element, at, t, what: text ? `"${text}"` : shownAs(element) });
        continue;
      }
      const how = overflow?.side ?? (often && clipped === shown ? "clipped" : often && cut + apart === shown ? "cut" : null);
      // Letters that a script has made of one text are one finding.
      if (!text || !how || told.has(at + how) || allows(element, "data-layout-allow-overflow")) continue;
      told.add(at + how);
      texts.push({ at, text, t: overflow?.t ?? t, how, by: overflow?.by ?? 0 });
    }
    return {
      texts,
      outside: outside.map(({ at, t, what }) => ({ at, t, what })),
      loading: thrown.loading,
      moving: thrown.moving,
      said,
    };
  }

  const check = Object.freeze({ look, report, timers: () => [...timers.values()] });
  Object.defineProperty(globalThis, "__framewrightCheck", { value: check, enumerable: false });
})();
