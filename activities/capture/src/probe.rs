use crate::{CaptureError, page::Page};
use serde::Deserialize;

/// Who draws WebGL.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Gl {
    /// `UNMASKED_VENDOR_WEBGL`.
    pub vendor: String,
    /// `UNMASKED_RENDERER_WEBGL`.
    pub renderer: String,
}

const ASK: &str = r#"(() => {
  const gl = document.createElement("canvas").getContext("webgl");
  if (!gl) return { vendor: "nobody", renderer: "none" };
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  const answer = {
    vendor: String(gl.getParameter(names ? names.UNMASKED_VENDOR_WEBGL : gl.VENDOR)),
    renderer: String(gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER)),
  };
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return answer;
})()"#;

/// Asserts that WebGL is SwiftShader, so that pixels do not depend on the machine.
pub(crate) async fn probe(page: &mut Page) -> Result<Gl, CaptureError> {
    let gl: Gl = page.evaluate_apart(ASK).await?;
    if gl.vendor == "Google Inc. (Google)" && gl.renderer.contains("SwiftShader") {
        Ok(gl)
    } else {
        Err(CaptureError::ForeignGl {
            vendor: gl.vendor,
            renderer: gl.renderer,
        })
    }
}
