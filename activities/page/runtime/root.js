// The root composition: which element it is, what it declares, and the layout it is owed.

/** @typedef {{width: number, height: number, duration: number | null, id: string}} Facts */

/** @type {Element | null} */
let rootElement = null;
/** Read before the page's scripts run, so that a script cannot change the film's length. */
let declaredDuration = null;
/** @type {WeakSet<Element>} */
const laidOut = new WeakSet();

function findRoot() {
  if (rootElement?.isConnected) return rootElement;
  rootElement =
    document.querySelector('[data-composition-id][data-root="true"]') ??
    [...document.querySelectorAll("[data-composition-id]")].find(
      (element) => !element.parentElement?.closest("[data-composition-id]"),
    ) ??
    null;
  if (rootElement && declaredDuration === null) {
    declaredDuration =
      rootElement.getAttribute("data-duration") ?? rootElement.getAttribute("data-composition-duration");
  }
  return rootElement;
}

/**
 * @param {Element} root
 * @param {string} name
 * @param {number} absent
 */
function pixelsOf(root, name, absent) {
  const value = Number.parseFloat(root.getAttribute(name) ?? "");
  return value > 0 ? value : absent;
}

const rootWidth = (root) => pixelsOf(root, "data-width", 1080);
const rootHeight = (root) => pixelsOf(root, "data-height", 1920);

/**
 * Gives the root its box, and timed direct children that are in flow theirs. Style sheets must be
 * there: where an element stands is for the author to say first.
 */
function layOut() {
  const root = findRoot();
  if (!(root instanceof HTMLElement)) return;
  if (!laidOut.has(root)) {
    laidOut.add(root);
    root.style.width = `${rootWidth(root)}px`;
    root.style.height = `${rootHeight(root)}px`;
    root.style.overflow = "hidden";
    if (getComputedStyle(root).position === "static") root.style.position = "relative";
  }
  for (const child of root.children) {
    if (!(child instanceof HTMLElement) || laidOut.has(child) || !isTimed(child)) continue;
    laidOut.add(child);
    const position = getComputedStyle(child).position;
    if (position === "absolute" || position === "fixed") continue;
    const width = hasOwnSize(child, "width");
    const height = hasOwnSize(child, "height");
    child.style.position = "absolute";
    child.style.top = "0px";
    child.style.left = "0px";
    if (!width) child.style.width = "100%";
    if (!height) child.style.height = "100%";
  }
}

/**
 * Whether the author gave an element a size: the computed style map says `auto` where not.
 * @param {HTMLElement} element
 * @param {"width" | "height"} side
 */
function hasOwnSize(element, side) {
  const value = element.computedStyleMap?.().get(side);
  return value !== undefined && String(value) !== "auto";
}

/** Whether visibility by time applies to an element. */
const isTimed = (element) =>
  element.hasAttribute("data-start") && element !== rootElement && element.tagName !== "AUDIO";
