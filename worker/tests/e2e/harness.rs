//! A service to try things on, and eyes for `/proc`.

use framewright_proto::v1::{
    CancelRenderRequest, CreateRenderRequest, DownloadOutputRequest, Render, RenderOptions,
    RenderState, UploadProjectRequest, WatchRenderRequest,
    render_service_client::RenderServiceClient,
};
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tonic::transport::Channel;

pub(crate) type Renders = RenderServiceClient<Channel>;

/// Long enough for anything that works; what does not fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The binary under test, with nothing of the surroundings that could lead it astray.
pub(crate) fn framewright() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_framewright"));
    // Not of whoever runs the tests.
    command.env("FRAMEWRIGHT_CONFIG", "none");
    // Of the S3 server that some tests start.
    command.env("AWS_ACCESS_KEY_ID", "key");
    command.env("AWS_SECRET_ACCESS_KEY", "secret");
    for (name, _) in std::env::vars() {
        if name.starts_with("TEMPORAL_") || name.starts_with("FRAMEWRIGHT_SERVER") {
            command.env_remove(name);
        }
    }
    command
}

pub(crate) fn film(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/films")
        .join(name)
}

/// A running `framewright dev`.
pub(crate) struct Dev {
    child: Child,
    pub(crate) folder: PathBuf,
    pub(crate) grpc: String,
    pub(crate) web: String,
    pub(crate) temporal: String,
}

impl Dev {
    /// On a data folder, which may hold the renders of an earlier one.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    pub(crate) fn start_with(folder: &Path, more: &[&str]) -> Self {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("dev.log"))
            .unwrap();
        let mut child = framewright()
            .args([
                "dev",
                "--json",
                "--listen",
                "127.0.0.1:0",
                "--web",
                "127.0.0.1:0",
                "--temporal-port",
                "0",
            ])
            .arg("--data")
            .arg(folder.join("data"))
            .arg("--scratch")
            .arg(folder.join("scratch"))
            .args(more)
            .env("FRAMEWRIGHT_LOG", "warn,framewright=debug")
            .env("FRAMEWRIGHT_TEST_FOLDER", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let addresses: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!(
                "dev did not start:\n{}",
                fs::read_to_string(folder.join("dev.log")).unwrap()
            )
        });
        let text = |name: &str| addresses[name].as_str().unwrap().to_owned();
        Self {
            grpc: text("grpc"),
            web: text("web"),
            temporal: text("temporal"),
            folder: folder.to_owned(),
            child,
        }
    }

    pub(crate) async fn client(&self) -> Renders {
        RenderServiceClient::connect(self.grpc.clone())
            .await
            .unwrap()
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Waits for the process itself to end.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }

    /// Processes of this service, itself not among them: its workers and what they started. They
    /// are found by their ancestors, and when those are gone, by the folder, which is in their
    /// command line or in what they inherited.
    pub(crate) fn family(&self) -> Vec<Process> {
        let marker = self.folder.to_string_lossy().into_owned();
        let all = Process::all();
        let mut family = BTreeSet::from([self.pid()]);
        loop {
            let before = family.len();
            let descends = |process: &&Process| {
                family.contains(&process.parent) || process.marks.contains(&marker)
            };
            let more: Vec<_> = all
                .iter()
                .filter(descends)
                .map(|process| process.pid)
                .collect();
            family.extend(more);
            if family.len() == before {
                break;
            }
        }
        let others = [self.pid(), std::process::id().cast_signed()];
        all.into_iter()
            .filter(|process| family.contains(&process.pid) && !others.contains(&process.pid))
            .collect()
    }

    pub(crate) fn find(&self, what: &str) -> Option<Process> {
        self.family()
            .into_iter()
            .find(|process| process.command_line.contains(what))
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("dev.log")).unwrap_or_default()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        signal(self.pid(), libc::SIGTERM);
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the service\n{}", self.log());
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) command_line: String,
    parent: i32,
    /// Command line and environment, where a folder may be named.
    marks: String,
}

impl Process {
    /// Those that have `mark` in their command line or environment.
    pub(crate) fn marked(mark: &str) -> Vec<Self> {
        let mut all = Self::all();
        all.retain(|process| process.marks.contains(mark));
        all
    }

    /// This one and what it started, and they, and that still has its parent.
    #[allow(dead_code, reason = "the chaos suite asks for it")]
    pub(crate) fn descendants() -> Vec<i32> {
        let all = Self::all();
        let mut found = vec![std::process::id().cast_signed()];
        let mut next = 0;
        while let Some(&parent) = found.get(next) {
            let children = all.iter().filter(|child| child.parent == parent);
            found.extend(children.map(|child| child.pid));
            next += 1;
        }
        found
    }

