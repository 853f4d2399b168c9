// Before all scripts of a document: what an earlier load of the page has left behind must not be
// there. Clearing the browser's stores takes it 20 ms, and few pages use them, so those that do
// say so: the driver then clears them before the page is loaded again.
(() => {
  window.name = "";
  const { debug } = console;
  let told = false;
  const tell = () => {
    if (told) return;
    told = true;
    debug("__framewright stores");
  };
  /** @param {object} owner  @param {string} name  @param {"get" | "set"} access */
  const watch = (owner, name, access) => {
    const property = owner && Object.getOwnPropertyDescriptor(owner, name);
    if (!property?.[access] || !property.configurable) return;
    const native = property[access];
    property[access] = {
      get() {
        tell();
        return native.call(this);
      },
      set(value) {
        tell();
        native.call(this, value);
      },
    }[access];
    Object.defineProperty(owner, name, property);
  };
  for (const store of ["localStorage", "sessionStorage", "indexedDB", "caches"]) watch(window, store, "get");
  watch(Navigator.prototype, "serviceWorker", "get");
  watch(Navigator.prototype, "storage", "get");
  watch(Document.prototype, "cookie", "set");
})();
