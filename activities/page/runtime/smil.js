// SVG animations (SMIL): the clocks of their documents are stopped, and set.

/** Every `<svg>` that something right in it moves; a nested one has a clock of its own. @type {SVGSVGElement[]} */
let movingPictures = [];

function findMovingPictures() {
  const found = new Set();
  for (const animation of document.querySelectorAll("animate, animateMotion, animateTransform, set")) {
    if (animation.ownerSVGElement) found.add(animation.ownerSVGElement);
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