    fn all() -> Vec<Self> {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        entries
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let text = |name| {
                    let bytes = fs::read(entry.path().join(name)).unwrap_or_default();
                    String::from_utf8_lossy(&bytes).replace('\0', " ")
                };
                let command_line = text("cmdline");
                // The name in parentheses may hold anything; the parent is the second after it.
                let stat = text("stat");
                let parent = stat
                    .rsplit_once(')')?
                    .1
                    .split_whitespace()
                    .nth(1)?
                    .parse()
                    .ok()?;
                let marks = format!("{command_line} {}", text("environ"));
                // A zombie has no command line.
                (!command_line.is_empty()).then_some(Self {
                    pid,
                    command_line,
                    parent,
                    marks,
                })
            })
            .collect()
    }
}

pub(crate) fn signal(pid: i32, signal: i32) {
    // SAFETY: kill takes no pointers.
    #[allow(unsafe_code)]
    unsafe {
        libc::kill(pid, signal);
    }
}

/// Waits until `look` finds something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The project of a folder, packed by the binary's own rules.
pub(crate) fn pack(folder: &Path) -> Vec<u8> {
    framewright_composition::Project::from_dir(folder)
        .unwrap()
        .pack()
        .unwrap()
}

pub(crate) async fn upload(client: &mut Renders, folder: &Path) -> String {
    let pieces: Vec<_> = pack(folder)
        .chunks(10_000)
        .map(|data| UploadProjectRequest {
            data: data.to_vec(),
        })
        .collect();
    let uploaded = client
        .upload_project(tokio_stream::iter(pieces))
        .await
        .unwrap();
    uploaded.into_inner().project_id
}

pub(crate) fn request(id: &str, project_id: &str, options: RenderOptions) -> CreateRenderRequest {
    CreateRenderRequest {
        request_id: id.to_owned(),
        tenant: String::new(),
        project_id: project_id.to_owned(),
        options: Some(options),
        ..CreateRenderRequest::default()
    }
}

/// Uploads, creates, and returns the render's id.
pub(crate) async fn submit(
    client: &mut Renders,
    id: &str,
    folder: &Path,
    options: RenderOptions,
) -> String {
    let project = upload(client, folder).await;
    let created = client
        .create_render(request(id, &project, options))
        .await
        .unwrap();
    created.into_inner().render_id
}

pub(crate) async fn cancel(client: &mut Renders, render_id: &str) {
    let request = CancelRenderRequest {
        render_id: render_id.to_owned(),
        reason: "enough".into(),
    };
    client.cancel_render(request).await.unwrap();
}

/// Watches to the end.
pub(crate) async fn end_of(client: &mut Renders, render_id: &str) -> Render {
    let request = WatchRenderRequest {
        render_id: render_id.to_owned(),
    };
    let watch = async {
        let mut changes = client.watch_render(request).await.unwrap().into_inner();
        let mut last = None;
        while let Some(render) = changes.message().await.unwrap() {
            last = Some(render);
        }
        last.unwrap()
    };
    tokio::time::timeout(PATIENCE, watch)
        .await
        .expect("the render ends")
}

/// Watches to a film, and returns its sha256.
pub(crate) async fn film_of(client: &mut Renders, render_id: &str) -> String {
    let render = end_of(client, render_id).await;
    assert_eq!(render.state(), RenderState::Succeeded, "{:?}", render.error);
    render.output.unwrap().sha256
}

pub(crate) async fn download(client: &mut Renders, render_id: &str, offset: u64) -> Vec<u8> {
    let request = DownloadOutputRequest {
        render_id: render_id.to_owned(),
        offset,
    };
    let mut pieces = client.download_output(request).await.unwrap().into_inner();
    let mut film = Vec::new();
    while let Some(piece) = pieces.message().await.unwrap() {
        film.extend(piece.data);
    }
    film
}

/// The bytes of the small film as this process tree renders it without Temporal: what every other
/// way must give.
pub(crate) fn reference(project: &Path, more: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    let output = in_process(
        project,
        folder.path(),
        &folder.path().join("film.mp4"),
        more,
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    told["sha256"].as_str().unwrap().to_owned()
}

pub(crate) fn in_process(project: &Path, folder: &Path, film: &Path, more: &[&str]) -> Output {
    framewright()
        .args(["render", "--in-process", "--json"])
        .arg(project)
        .arg("-o")
        .arg(film)
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--scratch")
        .arg(folder.join("scratch"))
        .args(more)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Segments that are in the store of a service, by name.
pub(crate) fn segments(folder: &Path) -> BTreeSet<String> {
    segments_in(&folder.join("data/store"))
}

/// Segments in the folder of a store, by name.
pub(crate) fn segments_in(store: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let plans = store.join("plans");
    for plan in fs::read_dir(plans).into_iter().flatten().flatten() {
        for segment in fs::read_dir(plan.path().join("segments"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = segment.file_name().to_string_lossy().into_owned();
            if name.ends_with(".mp4") {
                found.insert(name);
            }
        }
    }
    found
}
