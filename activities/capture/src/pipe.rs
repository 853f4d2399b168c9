//! The browser's debugging protocol over a pair of pipes.
//!
//! One caller, one command at a time: the caller itself reads until its answer is there, so no
//! task and no channel stand between a frame and whoever waits for it. It may do something else
//! between the command and its answer. What comes in between are events, of which only those that
//! end a lane or explain a failure matter.

use crate::{CaptureError, error::LastWords, watch::Watch};
use bytes::BytesMut;
use chromiumoxide::{
    Command,
    cdp::{
        browser_protocol::target::EventDetachedFromTarget,
        js_protocol::runtime::{EventExceptionThrown, ExceptionDetails},
    },
};
use memchr::memmem;
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::VecDeque,
    io::{self, Write as _},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::unix::pipe,
    process::ChildStderr,
    task::JoinHandle,
    time::timeout,
};

/// How many exceptions of a page are kept: the first ones explain, the rest follow from them.
const EXCEPTIONS_KEPT: usize = 5;

/// How long the browser may take to read a command.
const POST_BUDGET: Duration = Duration::from_secs(15);

/// What `forget.js` says.
const STORES: &[u8] = b"\"__framewright stores\"";

/// A read is as large as the pipe itself.
const READ: usize = 1 << 20;

pub(crate) struct Pipe {
    commands: pipe::Sender,
    answers: pipe::Receiver,
    received: BytesMut,
    /// How much of `received` is known to hold no end of a message.
    searched: usize,
    last_id: u64,
    /// A command was sent and its answer not read: its caller went away.
    unanswered: bool,
    exceptions: Vec<String>,
    /// The page has used what the browser stores for it.
    stored: bool,
    /// The session whose page matters.
    followed: Option<String>,
    gpu: Option<Watch>,
    /// The browser's process group.
    group: u32,
    stderr: StderrTail,
}

/// The end of what the browser writes to its standard error.
pub(crate) struct StderrTail {
    text: Arc<Mutex<VecDeque<u8>>>,
    reader: JoinHandle<()>,
}

/// A command that was sent and whose answer was not read.
#[must_use]
pub(crate) struct Posted {
    command: &'static str,
}

/// The answer to a command, as it came.
pub(crate) struct Reply {
    raw: BytesMut,
    command: &'static str,
}

#[derive(Deserialize)]
struct Envelope<R> {
    result: Option<R>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    session_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Detached {
    params: EventDetachedFromTarget,
}

#[derive(Deserialize)]
struct Thrown {
    params: EventExceptionThrown,
}

impl Pipe {
    pub(crate) fn new(
        commands: OwnedFd,
        answers: OwnedFd,
        group: u32,
        stderr: StderrTail,
    ) -> io::Result<Self> {
        Ok(Self {
            commands: pipe::Sender::from_owned_fd(commands)?,
            answers: pipe::Receiver::from_owned_fd(answers)?,
            received: BytesMut::new(),
            searched: 0,
            last_id: 0,
            unanswered: false,
            exceptions: Vec::new(),
            stored: false,
            followed: None,
            gpu: None,
            group,
            stderr,
        })
    }

    /// From now on, the end of this process ends whatever is waited for.
    pub(crate) fn watch_gpu(&mut self, gpu: Watch) {
        self.gpu = Some(gpu);
    }

    /// From now on, what becomes of this session's page is heard, and of no other's.
    pub(crate) fn follow(&mut self, session: &str) {
        self.followed = Some(session.to_owned());
    }

    /// Whether a page has used what the browser stores for it, since this was last asked.
    pub(crate) fn take_stored(&mut self) -> bool {
        std::mem::take(&mut self.stored)
    }

    /// The exceptions that were thrown since they were last taken.
    pub(crate) fn take_exceptions(&mut self) -> Vec<String> {
        std::mem::take(&mut self.exceptions)
    }

