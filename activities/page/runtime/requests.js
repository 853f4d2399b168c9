// What the page has asked for and not got yet: textures, models, data. A film begins when all of it
// is there, and a frame that asks for something ends when it has come, so that no picture depends
// on how fast it came.

/** Names of what is on its way, by a token of each. @type {Map<object, string>} */
const onTheirWay = new Map();

/** So many looks in a row must find nothing: one answer often leads to the next question. */
const QUIET_LOOKS = 3;
let quietLooks = 0;

/**
 * @template T
 * @param {string} name
 * @param {Promise<T>} promise
 * @returns {Promise<T>} the same one
 */
function onItsWay(name, promise) {
  if (typeof promise?.then !== "function") return promise;
  const token = {};
  onTheirWay.set(token, name);
  const done = () => onTheirWay.delete(token);
  native.then.call(promise, done, done);
  return promise;
}

/**
 * Wraps a function that returns a promise.
 * @param {object} holder
 * @param {string} method
 * @param {(self: any, args: any[]) => string} name
 */
function watchCalls(holder, method, name) {
  const original = holder?.[method];
  if (typeof original !== "function") return;
  hide(holder, method, {
    [method](...args) {
      return onItsWay(name(this, args), original.apply(this, args));
    },
  }[method]);
}

const urlOf = (input) => String(input?.url ?? input);

watchCalls(window, "fetch", (_, [input]) => urlOf(input));
watchCalls(window, "createImageBitmap", () => "createImageBitmap");
for (const method of ["arrayBuffer", "blob", "bytes", "formData", "json", "text"]) {
  watchCalls(Response.prototype, method, (response) => response.url);
}
for (const method of ["compile", "compileStreaming", "instantiate", "instantiateStreaming"]) {
  watchCalls(WebAssembly, method, () => "WebAssembly");
}
watchCalls(HTMLImageElement.prototype, "decode", (image) => image.currentSrc || image.src);
watchCalls(FontFace.prototype, "load", (face) => face.family);

const sendRequest = XMLHttpRequest.prototype.send;
const openRequest = XMLHttpRequest.prototype.open;
/** @type {WeakMap<XMLHttpRequest, string>} */
const addresses = new WeakMap();
hide(XMLHttpRequest.prototype, "open", function open(method, url, ...rest) {
  addresses.set(this, String(url));
  return openRequest.call(this, method, url, ...rest);
});
hide(XMLHttpRequest.prototype, "send", function send(...args) {
  const ended = new Promise((resolve) => native.listen.call(this, "loadend", resolve, { once: true }));
  onItsWay(addresses.get(this) ?? "XMLHttpRequest", ended);
  return sendRequest.apply(this, args);
});

// Pictures of the document are looked after elsewhere; these are for canvases and textures.
const imageSource = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
Object.defineProperty(HTMLImageElement.prototype, "src", {
  ...imageSource,
  set(source) {
    imageSource.set.call(this, source);
    if (this.complete) return;
    // Nobody sees it, so nothing would ask for it.
    if (this.loading === "lazy") this.loading = "eager";
    const ended = new Promise((resolve) => {
      native.listen.call(this, "load", resolve, { once: true });
      native.listen.call(this, "error", resolve, { once: true });
    });
    onItsWay(this.src, ended);
  },
});

/** For a page that loads. @returns {string[]} */
function pendingRequests() {
  quietLooks = onTheirWay.size > 0 ? 0 : quietLooks + 1;
  if (onTheirWay.size > 0) return [...new Set(onTheirWay.values())];
  return quietLooks < QUIET_LOOKS ? ["the page's scripts"] : [];
}

/** For a page that moves: until all has come that it asked for, and what that led to. */
async function requestsToCome() {
  while (onTheirWay.size > 0) await new Promise((resolve) => native.setTimeout(resolve, 1));
}
