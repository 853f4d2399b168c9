// D3's transitions. Its timers sleep in `setTimeout` when nothing is due, which is real time: they
// are woken in every frame instead.

/** D3's timers, when it is a module that nobody else can reach. @type {null | (new () => any)} */
let D3Timer = null;

/** @returns {boolean} whether anything of the page is in a transition, or will be */
function hasD3Transitions() {
  for (const element of document.querySelectorAll("body *")) {
    if (!element.__transition) continue;
    findD3Timer(element);
    return true;
  }
  return false;
}

function findD3Timer(element) {
  for (const id in element?.__transition) D3Timer ??= element.__transition[id]?.timer?.constructor ?? null;
}

function flushD3() {
  if (typeof window.d3?.timerFlush === "function") return void guarded(() => window.d3.timerFlush());
  if (!D3Timer) for (const transition of registered("__hfD3")) transition.each?.(function () { findD3Timer(this); });
  if (!D3Timer) return;
  // A timer that is due makes it ask for an animation frame, and then all timers are looked at.
  const timer = new D3Timer();
  guarded(() => timer.restart(() => timer.stop(), 0, 0));
}
