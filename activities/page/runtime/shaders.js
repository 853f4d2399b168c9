// Transitions of `@hyperframes/shader-transitions`. Told that it is being rendered, the library
// flips scenes by the timeline, and offers to blend two of them in the page: it clones them into
// canvases, and when the browser has painted these it draws them through its shader. So such a frame
// takes two paints, and the driver makes the first when a seek answers `TO_BE_BLENDED`.

/** What a seek answers when the page must be painted, and `blend()` called, before it is right. */
const TO_BE_BLENDED = 1;

hide(window, "__HF_VIRTUAL_TIME__", {
  seekToTime: (ms) => seek(ms / 1000),
  getTime: () => pageNow(),
  originalSetTimeout: native.setTimeout,
});
hide(window, "__HF_PAGE_SIDE_COMPOSITING__", true);

/** Whether the library is asked what it has to add to a moment that is shown already. */
let asking = false;

/** For drivers and for the library, which wraps it. */
function seekByBridge(t) {
  return asking ? 0 : seek(t);
}

const hasShaders = () => typeof window.__hf_page_composite_prepare === "function";

/** The library looks for what it wraps every 50 ms. */
const pendingShaders = () => (hasShaders() && window.__hf?.seek === seekByBridge ? ["shader-transitions"] : []);

/** @param {number} t  @returns {Promise<unknown> | null} `null` where no two scenes are blended */
function prepareShaders(t) {
  asking = true;
  try {
    window.__hf.seek(t);
  } finally {
    asking = false;
  }
  const stages = document.querySelectorAll("canvas[layoutsubtree]");
  if (!window.__hf_page_composite_pending) {
    // What they showed last would shine through scenes without a background.
    for (const { style } of stages) if (style.display !== "none") style.display = "none";
    return null;
  }
  setStages(stages);
  return Promise.resolve(window.__hf_page_composite_prepare()).then(() => copyScenes(stages));
}

/** Where copies look like their scenes: style sheets and what is inherited depend on what is around. */
function setStages(stages) {
  const scene = document.getElementById(window.__hf.transitions?.[0]?.fromScene);
  for (const stage of stages) {
    if (stage.style.display === "none") stage.style.display = "";
    if (scene?.parentElement && stage.parentElement === document.body) scene.parentElement.append(stage);
  }
}

function copyScenes(stages) {
  const done = [];
  for (const stage of stages) {
    const copy = stage.firstElementChild;
    const original = copy?.id ? document.getElementById(copy.id) : null;
    if (original && original !== copy) done.push(guarded(completeCopy, original, copy));
  }
  return Promise.all(done);
}

/** After the page was painted. */
function blend() {
  if (window.__hf_page_composite_resolve?.() === false) throw new Error("a shader transition could not be drawn");
  return 0;
}
