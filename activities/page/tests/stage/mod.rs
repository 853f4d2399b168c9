//! A stage for pages: the real browser, and a server that plays the part of `capture`.
//!
//! The page is compiled, served under its own addresses with the runtime injected, and says what it
//! found by posting JSON to `/verdict`.

use framewright_composition::{
    CompileOptions, PageBundle, Project, Vendor, VendorOptions, compile,
};
use serde_json::{Value, json};
use std::{path::Path, process::Stdio, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Notify, mpsc},
    time::timeout,
};

/// What a page is put on stage with.
pub(crate) struct Stage {
    /// Extra configuration of the runtime.
    pub(crate) config: Value,
    /// A folder with a `fonts.conf` that the browser shall use.
    pub(crate) fonts: Option<std::path::PathBuf>,
}

struct Server {
    bundle: PageBundle,
    prologue: String,
    fonts_loaded: Notify,
    verdict: mpsc::Sender<Value>,
}

/// Opens `index.html` of `files` and returns its verdict.
pub(crate) async fn play(files: &[(&str, &str)], stage: Stage) -> Value {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm");
    let vendor = Vendor::new(&cache, VendorOptions::default()).unwrap();
    let project = Project::from_dir(dir.path()).unwrap();
    let bundle = compile(&project, &CompileOptions::default(), &vendor)
        .await
        .unwrap();

    let mut config =
        json!({ "fps": { "num": 30, "den": 1 }, "variables": {}, "budgets": {}, "load": "1" });
    for (name, value) in stage.config.as_object().into_iter().flatten() {
        config[name] = value.clone();
    }
    let (verdict, mut verdicts) = mpsc::channel(1);
    let server = Arc::new(Server {
        bundle,
        prologue: format!(
            "<script>window.__framewrightConfig = {config};\n{}</script>",
            framewright_page::runtime()
        ),
        fonts_loaded: Notify::new(),
        verdict,
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(server.clone(), stream));
        }
    });

    let profile = tempfile::tempdir().unwrap();
    let mut browser = Command::new("chromium-headless-shell");
    browser
        .args([
            "--no-sandbox",
            "--hide-scrollbars",
            "--window-size=1280,720",
            "--remote-debugging-port=0",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--host-resolver-rules=MAP * 127.0.0.1:{port}"))
        .arg("http://film.localhost/index.html")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(fonts) = &stage.fonts {
        browser.env("FONTCONFIG_FILE", fonts.join("fonts.conf"));
    }
    let mut browser = framewright_process::spawn(browser, 0).await.unwrap();
    let found = timeout(Duration::from_secs(60), verdicts.recv()).await;
    browser.kill().await;
    serving.abort();
    found
        .expect("the page gave no verdict within 60 s")
        .expect("the server lives")
}

async fn answer(server: Arc<Server>, mut stream: TcpStream) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    let (head, mut body) = loop {
        let Ok(read) = stream.read(&mut piece).await else {
            return;
        };
        if read == 0 {
            return;
        }
        request.extend_from_slice(&piece[..read]);
        if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).into_owned();
            break (head, request[end + 4..].to_vec());
        }
    };
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        lines
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .next()
    };
    let length: usize = header("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    while body.len() < length {
        match stream.read(&mut piece).await {
            Ok(read) if read > 0 => body.extend_from_slice(&piece[..read]),
            _ => return,
        }
    }
    let target = head.split_whitespace().nth(1).unwrap_or("/");
    let url = format!("http://{}{target}", header("host").unwrap_or_default());
    let path = target.split('?').next().unwrap_or(target);
    let (status, content_type, content) = if path == "/verdict" {
        let verdict = serde_json::from_slice(&body).unwrap();
        let _ = server.verdict.send(verdict).await;
        (200, "text/plain", Vec::new())
    } else if path == framewright_page::FONTS_LOADED_PATH {
        server.fonts_loaded.notify_one();
        (200, "text/plain", Vec::new())
    } else if path == framewright_page::FONTS_READY_PATH {
        server.fonts_loaded.notified().await;
        (200, "text/javascript", Vec::new())
    } else if path.ends_with("/slow.png") {
        // Never within a test's budget.
        tokio::time::sleep(Duration::from_secs(50)).await;
        (404, "text/plain", Vec::new())
    } else if let Some(resource) = server.bundle.resources.get(&url) {
        let mut content = resource.bytes.to_vec();
        if resource.content_type.starts_with("text/html") {
            let text = String::from_utf8(content).unwrap();
            content = text
                .replacen("<head>", &format!("<head>{}", server.prologue), 1)
                .into_bytes();
        }
        (200, resource.content_type.as_str(), content)
    } else {
        (404, "text/plain", Vec::new())
    };
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\naccess-control-allow-origin: *\r\nconnection: close\r\n\r\n",
        content.len()
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&content).await;
}
