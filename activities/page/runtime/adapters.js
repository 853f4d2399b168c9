// Libraries that keep time of their own, as far as pages hand them over.

/** @param {number} t film time, seconds */
function seekAdapters(t) {
  for (const animation of window.__hfLottie ?? []) {
    // lottie-web counts milliseconds here unless told to count frames.
    if (typeof animation?.goToAndStop === "function") guarded(() => animation.goToAndStop(t * 1000, false));
  }
  for (const animation of window.__hfAnime ?? []) {
    if (typeof animation?.seek !== "function") continue;
    guarded(() => {
      animation.pause?.();
      animation.seek(t * 1000);
    });
  }
  window.__hfThreeTime = t;
}
