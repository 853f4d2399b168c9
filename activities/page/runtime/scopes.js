// What the scripts of a mounted file see: a document, a GSAP and a registry of timelines in which
// there is nothing but their own part of the page. The compiler wraps each of them in a call of
// `compose`. All that is not about finding elements or registering falls through to the page.

/**
 * @typedef {object} Mount one host and what it mounts
 * @property {string} id composition id of the host in the page
 * @property {string} file
 * @property {string[]} own composition ids by which the file may call itself
 * @property {string | null} root composition id that the file's root element had
 * @property {string[]} ids the `id`s that elements of it had, and have no more
 */

/** Names of `gsap` whose first argument is a target. */
const TARGETED = ["to", "from", "fromTo", "set", "quickTo", "quickSetter", "getProperty", "killTweensOf", "getTweensOf", "isTweening"];
/** The same of a timeline. */
const TARGETED_IN_TIMELINE = ["to", "from", "fromTo", "set", "staggerTo", "staggerFrom", "staggerFromTo", "killTweensOf", "getTweensOf"];
/** What libraries look elements up with. */
const LOOKUPS = ["querySelector", "querySelectorAll", "getElementById"];

const nativeFind = {
  one: Document.prototype.querySelector,
  all: Element.prototype.querySelectorAll,
  matches: Element.prototype.matches,
  byClass: Element.prototype.getElementsByClassName,
  byTag: Element.prototype.getElementsByTagName,
};

/** @type {Map<string, object>} by composition id */
const views = new Map();

/**
 * Runs a script of a mounted file; without one, hands out what a module may be given.
 * @param {Mount} mount
 * @param {Function} [wrap] gives the script, as a function within which its names are the mount's
 */
function compose(mount, wrap) {
  let view = views.get(mount.id);
  if (!view) views.set(mount.id, (view = viewOf(mount)));
  if (!wrap) return view;
  const seen = view.window;
  if (namesRegistry(wrap)) registering.add(mount.id);
  limited(view.document, () => {
    try {
      wrap(view.document, seen, view.gsap, seen, seen, view.__timelines, view.__hyperframes, view.hyperframesAnime).call(seen);
    } catch (error) {
      registering.delete(mount.id);
      reportOf(mount, error);
    }
  });
  return view;
}

/** Mounts whose scripts name the registry of timelines, and have not failed. @type {Set<string>} */
const registering = new Set();

/** Whether a script names the registry of timelines; its wrapping does too. */
function namesRegistry(wrap) {
  const text = String(wrap);
  return REGISTERS.test(text.slice(text.indexOf("return function")));
}

function reportOf(mount, error) {
  note(`composition \`${mount.id}\` (${mount.file}): ${error?.stack?.split("\n")[0] ?? error}`);
  console.error(`composition \`${mount.id}\` (${mount.file})`, error);
}

// What does not even parse never comes to `compose`.
window.addEventListener("error", (event) => {
  const file = document.currentScript?.getAttribute("data-hf-file");
  if (file && event.message) note(`composition (${file}): ${event.message}`);
});

/** @param {Mount} mount */
function viewOf(mount) {
  const finder = finderOf(mount);
  const timelines = timelinesOf(mount);
  const hyperframes = {
    ...window.__hyperframes,
    getVariables: () => ({ ...JSON.parse(finder.host()?.getAttribute("data-variable-values") ?? "{}") }),
    assetUrl: (path) => new URL(path, new URL(mount.file, document.baseURI)).href,
  };
  const gsapOf = scopedGsap(finder);
  const view = {
    document: scopedDocument(finder),
    window: null,
    get gsap() {
      return gsapOf(window.gsap);
    },
    get self() {
      return view.window;
    },
    get globalThis() {
      return view.window;
    },
    __timelines: timelines,
    __hyperframes: hyperframes,
    hyperframesAnime: animeOf(mount),
  };
  view.window = scopedWindow(view);
  return view;
}

// Finding elements

