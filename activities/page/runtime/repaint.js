// What Chromium would leave as it was painted, though it would paint it otherwise now.
//
// An element that moves by less than about a hundredth of a pixel is not painted anew until such
// steps have added up, so which frame shows the next phase of its letters depends on where playing
// began. And where a layer lies between pixels counts only while it is not turned or scaled: when
// that changes, its old paint stays. Such elements are painted anew, and only these, so that a
// page that begins in mid film looks like one that came from its beginning.

/** The raster invalidator looks past translations below this, in px. Found by trying. */
const OVERLOOKED = 0.0101;
/** …and past this much of anything else. */
const OVERLOOKED_TURN = 1e-4;

/** @type {{element: HTMLElement | SVGElement, transform: string}[]} */
let painted = [];

/** Seeks of this page that still paint all of it. */
let wholePaints = 2;

/** After the structure has changed: elements keep what they were last painted with. */
function watchPaint() {
  const before = new Map(painted.map(({ element, transform }) => [element, transform]));
  painted = [...document.querySelectorAll("body *")]
    .filter((element) => element.style)
    .map((element) => ({ element, transform: before.get(element) ?? element.style.transform }));
}

function repaintOverlooked() {
  /** @type {(HTMLElement | SVGElement)[]} */
  const stale = [];
  for (const entry of painted) {
    const { transform } = entry.element.style;
    if (transform === entry.transform) continue;
    if (isOverlooked(entry.transform, transform)) stale.push(entry.element);
    entry.transform = transform;
  }
  // How often the page was laid out while it loaded is a matter of time: none of it may be left.
  // Twice, because the first frame of all can differ in a few pixels from the same frame later.
  if (wholePaints > 0) {
    wholePaints -= 1;
    repaint([document.documentElement]);
  }
  repaint(stale);
}

/**
 * Paints elements, and what inherits from them, by a change and its taking back. Any property would
 * do that is painted with and changes no layout.
 * @param {(HTMLElement | SVGElement)[]} elements
 */
function repaint(elements) {
  const own = elements.map(({ style }) => style.imageRendering);
  for (const { style } of elements) style.imageRendering = style.imageRendering === "pixelated" ? "auto" : "pixelated";
  flushStyles(elements);
  elements.forEach((element, i) => {
    element.style.imageRendering = own[i];
    if (element.getAttribute("style") === "") element.removeAttribute("style");
  });
  flushStyles(elements);
}

/** The style of an element is brought up to date when it is asked for, and not that of others. */
function flushStyles(elements) {
  for (const element of elements) void getComputedStyle(element).imageRendering;
}

const onlyMoves = (transform) => /^(?:none|(?:translate(?:3d|[XYZ])?\([^)]*\)\s*)*)$/.test(transform);

function isOverlooked(before, now) {
  const moves = onlyMoves(now);
  if (moves !== onlyMoves(before)) return true;
  const from = before.match(NUMBER);
  const to = now.match(NUMBER);
  if (!from || from.length !== to?.length) return false;
  const least = moves ? OVERLOOKED : OVERLOOKED_TURN;
  return from.every((number, i) => Math.abs(number - to[i]) < least);
}
