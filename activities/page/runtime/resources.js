// What the page could not load, and what its scripts threw, so that an error can say why.

/** @type {Set<EventTarget>} */
const failedResources = new Set();
/** @type {WeakSet<EventTarget>} */
const loadedScripts = new WeakSet();
/** URLs of scripts that could not be had. @type {string[]} */
const missingScripts = [];
/** Other things worth a line in the report, at most {@link MOST_NOTES}. @type {string[]} */
const notes = [];
const MOST_NOTES = 20;
/** Whether a script of the page itself has failed: what it was to do may be missing. */
let scriptsFailed = false;

function note(text) {
  if (notes.length < MOST_NOTES && !notes.includes(text)) notes.push(text);
}

window.addEventListener(
  "error",
  (event) => {
    const element = event.target;
    if (!(element instanceof Element)) {
      scriptsFailed = true;
      const place = event.filename ? ` (${event.filename}:${event.lineno})` : "";
      note(`${event.message}${place}`);
      blameWebgpu(event.message);
      return;
    }
    failedResources.add(element);
    const url = element.src || element.href?.baseVal || element.href || "";
    // A page that has an `onerror` has a plan of its own.
    if (element.tagName === "SCRIPT" && !element.onerror && element.getAttribute("src")?.trim() !== "") missingScripts.push(url);
    note(`<${element.tagName.toLowerCase()}> could not load \`${url}\``);
  },
  true,
);
// Load events of elements pass the document but never the window.
document.addEventListener("load", (event) => loadedScripts.add(event.target), true);
window.addEventListener("unhandledrejection", (event) => {
  scriptsFailed = true;
  const reason = String(event.reason?.stack?.split("\n")[0] ?? event.reason);
  note(`Unhandled rejection: ${reason}`);
  blameWebgpu(reason);
});

/** @returns {string[]} scripts that were asked for and have neither come nor failed */
function pendingScripts() {
  const pending = [];
  for (const script of document.scripts) {
    if (!script.src || loadedScripts.has(script) || failedResources.has(script)) continue;
    if (/^(|module|(text|application)\/(java|ecma)script)$/i.test(script.type.trim())) pending.push(script.src);
  }
  return pending;
}
