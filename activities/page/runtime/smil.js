// SVG animations (SMIL): the clocks of their documents are stopped, and set.

/** Outermost `<svg>`s that something within moves. @type {SVGSVGElement[]} */
let movingPictures = [];

function findMovingPictures() {
  const found = new Set();
  for (const animation of document.querySelectorAll("animate, animateMotion, animateTransform, set")) {
    let picture = animation.ownerSVGElement;
    while (picture?.ownerSVGElement) picture = picture.ownerSVGElement;
    if (picture) found.add(picture);
  }
  movingPictures = [...found];
}

/** @param {number} t film time, seconds */
function seekSmil(t) {
  for (const picture of movingPictures) {
    if (!picture.animationsPaused()) picture.pauseAnimations();
    picture.setCurrentTime(timeWithin(picture, t));
  }
}
