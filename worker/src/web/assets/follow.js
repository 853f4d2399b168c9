// Keeps #live as the server tells it, until it no longer says where to ask next (`data-next`).
// Without this script the page reloads itself (`meta refresh`).
(() => {
  const root = document.documentElement;

  const follow = async () => {
    const old = document.getElementById("live");
    const next = old?.dataset.next;
    if (next === undefined) return;
    // Whoever marks a message to copy it must not lose it.
    if (!document.hidden && getSelection().isCollapsed) await update(old, next || location.href);
    const now = document.getElementById("live");
    setTimeout(follow, Number(now.dataset.every) || 1000);
  };

  const update = async (old, url) => {
    let fresh;
    try {
      const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(12000) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      fresh = answer.ok && page.getElementById("live");
    } catch {
      // The service is away; the next round asks again.
    }
    root.classList.toggle("is-stale", !fresh);
    if (!fresh || fresh.outerHTML === old.outerHTML) return;

    // Pictures that are shown already stay: loading them anew would flicker.
    const shown = new Map([...old.querySelectorAll("img")].map((img) => [img.outerHTML, img]));
    const focused = document.activeElement?.getAttribute("href");
    const scrolled = [".strip"].map((part) => [part, old.querySelector(part)?.scrollLeft ?? 0]);
    for (const img of fresh.querySelectorAll("img")) {
      const same = shown.get(img.outerHTML);
      shown.delete(img.outerHTML);
      if (same) img.replaceWith(same);
    }
    old.replaceWith(fresh);
    for (const [part, left] of scrolled) fresh.querySelector(part)?.scrollTo(left, 0);
    if (focused) fresh.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    if (fresh.dataset.title) document.title = fresh.dataset.title;
  };

  setTimeout(follow, 1000);
})();
