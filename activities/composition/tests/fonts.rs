//! The bundled fonts in the real browser.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "../../page/tests/stage/mod.rs"]
mod stage;

use framewright_composition::{fonts_fingerprint, install_fonts};
use serde_json::{Value, json};
use stage::{Stage, play};

const PAGE: &str = r#"<!doctype html><html><head><style>
* { font: 400 100px/1 Nowhere; white-space: nowrap }
</style></head><body><div data-composition-id="main" data-duration="1" data-no-timeline></div>
<script>
  const text = "Hamburgefonstiv 0123 WAVE éßŁ Жя Ωπ";
  const widths = (family, style) => [100, 400, 700, 800].map((weight) => {
    const span = document.createElement("span");
    span.style.cssText = `font: ${style} ${weight} 100px ${family}`;
    span.textContent = text;
    document.body.append(span);
    const { width } = span.getBoundingClientRect();
    span.remove();
    return width;
  });
  const context = document.createElement("canvas").getContext("2d");
  const onCanvas = (font) => ((context.font = font), context.measureText(text).width);
  const verdict = { dom: {}, canvas: {} };
  for (const family of FAMILIES) {
    verdict.dom[family] = [widths(family, "normal"), widths(family, "italic")];
    verdict.canvas[family] = onCanvas(`800 100px ${family}`);
  }
  fetch("/verdict", { method: "POST", body: JSON.stringify(verdict) });
</script></body></html>"#;

#[tokio::test]
async fn every_machine_paints_the_same_text() {
    let dir = tempfile::tempdir().unwrap();
    let fonts = install_fonts(dir.path()).unwrap();
    assert_eq!(install_fonts(dir.path()).unwrap(), fonts);
    assert!(fonts.ends_with(format!("fonts-{}", fonts_fingerprint().short())));

    let groups = [
        (
            "Inter",
            [
                "Arial",
                "sans-serif",
                "system-ui",
                "Helvetica",
                "'Segoe UI'",
                "Impact, sans-serif",
            ],
        ),
        (
            "'JetBrains Mono'",
            [
                "monospace",
                "Courier",
                "'Courier New'",
                "Consolas",
                "ui-monospace",
                "Nowhere, Menlo",
            ],
        ),
        (
            "'EB Garamond'",
            [
                "serif",
                "Georgia",
                "Times",
                "'Times New Roman'",
                "Nowhere, Georgia",
                "Cambria",
            ],
        ),
    ];
    let families: Vec<&str> = groups
        .iter()
        .flat_map(|(own, names)| [&[*own][..], names].concat())
        .collect();
    let page = PAGE.replace("FAMILIES", &json!(families).to_string());
    let stage = Stage {
        config: Value::Null,
        fonts: Some(fonts),
    };
    let verdict = play(&[("index.html", &page)], stage).await;
    assert!(
        !std::path::Path::new("cache").exists(),
        "fontconfig's cache is in its own folder"
    );
    let mut own_widths = Vec::new();
    for (own, names) in groups {
        let expected = &verdict["dom"][own];
        for name in names {
            assert_eq!(&verdict["dom"][name], expected, "{name} is {own}");
            assert_eq!(
                verdict["canvas"][name], verdict["canvas"][own],
                "{name} on a canvas is {own}"
            );
        }
        own_widths.push(expected[0][1].as_f64().unwrap());
    }
    assert!(
        own_widths.windows(2).all(|pair| pair[0] != pair[1]),
        "three families: {own_widths:?}"
    );
    let inter = &verdict["dom"]["Inter"];
    let rising: Vec<f64> = inter[0]
        .as_array()
        .unwrap()
        .iter()
        .map(|width| width.as_f64().unwrap())
        .collect();
    assert!(
        rising.windows(2).all(|pair| pair[0] < pair[1]),
        "each weight is its own: {rising:?}"
    );
    assert_ne!(inter[0], inter[1], "italics are drawn, not slanted");
}
