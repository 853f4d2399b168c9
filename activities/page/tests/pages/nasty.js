// Timelines as bad as they come, drawn by lot: tweens that overlap on one property, that begin
// before they begin, that repeat, that ask the page for their values, inside timelines with a pace
// of their own.

/** Numbers by lot, the same for the same seed. */
function lot(seed) {
  let state = Math.imul(seed, 2654435761);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** @param {number} seed  @returns what the callbacks and objects of the page have come to */
function nasty(seed) {
  const roll = lot(seed);
  const chance = (p) => roll() < p;
  const pick = (...among) => among[Math.floor(roll() * among.length)];
  const between = (low, high) => Math.round(low + roll() * (high - low));

  const state = { calls: [], updates: 0, object: { n: 0 } };
  const out = document.querySelector("#out");
  const setter = (write, now = 0) => ({
    get n() { return now; },
    set n(n) { now = n; out.textContent = write(Math.round(n)); },
  });
  const setters = [setter(String), setter((n) => `second ${n}`)];

  const tame = {
    x: () => between(-100, 100), y: () => between(-100, 100), z: () => between(0, 90), xPercent: () => between(-50, 50),
    rotation: () => between(-180, 180), rotationY: () => between(-60, 60),
    scale: () => between(5, 20) / 10, scaleX: () => between(5, 20) / 10,
    opacity: () => between(0, 100) / 100, backgroundColor: () => pick("#f00", "rgb(10,200,30)", "#123456"),
    "--v": () => `${between(0, 50)}px`, filter: () => `blur(${between(0, 5)}px)`,
    clipPath: () => `inset(${between(0, 40)}% 0% ${between(0, 40)}% 0%)`,
  };
  const wild = {
    width: () => between(20, 120), height: () => pick(30, "auto", "50%"), left: () => pick(20, "10%", "3em"),
    autoAlpha: () => pick(0, 1), visibility: () => pick("hidden", "visible"), color: () => pick("#f00", "#0f0"),
    fontSize: () => between(10, 30), borderRadius: () => `${between(1, 20)}px`, transform: () => `translateX(${between(0, 50)}px)`,
  };
  /** A number, or a way to come by one. */
  const disguised = (value) => {
    if (typeof value !== "number") return value;
    if (chance(0.15)) return pick("+=", "-=") + Math.abs(value);
    if (chance(0.08)) return (i, target) => value + i * 5 + ((target.offsetWidth || 0) % 7);
    return chance(0.05) ? "random(1, 9)" : value;
  };
  const values = (count) => {
    const result = {};
    for (let i = 0; i < count; i += 1) {
      const bag = chance(0.15) ? wild : tame;
      const property = pick(...Object.keys(bag));
      result[property] = bag[property]();
    }
    return result;
  };
  const mapped = (object, change) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(key, value)]));

  const manner = (i) => {
    const how = {
      duration: pick(0.1, 0.25, 0.5, 0.77, 1, 1.5),
      ease: pick("none", "power2.out", "back.out", "elastic.out", "steps(4)"),
    };
    if (chance(0.15)) how.stagger = pick(0.05, 0.13, { each: 0.1, from: "end" });
    if (chance(0.12)) {
      Object.assign(how, { repeat: between(1, 3), yoyo: chance(0.6) });
      if (chance(0.3)) how.repeatDelay = 0.1;
      if (chance(0.1)) how.repeatRefresh = true;
    }
    if (chance(0.06)) how.overwrite = pick("auto", true);
    if (chance(0.04)) how.onComplete = () => state.calls.push(i);
    if (chance(0.02)) how.onUpdate = () => (state.updates += 1);
    return how;
  };
  const late = () => (chance(0.4) ? { immediateRender: false } : {});
  const kinds = [
    (tl, target, how, at) => tl.to(target, { ...mapped(values(between(1, 3)), (_, v) => disguised(v)), ...how }, at),
    (tl, target, how, at) => tl.from(target, { ...mapped(values(between(1, 3)), (_, v) => disguised(v)), ...how, ...late() }, at),
    (tl, target, how, at) => {
      const from = values(between(1, 3));
      tl.fromTo(target, from, { ...mapped(from, (key) => (tame[key] ?? wild[key])()), ...how, ...late() }, at);
    },
    (tl, target, how, at) => tl.set(target, mapped(values(2), (_, v) => disguised(v)), at),
    (tl, target, { ease }, at) => {
      const keyframes = pick(
        [{ x: 10, duration: 0.2 }, { x: 40, opacity: 0.4, duration: 0.3 }, { y: 20, duration: 0.2 }],
        { x: [0, 50, 20], opacity: [1, 0.2, 1] },
      );
      tl.to(target, { keyframes, duration: 0.8, ease }, at);
    },
    (tl, _, how, at) => tl.to(state.object, { n: between(0, 50), ...how }, at),
    (tl, _, how, at) => tl.fromTo(pick(...setters), { n: between(0, 9) }, { n: between(10, 50), ...how, immediateRender: false }, at),
    (tl, _, how, at) => tl.to(pick(...setters), { n: between(10, 50), ...how }, at),
    (tl, _, how, at) => tl.to("#dot", { attr: { cx: between(10, 90), r: between(2, 20) }, ...how }, at),
    (tl, target, __, at) => chance(0.2) && tl.call(() => state.calls.push(gsap.getProperty(target, "x")), null, at ?? 1),
  ];
  const targets = ["#a", "#b", "#c", ".e", "#b span", "#first", "#row i", "#dot", "#clip", "#bar"];
  const fill = (tl, count, seconds) => {
    for (let i = 0; i < count; i += 1) {
      const grid = chance(0.3) ? 30 : 1000;
      const at = pick(undefined, "<", "-=0.2", ...Array(8).fill(Math.round(roll() * seconds * grid) / grid));
      // The first three are what films are made of.
      pick(...kinds, ...kinds.slice(0, 3), ...kinds.slice(0, 3), ...kinds.slice(0, 3))(tl, pick(...targets), manner(i), at);
    }
    return tl;
  };

  const main = fill(gsap.timeline({ paused: true }), between(2, 9), 2.6);
  for (let i = between(0, 2); i > 0; i -= 1) {
    const inner = fill(gsap.timeline(chance(0.25) ? { repeat: 1, yoyo: chance(0.5) } : {}), between(1, 4), 1.2);
    if (chance(0.3)) inner.timeScale(pick(0.5, 1.5, 2));
    main.add(inner, roll() * 1.5);
  }
  fill(main, between(0, 3), 2.6);
  window.__timelines = { main };
  if (chance(0.2)) window.__timelines.beside = fill(gsap.timeline({ paused: true }), between(1, 3), 2);
  return state;
}
