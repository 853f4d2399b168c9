// Notices that the document's structure has changed, so that a frame need not look.

let structureChanged = true;

const changes = new MutationObserver(noteChanges);
changes.observe(document, {
  subtree: true,
  childList: true,
  attributes: true,
  attributeFilter: ["class", "data-start", "data-duration", "data-end", "data-hidden", "data-composition-id"],
});

/** @param {MutationRecord[]} records */
function noteChanges(records) {
  for (const record of records) {
    if (record.type === "attributes") {
      if (record.attributeName === "class") animationsChanged = true;
      else structureChanged = true;
    } else if (bringsElements(record.addedNodes) || bringsElements(record.removedNodes)) {
      structureChanged = true;
      animationsChanged = true;
    }
    if (structureChanged && animationsChanged) return;
  }
}

/** Text that changes (a counter) is no structure. */
function bringsElements(nodes) {
  for (const node of nodes) if (node.nodeType === Node.ELEMENT_NODE) return true;
  return false;
}

/** @type {HTMLIFrameElement[]} */
let frames = [];

/** What has changed since the last look, from within the same task. */
function catchUpWithChanges() {
  noteChanges(changes.takeRecords());
  if (!structureChanged) return;
  structureChanged = false;
  sheetsMove = null;
  layOut();
  buildClips();
  findMovingPictures();
  watchPaint();
  frames = [...document.querySelectorAll("iframe")];
  // Our own writes are no change of structure, but elements may have joined while we looked.
  noteChanges(changes.takeRecords());
}

/** The runtimes of frames that we may look into. */
function* innerRuntimes() {
  for (const frame of frames) {
    try {
      const runtime = frame.contentWindow?.__framewright;
      if (runtime) yield runtime;
    } catch {
      // of another origin: it stands at time 0
    }
  }
}