/** @param {Mount} mount */
function finderOf(mount) {
  const hostSelector = `[data-composition-id="${CSS.escape(mount.id)}"]`;
  const ownSelector = mount.root === null ? hostSelector : `[data-hf-inner-root="${CSS.escape(mount.root)}"]`;
  const known = new Map();
  let host = null;
  const finder = {
    host: () => (host?.isConnected ? host : (host = nativeFind.one.call(document, hostSelector))),
    /** @returns {ArrayLike<Element>} in document order */
    all(selector) {
      const host = finder.host();
      if (!host || typeof selector !== "string") return document.querySelectorAll(selector);
      // The page's own boxes are not the file's; what it calls so is its own box.
      if (/^\s*(html|body|:root)\s*$/i.test(selector)) return [nativeFind.one.call(host.ownerDocument, `${hostSelector} > [data-hf-inner-root]`) ?? host];
      if (!known.has(selector)) known.set(selector, localized(selector, mount, ownSelector));
      const text = known.get(selector);
      const found = nativeFind.all.call(host, text);
      const asksForHost = text.includes("data-composition-id") && nativeFind.matches.call(host, text);
      return asksForHost ? [host, ...found] : found;
    },
    byId: (id) => finder.all(`#${CSS.escape(id)}`)[0] ?? null,
  };
  return finder;
}

/** A selector with the names that things have in the page. */
function localized(selector, mount, ownSelector) {
  const pieces = selector.replace(/^\s*((html|body|:root)(\s*>\s*|\s+))+/i, "").split(/(\[[^\]]*\])/);
  const isOwn = (piece) => mount.own.includes(compositionIn(piece));
  const isTimingOfOwn = (i) =>
    /^\[\s*data-start\b/.test(pieces[i]) && ((pieces[i - 1] === "" && isOwn(pieces[i - 2])) || (pieces[i + 1] === "" && isOwn(pieces[i + 2])));
  return pieces
    .map((piece, i) => {
      if (i % 2 === 0) return withIds(piece, mount);
      if (isOwn(piece)) return ownSelector;
      if (isTimingOfOwn(i)) return "";
      const id = compositionIn(piece);
      return id === null ? piece : `:is(${piece},[data-hf-original-composition-id="${CSS.escape(id)}"])`;
    })
    .join("");
}

