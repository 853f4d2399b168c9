// Libraries that keep time of their own, as far as they or the page hand them over.

/** The names that pages register under. */
const registered = (name) => (Array.isArray(window[name]) ? window[name].filter(Boolean) : []);

/** Film time, on the clock of the clip that an element is in, from the clip's beginning. */
function timeWithin(element, t) {
  const timed = element?.closest?.("[data-start]");
  const clip = timed ? clipOf.get(timed) ?? nearestClip(timed) : null;
  return clip ? Math.max(0, localTime(clip.scope, t) - clip.start) : t;
}

/** @param {number} t film time, seconds */
function seekAdapters(t) {
  window.__hfThreeTime = t;
  window.__hfTypegpuTime = t;
  for (const animation of lotties()) attempt(seekLottie, animation, timeWithin(animation.wrapper ?? animation.canvas, t));
  for (const animation of registered("__hfAnime")) attempt(seekAnime, animation, t * 1000);
  seekKeyedAnime(t);
  flushD3();
}

/** @returns {string[]} what is not there yet of what pages hand over */
function pendingPlayers() {
  const pending = pendingSources();
  for (const animation of lotties()) if (!isLoadedLottie(animation)) pending.push("lottie");
  for (const map of maps()) if (!isLoadedMap(map)) pending.push("map");
  // A map draws itself ready in animation frames.
  if (pending.includes("map")) allowEndlessTurns();
  return pending;
}

/** Registered, or made by lottie-web. */
function lotties() {
  const known = registered("__hfLottie");
  const library = window.lottie ?? window.bodymovin;
  if (typeof library?.getRegisteredAnimations !== "function") return known;
  return [...new Set([...known, ...(guarded(() => library.getRegisteredAnimations()) ?? [])])];
}

const isLoadedLottie = (animation) =>
  // dotLottie asks its engine only when it is there.
  typeof animation.setFrame === "function" ? animation.isLoaded !== false && animation.totalFrames > 0 : animation.isLoaded !== false;

/** @param {number} seconds since it began */
function seekLottie(animation, seconds) {
  const total = animation.totalFrames;
  if (!(total > 0)) return;
  const ofLottieWeb = typeof animation.goToAndStop === "function";
  const frame = ofLottieWeb ? seconds * animation.frameRate : (seconds * total) / animation.duration;
  if (!Number.isFinite(frame)) return;
  // A frame that is whole but for rounding must not fall back to the one before.
  const looped = animation.loop === true || (animation.loop > 0 && frame < total * (animation.loop + (ofLottieWeb ? 0 : 1)));
  const shown = looped ? frame - total * Math.floor(frame / total + SAME_MOMENT) : Math.min(frame, total - 1);
  if (ofLottieWeb) return animation.goToAndStop(Math.max(0, shown), true);
  if (animation.isPlaying) animation.pause();
  animation.setFrame(Math.min(Math.max(0, shown), total - 1));
}

/** @param {number} ms film time */
function seekAnime(animation, ms) {
  if (typeof animation.seek !== "function") return;
  if (!animation.paused) animation.pause?.();
  // Version 3 cannot be sought beyond its first round.
  const rounds = "iterationCount" in animation ? 1 : animation.loop === true ? Infinity : Number(animation.loop) || 1;
  const { duration } = animation;
  if (rounds === 1 || !(duration > 0)) return animation.seek(ms);
  const round = Math.min(Math.floor(ms / duration + SAME_MOMENT), rounds - 1);
  const within = Math.min(Math.max(0, ms - round * duration), duration * (1 - 1e-9));
  const back = animation.direction === "alternate" && round % 2 === 1;
  animation.seek(back ? duration - within : within);
}

/** Version 3 of anime keeps those that run; what runs when the film begins is part of the film. */
function adoptAnime() {
  const running = window.anime?.running;
  if (!Array.isArray(running) || running.length === 0) return;
  const known = Array.isArray(window.__hfAnime) ? window.__hfAnime : (window.__hfAnime = []);
  for (const animation of running) if (!known.includes(animation)) known.push(animation);
}

/** Whether an animation of anime tells the page of each of its steps. */
const animeSteps = () =>
  [...registered("__hfAnime"), ...[...keyedAnime.values()].map(({ instance }) => instance)].some(({ update, change, loopComplete, onUpdate, onRender, onLoop }) =>
    [update, change, loopComplete, onUpdate, onRender, onLoop].some((callback) => typeof callback === "function" && !/^\(?\w*\)?\s*(=>\s*)?\{?\s*\}?$|noop/.test(String(callback))));

/** Of Leaflet, MapLibre and Mapbox. */
const maps = () => ["__hfLeaflet", "__hfMaplibre", "__hfMapbox"].flatMap(registered);

/** `loaded()` of MapLibre waits for style transitions, which wait for the film's time. */
const isLoadedMap = (map) =>
  typeof map.isStyleLoaded === "function"
    ? Boolean(map._loaded ?? true) && Boolean(map.isStyleLoaded()) && map.areTilesLoaded()
    : map._loaded !== false;

/** Maps draw what they are sent in more animation frames, at the same moment of the film. */
async function mapsToCome() {
  // Drawing what has come can show what is still missing.
  for (let quiet = 0; quiet < 2; quiet = maps().every(isLoadedMap) ? quiet + 1 : 0) {
    await new Promise((resolve) => native.setTimeout(resolve, 1));
    flushFrames(Infinity);
  }
}
