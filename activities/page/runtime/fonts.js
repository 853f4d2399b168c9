// The fonts gate: scripts of the body run only when fonts are there, because pages measure text
// while they build their timelines.
//
// The compiled page holds one empty, parser-blocking script before the first script of its body.
// The server keeps its answer until we report here that fonts are loaded, so the parser itself
// does the waiting and `currentScript`, `document.write` and the order of events stay native.

const GATE_PATH = "/__framewright/fonts-ready";
const FONTS_LOADED_PATH = "/__framewright/fonts-loaded";

/** More faces than this are families in many subsets: only those that the text needs are loaded. */
const MOST_FACES = 200;
const PRINTABLE_ASCII = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => i + 32));

const fontsBudget = config.budgets.fonts ?? 10_000;
let gateReported = false;

/** @returns {string[]} style sheets that have neither arrived nor failed */
function pendingSheets() {
  const pending = [];
  for (const link of document.querySelectorAll('link[rel~="stylesheet"][href]')) {
    if (!link.sheet && !link.disabled && !failedResources.has(link)) pending.push(link.href);
  }
  for (const style of document.querySelectorAll("style")) collectPendingImports(style.sheet, pending);
  return pending;
}

function collectPendingImports(sheet, pending) {
  let rules;
  try {
    rules = sheet?.cssRules ?? [];
  } catch {
    return; // of another origin: its link would still be without a sheet
  }
  for (const rule of rules) {
    if (!(rule instanceof CSSImportRule)) continue;
    if (rule.styleSheet) collectPendingImports(rule.styleSheet, pending);
    else pending.push(rule.href);
  }
}

/**
 * Loads every declared face, also those whose text the blocked parser has not reached.
 * `document.fonts.ready` cannot be waited for here: it counts the parser's work as pending.
 */
async function loadFaces() {
  // Faces of style sheets join `document.fonts` when styles are computed.
  getComputedStyle(document.documentElement).color;
  const faces = [...document.fonts];
  if (faces.length <= MOST_FACES) {
    const missing = (face) => note(`the font \`${face.family} ${face.weight}\` could not be loaded`);
    await Promise.allSettled(faces.map((face) => face.load().catch(() => missing(face))));
    return;
  }
  const sample = `${PRINTABLE_ASCII}${document.body?.textContent ?? ""}`;
  const fonts = faces.map(({ style, weight, family }) => `${style} ${weight.split(" ")[0]} 16px ${family}`);
  await Promise.allSettled([...new Set(fonts)].map((font) => document.fonts.load(font, sample)));
}

/**
 * Faces that text asks for only now: of style sheets that came or changed, of words that were not
 * there. Until they come, Chromium leaves their text out.
 *
 * @returns {null | Promise<unknown>}
 */
function fontsToCome() {
  // Faces are asked for when text is laid out.
  if (hasFaces("unloaded")) document.documentElement.offsetWidth;
  if (!hasFaces("loading")) return null;
  const coming = [...document.fonts].filter((face) => face.status === "loading");
  const all = Promise.allSettled(coming.map((face) => face.loaded));
  const budget = new Promise((resolve) => native.setTimeout(resolve, fontsBudget));
  return Promise.race([all, budget]);
}

/** @param {FontFaceLoadStatus} status */
function hasFaces(status) {
  for (const face of document.fonts) {
    if (face.status === status) return true;
  }
  return false;
}

async function reportFontsLoaded() {
  if (gateReported) return;
  gateReported = true;
  const started = native.now();
  const left = () => fontsBudget - (native.now() - started);
  const pause = (ms) => new Promise((resolve) => native.setTimeout(resolve, ms));
  while (pendingSheets().length > 0 && left() > 0) await pause(4);
  await Promise.race([loadFaces(), pause(Math.max(0, left()))]);
  layOut();
  // Nobody has to listen: a page that is opened by hand has no server of ours behind it.
  const url = `${FONTS_LOADED_PATH}?load=${encodeURIComponent(config.load)}`;
  await native.fetch(url, { method: "POST" }).catch(() => {});
}

function watchForGate() {
  if (gateReported) return;
  const reached =
    document.readyState !== "loading" || document.querySelector(`script[src$="${GATE_PATH}"]`) !== null;
  if (reached) reportFontsLoaded();
  else native.setTimeout(watchForGate, 2);
}

if (isTop) watchForGate();
