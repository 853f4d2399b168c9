// There is no graphics card, and WebGPU without one draws differently from machine to machine. So
// there is no WebGPU: pages that ask first take their other way, and for those that go on without
// asking it is the reason why they fail.

if (window.Navigator && "gpu" in Navigator.prototype) delete Navigator.prototype.gpu;

const getContext = HTMLCanvasElement.prototype.getContext;
hide(HTMLCanvasElement.prototype, "getContext", function (kind, ...rest) {
  return kind === "webgpu" ? null : getContext.call(this, kind, ...rest);
});

const NEEDS_WEBGPU = /webgpu|requestAdapter|getPreferredCanvasFormat|GPUAdapter|navigator\.gpu/i;

/** @param {string} text what the page threw and did not catch */
function blameWebgpu(text) {
  if (NEEDS_WEBGPU.test(text)) fail("webgpu", text);
}

/** A page may say so itself. */
function checkWebgpu() {
  if (document.querySelector("[data-composition-id][data-requires-webgpu]")) {
    fail("webgpu", "it has `data-requires-webgpu`");
  }
}
