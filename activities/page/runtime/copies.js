// A cloned element has neither the picture of its canvases nor the moment of its animations.

/**
 * @param {Element} original
 * @param {Element} copy made by `cloneNode`, and in the document
 * @returns {Promise<unknown>}
 */
function completeCopy(original, copy) {
  const from = [original, ...original.querySelectorAll("*")];
  const to = [copy, ...copy.querySelectorAll("*")];
  if (from.length !== to.length) return Promise.resolve();
  const copies = new Map(from.map((element, i) => [element, to[i]]));
  const pictures = [];
  for (const [element, twin] of copies) if (element instanceof HTMLCanvasElement) pictures.push(copyPicture(element, twin));
  for (const animation of held.keys()) {
    const twin = copies.get(animation.effect?.target);
    if (twin && animation.playState !== "idle") copyMoment(animation, twin);
  }
  return Promise.all(pictures);
}

/** A canvas within a canvas is not painted, but its background is. */
async function copyPicture(canvas, twin) {
  if (!(canvas.width > 0 && canvas.height > 0)) return;
  const image = new native.Image();
  try {
    image.src = canvas.toDataURL();
    await image.decode();
  } catch {
    return; // it holds a picture of another origin
  }
  twin.style.background = `url(${image.src}) 0 0 / 100% 100% no-repeat`;
}

function copyMoment(animation, twin) {
  const { effect } = animation;
  const { pseudoElement } = effect;
  const isSame = (own) => own.animationName === animation.animationName && own.effect.pseudoElement === pseudoElement;
  const own = animation instanceof CSSAnimation ? twin.getAnimations({ subtree: true }).find((one) => one.effect.target === twin && isSame(one)) : null;
  const moved = own ?? native.animate.call(twin, effect.getKeyframes(), { ...effect.getTiming(), pseudoElement });
  moved.pause();
  moved.currentTime = animation.currentTime;
  held.delete(moved);
  left.add(moved); // nobody else moves it
}
