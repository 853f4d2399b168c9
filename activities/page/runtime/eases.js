// Eases that pages may name to GSAP without loading a plugin: `hold`, `spring(…)`, `wiggle(…)` and
// `custom(…)`. They are registered as soon as GSAP is there, because a tween that shows its start at
// once asks for its ease at once.

/** @typedef {(progress: number) => number} Ease */

/** Within the span; before and after it an ease stands still. @param {Ease} curve @returns {Ease} */
const between = (curve) => (progress) => (progress <= 0 ? 0 : progress >= 1 ? 1 : curve(progress));

/** @type {Ease} */
const hold01 = (progress) => (progress >= 1 ? 1 : 0);

/** A damped swing that arrives at 1 at the end. @param {number} bounce 0 … 1 */
function spring(bounce) {
  const bounciness = Math.min(1, Math.max(0, bounce));
  const damping = 12 - 6 * bounciness;
  const turns = 2 * Math.PI * (1 + 1.5 * bounciness);
  const at = (progress) => 1 - Math.exp(-damping * progress) * Math.cos(turns * progress);
  const end = at(1);
  return between((progress) => at(progress) / end);
}

/** How far each kind of wiggle goes, and how that changes on the way. */
const WIGGLES = {
  easeOut: { amplitude: 0.16, envelope: (progress) => 1 - progress },
  easeInOut: { amplitude: 0.08, envelope: (progress) => Math.sin(Math.PI * progress) },
  anticipate: { amplitude: 0.12, envelope: (progress) => progress - 1 },
  uniform: { amplitude: 0.14, envelope: () => 1 },
};

/** A straight way with `count` waves on it. */
function wiggle(count, kind = "easeOut", amplitude = WIGGLES[kind]?.amplitude) {
  const shape = WIGGLES[kind];
  if (!shape || !(Number.isInteger(count) && count > 0) || !(amplitude >= 0 && amplitude <= 1)) return null;
  return between((progress) => progress + amplitude * shape.envelope(progress) * Math.sin(2 * Math.PI * count * progress));
}

/** Halvings of the search for a point of a curve; more change no pixel. */
const HALVINGS = 24;

/** A cubic curve from 0,0 to 1,1 as a path: `M0,0 C0.25,0.9 0.4,1 1,1`. @param {string} path */
function custom(path) {
  const numbers = path.match(/[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/gi)?.map(Number) ?? [];
  const [fromX, fromY, x1, y1, x2, y2, toX, toY] = numbers;
  const isCubic = /^\s*M[^A-Z]+C[^A-Z]+$/i.test(path.replace(/(\d)e/gi, "$1")) && numbers.length === 8;
  if (!isCubic || fromX !== 0 || fromY !== 0 || toX !== 1 || toY !== 1) return null;
  if (Math.min(x1, x2) < 0 || Math.max(x1, x2) > 1) return null;
  const along = (t, a, b) => 3 * (1 - t) * (1 - t) * t * a + 3 * (1 - t) * t * t * b + t * t * t;
  return between((progress) => {
    let [low, high] = [0, 1];
    for (let i = 0; i < HALVINGS; i += 1) {
      const middle = (low + high) / 2;
      if (along(middle, x1, x2) < progress) low = middle;
      else high = middle;
    }
    return along((low + high) / 2, y1, y2);
  });
}

/** What an ease is made of, from what stands between its brackets. @type {Record<string, (...args: any[]) => Ease | null>} */
const NAMED_EASES = {
  hold: () => hold01,
  spring: (bounce) => (Number.isFinite(Number(bounce)) ? spring(Number(bounce)) : null),
  wiggle: (count, kind, amplitude) =>
    wiggle(Number(count), kind === undefined ? undefined : String(kind).trim(), amplitude === undefined ? undefined : Number(amplitude)),
  custom: (...parts) => custom(parts.join(",")),
};

/** GSAPs that know them already. @type {WeakSet<object>} */
const easedGsaps = new WeakSet();

function teachEases() {
  const { gsap } = window;
  if (typeof gsap?.registerEase !== "function" || typeof gsap.parseEase !== "function" || easedGsaps.has(gsap)) return;
  easedGsaps.add(gsap);
  for (const [name, make] of Object.entries(NAMED_EASES)) {
    // A plugin of that name was there first.
    if (typeof gsap.parseEase(name) === "function") continue;
    const ease = name === "hold" ? hold01 : (progress) => progress;
    ease.config = (...args) => make(...args) ?? ((progress) => progress);
    gsap.registerEase(name, ease);
  }
}

// A script's load event comes before the next script of the page runs.
document.addEventListener("load", teachEases, true);
document.addEventListener("DOMContentLoaded", teachEases, true);