    /// A command and its typed answer.
    pub(crate) async fn call<C: Command>(
        &mut self,
        session: Option<&str>,
        command: &C,
        budget: Duration,
    ) -> Result<C::Response, CaptureError> {
        self.send(session, command, budget).await?.read()
    }

    /// A command and its answer as it came, for those that are called every frame.
    pub(crate) async fn send<C: Command>(
        &mut self,
        session: Option<&str>,
        command: &C,
        budget: Duration,
    ) -> Result<Reply, CaptureError> {
        let posted = self.post(session, command).await?;
        self.answer(posted, budget).await
    }

    /// Sends a command. Its answer must be asked for before the next one is sent.
    pub(crate) async fn post<C: Command>(
        &mut self,
        session: Option<&str>,
        command: &C,
    ) -> Result<Posted, CaptureError> {
        let name = match command.identifier() {
            Cow::Borrowed(name) => name,
            Cow::Owned(_) => "a command",
        };
        if std::mem::replace(&mut self.unanswered, true) {
            return Err(CaptureError::Interrupted);
        }
        self.last_id += 1;
        let message =
            encode(self.last_id, name, session, command).map_err(|e| CaptureError::Refused {
                command: name,
                message: e.to_string(),
            })?;
        // Commands are small and the browser always reads: this waits for nobody for long.
        match timeout(POST_BUDGET, self.commands.write_all(&message)).await {
            Ok(Ok(())) => Ok(Posted { command: name }),
            Ok(Err(_)) => Err(self.died(name).await),
            Err(_) => Err(CaptureError::Unanswered {
                command: name,
                budget: POST_BUDGET,
            }),
        }
    }

    /// Waits for the answer to what was posted.
    pub(crate) async fn answer(
        &mut self,
        posted: Posted,
        budget: Duration,
    ) -> Result<Reply, CaptureError> {
        let Posted { command } = posted;
        let frozen = framewright_process::frozen(self.group);
        let answer = async {
            tokio::select! {
                biased;
                raw = self.listen(command) => raw,
                () = frozen => Err(CaptureError::Frozen { doing: command }),
            }
        };
        let answer = timeout(budget, answer).await;
        let raw = answer.map_err(|_| CaptureError::Unanswered { command, budget })??;
        self.unanswered = false;
        Ok(Reply { raw, command })
    }

    async fn listen(&mut self, doing: &'static str) -> Result<BytesMut, CaptureError> {
        let expected = format!("{{\"id\":{},", self.last_id);
        loop {
            let message = match self.gpu.take() {
                None => self.next().await,
                Some(mut gpu) => {
                    let read = tokio::select! {
                        biased;
                        message = self.next() => message,
                        () = gpu.ended() => {
                            // The whole browser may be going down: then that is the news.
                            tokio::time::sleep(Duration::from_millis(20)).await;
                            match self.answers.try_read(&mut [0]) {
                                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                                _ => return Err(CaptureError::ChildDied { process: "GPU", doing }),
                            }
                        }
                    };
                    self.gpu = Some(gpu);
                    read
                }
            };
            let Ok(message) = message else {
                return Err(self.died(doing).await);
            };
            if message.starts_with(expected.as_bytes()) {
                return Ok(message);
            }
            self.event(&message, doing)?;
        }
    }

