//! A service, films that are all the same and yet each its own, and eyes for what is left behind.

use crate::{
    draw::{Blow, Fault, Victim},
    harness::{Dev, Process, Renders, eventually, film, reference, signal, submit},
    log::Told,
};
use framewright_proto::v1::{
    ListRendersRequest, Render, RenderOptions, RenderState, WatchRenderRequest,
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// For a render that something was done to. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(300);
/// Segments of the film.
pub(crate) const SEGMENTS: usize = 4;
/// With one lane one segment is captured and one is encoded to its end: so many are in flight.
const IN_FLIGHT: usize = 2;

/// The service and what it must always give.
pub(crate) struct Stage {
    dev: Option<Dev>,
    arguments: Vec<String>,
    /// The folder of the store.
    store: PathBuf,
    pub(crate) quiet: Quiet,
    renders: usize,
    again: usize,
    // Last: what lives in it goes first.
    folder: TempDir,
}

/// A render to which nothing was done.
#[derive(Default)]
pub(crate) struct Quiet {
    /// Of the film.
    pub(crate) sha256: String,
    /// Of each segment, by name.
    segments: BTreeMap<String, String>,
    pub(crate) took: Duration,
}

/// A render under way, and where its part of the log begins.
pub(crate) struct Begun {
    pub(crate) id: String,
    name: String,
    log: Mark,
}

/// How long each log was at a moment.
pub(crate) type Mark = [usize; LOGS.len()];

/// The service's and its workers', where those have their own.
const LOGS: [&str; 3] = ["dev.log", "one.log", "two.log"];

impl Stage {
    pub(crate) async fn open() -> Self {
        Self::open_with(room(), &[], None).await
    }

    /// In a folder that may have been prepared, with more arguments for `dev`, and its store
    /// elsewhere.
    pub(crate) async fn open_with(
        folder: TempDir,
        arguments: &[&str],
        store: Option<PathBuf>,
    ) -> Self {
        let mut stage = Self {
            dev: None,
            arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
            store: store.unwrap_or_else(|| folder.path().join("data/store")),
            quiet: Quiet::default(),
            renders: 0,
            again: 0,
            folder,
        };
        stage.start();
        stage
    }

    /// Renders once in peace: what every other render must equal, and how long it takes.
    pub(crate) async fn rehearse(&mut self) {
        self.quiet.sha256 = reference(&film("storm"), &["--lanes", "1"]);
        let cold = self.begin("cold").await;
        self.end(&cold.id).await;
        let clock = Instant::now();
        let begun = self.begin("quiet").await;
        let render = self.end(&begun.id).await;
        self.quiet.took = clock.elapsed();
        self.quiet.segments = self.segments(&render);
        assert_eq!(self.quiet.segments.len(), SEGMENTS);
        self.check(&begun, &render, 0).await;
        eprintln!("quiet: {:.1} s", self.quiet.took.as_secs_f64());
    }

    pub(crate) fn start(&mut self) {
        let arguments: Vec<_> = self.arguments.iter().map(String::as_str).collect();
        self.dev = Some(Dev::start_with(self.folder.path(), &arguments));
    }

    pub(crate) fn dev(&self) -> &Dev {
        self.dev.as_ref().unwrap()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A film of its own, with the pixels of all others.
    pub(crate) async fn begin(&mut self, name: &str) -> Begun {
        let project = self.folder.path().join("projects").join(name);
        fs::create_dir_all(&project).unwrap();
        let page = fs::read_to_string(film("storm").join("index.html")).unwrap();
        fs::write(project.join("index.html"), format!("{page}<!-- {name} -->")).unwrap();
        let options = RenderOptions {
            chunks: 3,
            lanes: 1,
            ..RenderOptions::default()
        };
        let log = self.mark();
        self.renders += 1;
        let mut client = self.dev().client().await;
        let id = submit(&mut client, name, &project, options).await;
        Begun {
            id,
            name: name.to_owned(),
            log,
        }
    }

    /// One render and its fault. Returns how long the fault was not noticed, if it was.
    pub(crate) async fn round(&mut self, seed: u64, fault: Fault) -> Option<Duration> {
        let name = format!("{}-{seed}", self.renders);
        let begun = self.begin(&name).await;
        let from = match fault.mid_render {
            false => Duration::ZERO,
            true => self.captures(&begun).await,
        };
        let left = self.quiet.took.saturating_sub(from);
        tokio::time::sleep(left.mul_f64(fault.after)).await;
        let noticed = self.strike(&begun, fault).await;
        let render = self.end(&begun.id).await;
        let again = self.check(&begun, &render, IN_FLIGHT).await;
        self.again += again;
        eprintln!("SEED={seed}: {fault}: {again} segments again, noticed after {noticed:?}");
        noticed
    }

    /// Waits until a segment is captured; how long that took.
    async fn captures(&self, begun: &Begun) -> Duration {
        let clock = Instant::now();
        eventually("a segment that is captured", || {
            let told = self.since(&begun.log);
            told.contains("segment begins").then_some(())
        })
        .await;
        clock.elapsed()
    }

    async fn strike(&mut self, begun: &Begun, fault: Fault) -> Option<Duration> {
        let Fault { blow, victim, .. } = fault;
        if victim == Victim::Dev {
            let mut dev = self.dev.take().unwrap();
            signal(dev.pid(), libc::SIGKILL);
            dev.wait();
            // The kernel ends the children; nobody else can.
            eventually("the family to be gone", || {
                dev.family().is_empty().then_some(())
            })
            .await;
            drop(dev);
            self.start();
            return None;
        }
        let Some(pid) = self.find(victim, begun).await else {
            eprintln!("there was no {victim:?} any more");
            return None;
        };
        let log = self.mark();
        match blow {
            Blow::Kill => {
                signal(pid, libc::SIGKILL);
                None
            }
            Blow::Nap(seconds) => {
                signal(pid, libc::SIGSTOP);
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
                signal(pid, libc::SIGCONT);
                None
            }
            Blow::Freeze => {
                signal(pid, libc::SIGSTOP);
                self.noticed(begun, &log).await
            }
        }
    }

    /// A process of the kind; it may be there only later. None when the render ends before.
    async fn find(&self, victim: Victim, begun: &Begun) -> Option<i32> {
        let clock = Instant::now();
        loop {
            let found = self.dev().family().into_iter().find(|process| {
                let is = process.command_line.contains(victim.mark());
                // Chromium's others have its arguments too.
                is && (victim != Victim::Browser || !process.command_line.contains("--type="))
            });
            if let Some(process) = found {
                return Some(process.pid);
            }
            if clock.elapsed() > self.quiet.took * 2 || self.ended(begun).await {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn ended(&self, begun: &Begun) -> bool {
        let mut client = self.dev().client().await;
        let asked = framewright_proto::v1::GetRenderRequest {
            render_id: begun.id.clone(),
        };
        let told = client.get_render(asked).await;
        told.is_ok_and(|told| told.into_inner().state() == RenderState::Succeeded)
    }

    /// How long it takes until the log speaks of a process that was stopped. None when the render
    /// ends without: nobody waited for that process.
    async fn noticed(&self, begun: &Begun, log: &Mark) -> Option<Duration> {
        let clock = Instant::now();
        loop {
            let told = self.since(log);
            if told.contains("did nothing any more")
                || told.contains("was stopped")
                || told.contains("it was stopped")
            {
                return Some(clock.elapsed());
            }
            // A frozen Temporal server answers nobody.
            let ended = tokio::time::timeout(Duration::from_secs(1), self.ended(begun)).await;
            if ended == Ok(true) {
                return None;
            }
            assert!(
                clock.elapsed() < PATIENCE,
                "{begun} hangs",
                begun = begun.id
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Watches to the end, whatever becomes of the service and the connection meanwhile.
    pub(crate) async fn end(&self, id: &str) -> Render {
        let clock = Instant::now();
        loop {
            if let Some(render) = self.watch(id).await {
                return render;
            }
            let here = Process::marked(&self.folder.path().to_string_lossy());
            let lives = here.iter().any(|process| process.pid == self.dev().pid());
            assert!(lives, "the service ended");
            assert!(clock.elapsed() < PATIENCE, "{id} does not end");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn watch(&self, id: &str) -> Option<Render> {
        let mut client = Renders::connect(self.dev().grpc.clone()).await.ok()?;
        let request = WatchRenderRequest {
            render_id: id.to_owned(),
        };
        let mut changes = client.watch_render(request).await.ok()?.into_inner();
        let mut last = None;
        loop {
            let next = tokio::time::timeout(PATIENCE, changes.message()).await;
            match next.unwrap_or_else(|_| panic!("{id} does not move: {last:?}")) {
                Ok(Some(render)) => last = Some(render),
                Ok(None) => return last,
                Err(_) => return None,
            }
        }
    }

    /// All that must be true after a render, whatever was done to it. Returns how many segments
    /// were begun again, at most `again`.
    pub(crate) async fn check(&self, begun: &Begun, render: &Render, again: usize) -> usize {
        let name = &begun.name;
        assert_eq!(
            render.state(),
            RenderState::Succeeded,
            "{name}: {:?}",
            render.error
        );
        let output = render.output.clone().unwrap();
        assert_eq!(output.sha256, self.quiet.sha256, "{name}");
        if !self.quiet.segments.is_empty() {
            assert_eq!(self.segments(render), self.quiet.segments, "{name}");
        }
        let told = Told::by(&self.since(&begun.log));
        assert_eq!(told.in_vain(), [""; 0], "{name}: rendered although stored");
        assert!(told.again() <= again, "{name}: begun again: {told:?}");
        self.nothing_is_left(name).await;
        told.again()
    }

    /// No orphan, no encoder, no folder of the dead, no object half written.
    pub(crate) async fn nothing_is_left(&self, name: &str) {
        let clock = Instant::now();
        loop {
            let left = self.left();
            if left.is_empty() {
                return;
            }
            assert!(
                clock.elapsed() < Duration::from_secs(60),
                "{name} left {left:#?}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        let marked = Process::marked(&self.folder.path().to_string_lossy());
        let family: BTreeSet<_> = Process::descendants().into_iter().collect();
        for process in marked {
            // Who lost its parent is nobody's child any more.
            let known = family.contains(&process.pid);
            if !known || is_encoder(&process) {
                left.push(format!("{} {}", process.pid, process.command_line));
            }
        }
        for entry in entries(&self.folder.path().join("scratch")) {
            if !is_owned(&entry) {
                left.push(entry.display().to_string());
            }
            for inner in entries(&entry) {
                let name = inner.file_name().unwrap().to_string_lossy().into_owned();
                if name.starts_with("segment-") || name.starts_with("assemble-") {
                    left.push(inner.display().to_string());
                }
            }
        }
        // What is being written, in a folder and on versitygw.
        for half in [".tmp", "../.sgwtmp/multipart", "../../.sgwtmp/multipart"] {
            left.extend(
                entries(&self.store.join(half))
                    .iter()
                    .map(|path| path.display().to_string()),
            );
        }
        left
    }

    /// The digests of a film's segments in the store, by name.
    fn segments(&self, render: &Render) -> BTreeMap<String, String> {
        let plan = &render.film.as_ref().unwrap().plan_id;
        let folder = self.store.join("plans").join(plan).join("segments");
        entries(&folder)
            .into_iter()
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, hex::encode(Sha256::digest(fs::read(path).unwrap())))
            })
            .collect()
    }

    /// Each render is there once.
    pub(crate) async fn nothing_is_double(&self) {
        let mut client = self.dev().client().await;
        let clock = Instant::now();
        loop {
            let mut ids = Vec::new();
            let mut token = String::new();
            loop {
                let asked = ListRendersRequest {
                    page_size: 500,
                    page_token: token,
                    ..ListRendersRequest::default()
                };
                let page = client.list_renders(asked).await.unwrap().into_inner();
                ids.extend(page.renders.into_iter().map(|render| render.render_id));
                token = page.next_page_token;
                if token.is_empty() {
                    break;
                }
            }
            let distinct: BTreeSet<_> = ids.iter().collect();
            assert_eq!(distinct.len(), ids.len(), "double: {ids:?}");
            // Visibility is a moment behind.
            if ids.len() == self.renders {
                break;
            }
            assert!(
                clock.elapsed() < Duration::from_secs(30),
                "{} renders",
                ids.len()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        eprintln!(
            "{} renders, {} of {} segments begun again, none in vain",
            self.renders,
            self.again,
            self.renders * SEGMENTS
        );
    }

    /// Ends the service in good order; nothing of it is left.
    pub(crate) async fn close(mut self) {
        self.nothing_is_double().await;
        let mut dev = self.dev.take().unwrap();
        signal(dev.pid(), libc::SIGTERM);
        assert!(dev.wait().success());
        // What still has its parent now is the test's own.
        let ours = Process::descendants();
        let mut left = dev.family();
        left.retain(|process| !ours.contains(&process.pid));
        assert!(left.is_empty(), "processes are left: {left:?}");
        let scratch = entries(&self.folder.path().join("scratch"));
        assert!(scratch.is_empty(), "scratch is left: {scratch:?}");
    }

    pub(crate) fn mark(&self) -> Mark {
        LOGS.map(|log| self.log(log).len())
    }

    /// What the logs say since then, by time.
    pub(crate) fn since(&self, mark: &Mark) -> String {
        let logs: Vec<_> = LOGS.iter().map(|log| self.log(log)).collect();
        let mut lines: Vec<_> = logs
            .iter()
            .zip(mark)
            .flat_map(|(log, &from)| log[from..].lines())
            .collect();
        // Each begins with its time.
        lines.sort_by_key(|line| line.get(..27));
        lines.join("\n")
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let kept = self.folder.path().with_extension("failed");
            let _ = fs::create_dir_all(&kept);
            for log in LOGS.into_iter().chain(["data/logs/temporal.log"]) {
                let name = log.rsplit('/').next().unwrap_or(log);
                let _ = fs::copy(self.folder.path().join(log), kept.join(name));
            }
            eprintln!("the logs are in {}", kept.display());
        }
    }
}

/// ffmpeg or ffprobe: they work for one render. Browsers may wait for the next one.
pub(crate) fn is_encoder(process: &Process) -> bool {
    let program = process.command_line.split(' ').next().unwrap_or_default();
    program.ends_with("ffmpeg") || program.ends_with("ffprobe")
}

/// Whether somebody holds a scratch folder's lock. To try it would keep others from it.
fn is_owned(folder: &Path) -> bool {
    let Ok(lock) = fs::metadata(folder.join("lock")) else {
        return false;
    };
    let inode = format!(":{} ", lock.ino());
    let held = fs::read_to_string("/proc/locks").unwrap();
    held.lines().any(|line| line.contains(&inode))
}

/// A folder that a browser of another user can get through.
pub(crate) fn room() -> TempDir {
    tempfile::Builder::new()
        .prefix("framewright-chaos-")
        .permissions(fs::Permissions::from_mode(0o711))
        .tempdir()
        .unwrap()
}

pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
