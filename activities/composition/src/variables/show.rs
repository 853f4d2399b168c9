use super::{Values, text_of};
use crate::dom::{self, NodeRef};
use cssparser::{ParseError, Parser, ParserInput};
use serde_json::Value;

/// Puts the values of a composition where `element` asks for them.
///
/// # Errors
/// The sentence of a warning, where an address cannot be used.
pub(crate) fn show(element: &NodeRef<'_>, values: &Values) -> Result<(), String> {
    let value_of = |attribute| values.get(&dom::filled(element, attribute)?);
    if let Some(text) = value_of("data-var-text").and_then(text_of) {
        set_text(element, &text);
    }
    let Some(value) = value_of("data-var-src") else {
        return Ok(());
    };
    let name = dom::name(element);
    if !["img", "video", "audio", "source"].contains(&name.as_str()) {
        return Err(format!("`data-var-src` does nothing on <{name}>"));
    }
    let Some(url) = value.as_str().or_else(|| value.get("url")?.as_str()) else {
        return Ok(());
    };
    if !is_safe(url) {
        return Err(format!(
            "`{url}` is no address that <{name} data-var-src> may have"
        ));
    }
    element.set_attr("src", url);
    Ok(())
}

/// The values as declarations of custom properties.
pub(crate) fn custom_properties(values: &Values) -> String {
    let declarations = values.iter().filter_map(|(id, value)| {
        let value = text_of(value).or_else(|| value.get("name").and_then(text_of))?;
        let value: String = value
            .chars()
            .filter(|c| !";{}<>\r\n".contains(*c))
            .collect();
        let named = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        let good = !value.trim().is_empty() && !id.is_empty() && id.chars().all(named);
        // A quote that never ends would take the rest of the attribute with it.
        (good && is_whole(&value)).then(|| format!("--{id}:{value};"))
    });
    declarations.collect()
}

/// Whether CSS reads `value` as one value, whatever comes after it.
fn is_whole(value: &str) -> bool {
    let ended = format!("{value};end");
    let mut input = ParserInput::new(&ended);
    let mut parser = Parser::new(&mut input);
    let clean = parser.parse_until_after(cssparser::Delimiter::Semicolon, |inner| {
        inner.expect_no_error_token()?;
        Ok::<(), ParseError<'_, ()>>(())
    });
    clean.is_ok() && parser.expect_ident_matching("end").is_ok() && parser.is_exhausted()
}

/// Text goes into the first text of the element, so that what stands beside it stays.
fn set_text(element: &NodeRef<'_>, text: &str) {
    if element.first_element_child().is_none() {
        element.set_text(text);
        return;
    }
    let mut text = Some(text);
    for child in element.children().into_iter().filter(NodeRef::is_text) {
        child.set_text(text.take().unwrap_or_default());
    }
    if let Some(text) = text {
        element.prepend_child(&element.tree.new_text(text));
    }
}

/// No scheme, or one that brings a file and runs nothing.
fn is_safe(url: &str) -> bool {
    let url: String = url.chars().filter(|&c| c > ' ').collect();
    let scheme = url
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("http" | "https" | "blob") => true,
        Some("data") => url[5..]
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("image/"),
        // A colon after something else is part of a path.
        Some(scheme) => scheme.contains(['/', '?', '#', '.']),
        None => true,
    }
}

/// The address that an image variable names.
pub(crate) fn image(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("url")?.as_str())
}

#[cfg(test)]
mod tests {
    use super::{custom_properties, is_safe};
    use serde_json::json;

    #[test]
    fn only_what_cannot_break_out_is_shown() {
        for url in [
            "a.png",
            "/a:b.png",
            "https://x.y/z",
            "data:image/png;base64,AA",
        ] {
            assert!(is_safe(url), "{url}");
        }
        for url in [
            "javascript:alert(1)",
            " java\nscript:x",
            "data:text/html,x",
            "file:///etc/passwd",
        ] {
            assert!(!is_safe(url), "{url}");
        }
        let values = json!({
            "tint": "#fff", "gap": 4.0, "on": true, "font": {"name": "Lora"}, "title": "It's", "open": "f(x",
            "evil": "red;}*{color:blue", "a b": "x", "none": null,
        });
        assert_eq!(
            custom_properties(values.as_object().unwrap()),
            "--evil:red*color:blue;--font:Lora;--gap:4;--on:true;--tint:#fff;"
        );
    }
}