    /// The next message, without the NUL that ends it.
    async fn next(&mut self) -> io::Result<BytesMut> {
        loop {
            if let Some(end) = memchr::memchr(0, &self.received[self.searched..]) {
                let mut message = self.received.split_to(self.searched + end + 1);
                message.truncate(message.len() - 1);
                self.searched = 0;
                return Ok(message);
            }
            self.searched = self.received.len();
            self.received.reserve(READ);
            if self.answers.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn event(&mut self, message: &[u8], doing: &'static str) -> Result<(), CaptureError> {
        // What cannot be understood is no answer and no event that anybody waits for.
        let Ok(event) = serde_json::from_slice::<Event<'_>>(message) else {
            return Ok(());
        };
        let ours = event.session_id.as_deref() == self.followed.as_deref();
        match &*event.method {
            "Inspector.targetCrashed" | "Inspector.detached" if ours => {
                Err(CaptureError::ChildDied {
                    process: "page",
                    doing,
                })
            }
            "Target.detachedFromTarget" => {
                let detached = serde_json::from_slice::<Detached>(message);
                match detached {
                    Ok(told)
                        if Some(told.params.session_id.as_ref()) != self.followed.as_deref() =>
                    {
                        Ok(())
                    }
                    _ => Err(CaptureError::ChildDied {
                        process: "page",
                        doing,
                    }),
                }
            }
            "Runtime.exceptionThrown" if ours => {
                if let Ok(thrown) = serde_json::from_slice::<Thrown>(message) {
                    let text = describe(&thrown.params.exception_details);
                    tracing::debug!(exception = text, "the page threw");
                    if self.exceptions.len() < EXCEPTIONS_KEPT {
                        self.exceptions.push(text);
                    }
                }
                Ok(())
            }
            "Runtime.consoleAPICalled" => {
                self.stored |= memmem::find(message, STORES).is_some();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn died(&mut self, doing: &'static str) -> CaptureError {
        CaptureError::BrowserDied {
            doing,
            last_words: self.stderr.last_words().await,
        }
    }
}

impl StderrTail {
    const KEPT: usize = 4096;

    pub(crate) fn of(stderr: Option<ChildStderr>) -> Self {
        let text = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&text);
        let reader = tokio::spawn(async move {
            let Some(mut stderr) = stderr else { return };
            let mut chunk = [0; 1024];
            while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&chunk[..read]);
                let surplus = kept.len().saturating_sub(Self::KEPT);
                kept.drain(..surplus);
            }
        });
        Self { text, reader }
    }

    /// Waits a moment for the writer to end, so that what it wrote last is there.
    pub(crate) async fn last_words(&mut self) -> LastWords {
        if !self.reader.is_finished() {
            let _ = timeout(Duration::from_millis(300), &mut self.reader).await;
        }
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        LastWords(String::from_utf8_lossy(text.make_contiguous()).into_owned())
    }
}

impl Drop for StderrTail {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Reply {
    /// Reads the answer; `R` may borrow from it.
    pub(crate) fn read<'a, R: Deserialize<'a>>(&'a self) -> Result<R, CaptureError> {
        let refused = |message: String| CaptureError::Refused {
            command: self.command,
            message,
        };
        let envelope: Envelope<R> = serde_json::from_slice(&self.raw)
            .map_err(|e| refused(format!("its answer is not understood: {e}")))?;
        match envelope {
            Envelope {
                result: Some(result),
                ..
            } => Ok(result),
            Envelope { error, .. } => {
                Err(refused(error.map_or("no answer".to_owned(), |e| e.message)))
            }
        }
    }
}

/// One line for what a script threw.
pub(crate) fn describe(details: &ExceptionDetails) -> String {
    let thrown = details
        .exception
        .as_ref()
        .and_then(|exception| exception.description.as_deref())
        .unwrap_or(&details.text);
    let what = thrown.lines().next().unwrap_or_default();
    match details.url.as_deref() {
        Some(url) if !url.is_empty() => {
            format!("{what} ({url}, line {})", details.line_number + 1)
        }
        _ => what.to_owned(),
    }
}

fn encode<P: Serialize>(
    id: u64,
    method: &str,
    session: Option<&str>,
    params: &P,
) -> io::Result<Vec<u8>> {
    let mut message = Vec::with_capacity(512);
    write!(message, "{{\"id\":{id},\"method\":\"{method}\"")?;
    if let Some(session) = session {
        write!(message, ",\"sessionId\":\"{session}\"")?;
    }
    message.extend_from_slice(b",\"params\":");
    serde_json::to_writer(&mut message, params)?;
    message.extend_from_slice(b"}\0");
    Ok(message)
}
