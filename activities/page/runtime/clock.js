// The virtual clock: it stands still until a seek sets it, and shows the film's time.

/** Wall-clock time of film time 0, in ms. Any fixed moment will do, as long as all workers agree. */
const EPOCH = native.Date.UTC(2020, 0, 1);

/** Film time in seconds. */
let clockSeconds = 0;

// Whole milliseconds, as on every platform: pages use it as an index and as a seed.
const wallNow = () => Math.floor(EPOCH + clockSeconds * 1000 + 1e-3);
const pageNow = () => clockSeconds * 1000;

/** @type {DateConstructor} */
const VirtualDate = function Date(...args) {
  if (!new.target) return new native.Date(wallNow()).toString();
  return Reflect.construct(native.Date, args.length > 0 ? args : [wallNow()], new.target);
};
Object.defineProperty(VirtualDate, "length", { value: 7 });
VirtualDate.prototype = native.Date.prototype;
// `someDate.constructor` would lead back to the real clock.
hide(VirtualDate.prototype, "constructor", VirtualDate);
hide(VirtualDate, "UTC", native.Date.UTC);
hide(VirtualDate, "parse", native.Date.parse);
hide(VirtualDate, "now", () => wallNow());

hide(window, "Date", VirtualDate);
hide(Performance.prototype, "now", () => pageNow());
Object.defineProperty(Performance.prototype, "timeOrigin", { get: () => EPOCH, configurable: true });
Object.defineProperty(AnimationTimeline.prototype, "currentTime", { get: () => pageNow(), configurable: true });

/** @param {number} frame */
const frameTime = (frame) => (frame * config.fps.den) / config.fps.num;

/** The first frame at or after a time in seconds. */
const frameAtOrAfter = (seconds) =>
  Math.max(0, Math.ceil((seconds * config.fps.num) / config.fps.den - 1e-6));

/** The last frame at or before a time in seconds. */
const frameAtOrBefore = (seconds) => Math.floor((seconds * config.fps.num) / config.fps.den + 1e-6);
