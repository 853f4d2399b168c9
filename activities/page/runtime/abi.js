// The names that pages and drivers depend on, letter for letter.

window.__HF_RENDER_CAPTURE_MODE = true;
window.__playerReady = false;
window.__renderReady = false;

const filmDuration = () => (settledAt0 ? duration() ?? 0 : 0);

window.__player = {
  renderSeek: seek,
  seek,
  getDuration: filmDuration,
  getTime: () => clockSeconds,
  isPlaying: () => false,
  play() {},
  pause() {},
};
window.__hf = {
  ...window.__hf,
  seek: seekByBridge,
  get duration() {
    return filmDuration();
  },
};

hide(globalThis, "__framewright", Object.freeze({ status, settle, seek, compose, blend }));
