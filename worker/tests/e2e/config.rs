//! Settings from a file, the environment and flags.

use crate::harness::framewright;
use std::{fs, path::Path};
use tempfile::TempDir;

fn config(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let output = framewright()
        .arg("config")
        .args(args)
        .env("FRAMEWRIGHT_CONFIG", folder.join("framewright.toml"))
        .env_remove("FRAMEWRIGHT_DATA")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let folder = TempDir::new().unwrap();
    fs::write(
        folder.path().join("framewright.toml"),
        r#"
        store = "s3://films/framewright"
        s3-endpoint = "http://someone:hidden-word@s3.example:7070"
        s3-path-style = true
        cache-size = "2GiB"
        listen = "127.0.0.1:1"
        web = "127.0.0.1:1"
        workers = 3

        [tenants.acme]
        sources = ["s3://acme-assets/films", "s3://acme-more"]
        [tenants."*"]
        outputs = ["s3://public"]
        "#,
    )
    .unwrap();
    let environment = [
        ("FRAMEWRIGHT_WEB", "127.0.0.1:2"),
        ("FRAMEWRIGHT_LISTEN", "127.0.0.1:2"),
        ("TEMPORAL_API_KEY", "hidden-key"),
    ];
    let args = ["--json", "--listen", "127.0.0.1:3"];
    let (code, told, said) = config(folder.path(), &args, &environment);
    assert_eq!(code, 0, "{said}");
    assert!(!told.contains("hidden"), "{told}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let file = folder.path().join("framewright.toml");
    let file = file.to_str().unwrap();
    for (name, value, from) in [
        ("config", file, "FRAMEWRIGHT_CONFIG"),
        ("listen", "127.0.0.1:3", "--listen"),
        ("web", "127.0.0.1:2", "FRAMEWRIGHT_WEB"),
        ("store", "s3://films/framewright", file),
        ("cache-size", "2GiB", file),
        ("s3-path-style", "true", file),
        ("s3-endpoint", "http://someone:***@s3.example:7070/", file),
        (
            "allow-source",
            "acme=s3://acme-assets/films, acme=s3://acme-more",
            file,
        ),
        ("allow-output", "*=s3://public", file),
        ("TEMPORAL_API_KEY", "set, not shown", "environment"),
    ] {
        assert_eq!(told[name]["value"], value, "{name}");
        assert_eq!(told[name]["from"], from, "{name}");
    }
    let (code, told, _) = config(folder.path(), &[], &environment);
    assert!(code == 0 && told.contains("127.0.0.1:2"), "{told}");
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let folder = TempDir::new().unwrap();
    fs::write(
        folder.path().join("framewright.toml"),
        r#"
        cache_size = "2GiB"
        listen = "nowhere"
        s3-path-style = "perhaps"
        workers = { of = 3 }
        [tenants.ACME]
        sources = ["s3://acme-assets"]
        [tenants.acme]
        sources = ["s3://acme-assets/../x"]
        inputs = []
        "#,
    )
    .unwrap();
    let environment = [
        ("FRAMEWRIGHT_WEB", "there"),
        ("FRAMEWRIGHT_ALLOW_OUTPUT", "acme=films"),
    ];
    let args = ["--s3-endpoint", "not a url"];
    let (code, told, said) = config(folder.path(), &args, &environment);
    assert_eq!((code, told.as_str()), (2, ""));
    for mistake in [
        "10 settings are wrong",
        "`cache_size`; `cache-size` is meant?",
        "`listen`: `nowhere`",
        "`s3-path-style`: `perhaps`",
        "`workers`: a text, a number",
        "`tenants.ACME.sources`: `ACME=s3://acme-assets`: `ACME` is not a tenant",
        "`tenants.acme.sources`: `acme=s3://acme-assets/../x`",
        "`tenants.acme`: there is no `inputs`",
        "FRAMEWRIGHT_WEB: `there`",
        "FRAMEWRIGHT_ALLOW_OUTPUT: `acme=films`",
        "--s3-endpoint: `not a url`",
    ] {
        assert!(said.contains(mistake), "{mistake} in {said}");
    }
    // A file that was named and is not there, or is no TOML, is one too.
    fs::write(folder.path().join("framewright.toml"), "store =\n").unwrap();
    let (code, _, said) = config(folder.path(), &[], &[]);
    assert!(code == 2 && said.contains("framewright.toml"), "{said}");
    fs::remove_file(folder.path().join("framewright.toml")).unwrap();
    let (code, _, said) = config(folder.path(), &[], &[]);
    assert!(code == 2 && said.contains("framewright.toml"), "{said}");
}