/** The id in `[data-composition-id="id"]`. */
function compositionIn(piece) {
  const match = /^\[\s*data-composition-id\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'\]]+))\s*\]$/.exec(piece ?? "");
  return match ? match[1] ?? match[2] ?? match[3] : null;
}

function withIds(text, mount) {
  if (mount.ids.length === 0 || !text.includes("#")) return text;
  const ids = mount.ids.map((id) => CSS.escape(id));
  return text.replace(/#((?:[\w-]|[^\x00-\x7f]|\\.)+)/g, (whole, name) =>
    ids.includes(name) ? `:is([data-hf-authored-id="${name}"],${whole})` : whole,
  );
}

/** Functions of the page are its own: they must not be called on what stands in for it. */
function fallThrough(target, own) {
  const bound = new Map();
  return {
    get(_, key) {
      if (Object.hasOwn(own, key)) return own[key];
      const value = Reflect.get(target, key, target);
      // A class is no method, and would lose what hangs on it.
      if (typeof value !== "function" || value.prototype !== undefined) return value;
      if (!bound.has(value)) bound.set(value, value.bind(target));
      return bound.get(value);
    },
    set: (_, key, value) => Reflect.set(target, key, value, target),
  };
}

function scopedDocument(finder) {
  const within = (find) => (...args) => {
    const host = finder.host();
    return host ? find.apply(host, args) : [];
  };
  return new Proxy(
    document,
    fallThrough(document, {
      querySelector: (selector) => finder.all(selector)[0] ?? null,
      querySelectorAll: (selector) => finder.all(selector),
      getElementById: (id) => finder.byId(String(id)),
      getElementsByClassName: within(nativeFind.byClass),
      getElementsByTagName: within(nativeFind.byTag),
      getElementsByName: (name) => finder.all(`[name="${CSS.escape(name)}"]`),
    }),
  );
}

function scopedWindow(view) {
  const own = {
    get document() {
      return view.document;
    },
    get gsap() {
      return view.gsap;
    },
    get window() {
      return view.window;
    },
    get self() {
      return view.window;
    },
    get globalThis() {
      return view.window;
    },
    __timelines: view.__timelines,
    __hyperframes: view.__hyperframes,
    hyperframesAnime: view.hyperframesAnime,
  };
  const handler = fallThrough(window, own);
  const { set } = handler;
  handler.set = (target, key, value) => {
    if (key !== "__timelines") return set(target, key, value);
    // Others have registered too; what is in a new registry joins them.
    if (value !== view.__timelines) Object.assign(view.__timelines, value);
    return true;
  };
  return new Proxy(window, handler);
}

/**
 * Libraries look elements up in the page's own document. While a script runs, they find those of
 * its mount first.
 */
function limited(scoped, run) {
  const before = LOOKUPS.map((name) => [name, Object.getOwnPropertyDescriptor(document, name)]);
  for (const name of LOOKUPS) {
    hide(document, name, (argument) => {
      const found = scoped[name](argument);
      return found && found.length !== 0 ? found : Document.prototype[name].call(document, argument);
    });
  }
  try {
    run();
  } finally {
    for (const [name, descriptor] of before) {
      delete document[name];
      if (descriptor) Object.defineProperty(document, name, descriptor);
    }
  }
}

// Registering

/** @param {Mount} mount */
function timelinesOf(mount) {
  const registry = () => (window.__timelines ??= {});
  const named = (key) => (mount.own.includes(key) ? mount.id : key);
  return new Proxy(
    {},
    {
      get: (_, key) => Reflect.get(registry(), named(key)),
      set: (_, key, value) => Reflect.set(registry(), named(key), value),
      has: (_, key) => Reflect.has(registry(), named(key)),
      deleteProperty: (_, key) => Reflect.deleteProperty(registry(), named(key)),
      ownKeys: () => Reflect.ownKeys(registry()),
      getOwnPropertyDescriptor(_, key) {
        const descriptor = Reflect.getOwnPropertyDescriptor(registry(), named(key));
        return descriptor && { ...descriptor, configurable: true };
      },
    },
  );
}

/** Keyed timelines of anime.js, under the id that the file has in the page. @param {Mount} mount */
function animeOf(mount) {
  const named = (id) => (mount.own.includes(id) ? mount.id : id);
  const api = window.hyperframesAnime;
  return {
    ...api,
    register: (id, ...rest) => api.register(named(id), ...rest),
    unregister: (id) => api.unregister(named(id)),
    get: (id) => api.get(named(id)),
    resolveLabel: (id, label) => api.resolveLabel(named(id), label),
  };
}

// GSAP

function scopedGsap(finder) {
  const known = new WeakMap();
  const resolve = (target) => {
    if (typeof target === "string") return finder.all(target);
    if (!Array.isArray(target) || !target.some((one) => typeof one === "string")) return target;
    return target.flatMap((one) => (typeof one === "string" ? [...finder.all(one)] : [one]));
  };
  const targeted = (object, name) => (target, ...rest) => object[name](resolve(target), ...rest.map((vars) => withPaths(vars, finder)));
  const timeline = (made) => {
    for (const name of TARGETED_IN_TIMELINE) {
      const method = made[name];
      if (typeof method !== "function") continue;
      hide(made, name, (target, ...rest) => method.call(made, resolve(target), ...rest.map((vars) => withPaths(vars, finder))));
    }
    return made;
  };
  const make = (gsap) => {
    const own = {
      timeline: (...args) => timeline(gsap.timeline(...args)),
      context: (run, scope) => gsap.context(run, typeof scope === "string" ? finder.all(scope)[0] : scope),
      utils: { ...gsap.utils, toArray: toArray(gsap.utils, resolve), selector: selector(finder) },
    };
    for (const name of TARGETED) if (typeof gsap[name] === "function") own[name] = targeted(gsap, name);
    return new Proxy(gsap, { get: (target, key) => (Object.hasOwn(own, key) ? own[key] : target[key]) });
  };
  return (gsap) => {
    if (!gsap || typeof gsap.timeline !== "function") return gsap;
    if (!known.has(gsap)) known.set(gsap, make(gsap));
    return known.get(gsap);
  };
}

const toArray = (utils, resolve) => (value, scope, ...rest) =>
  scope === undefined ? utils.toArray(resolve(value), undefined, ...rest) : utils.toArray(value, scope, ...rest);

/** `gsap.utils.selector`: looks below an element, here below the host where none is named. */
const selector = (finder) => (base) => {
  const given = typeof base === "string" ? finder.all(base)[0] : base?.current ?? base;
  return (text) => {
    const root = given ?? finder.host();
    return Array.from(finder.all(text)).filter((element) => element !== root && root.contains(element));
  };
};

/** Plugins that follow a path or become a shape find it by a selector. */
function withPaths(vars, finder) {
  if (!vars || typeof vars !== "object" || !(vars.motionPath || vars.morphSVG)) return vars;
  const found = (value) => (typeof value === "string" && /^[#.]/.test(value) ? finder.all(value)[0] ?? value : value);
  const within = (value, names) => {
    if (typeof value === "string") return found(value);
    const copy = { ...value };
    for (const name of names) if (name in copy) copy[name] = found(copy[name]);
    return copy;
  };
  const copy = { ...vars };
  if (vars.motionPath) copy.motionPath = within(vars.motionPath, ["path", "align"]);
  if (vars.morphSVG) copy.morphSVG = within(vars.morphSVG, ["shape"]);
  return copy;
}
