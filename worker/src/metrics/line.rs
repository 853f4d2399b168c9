//! The line between a service and a worker that it started: a socket without a name.
//!
//! The service asks with one byte and gets the length of a text and the text. The worker has its end
//! as its standard input, so nothing is listened on and nobody else can ask.

use super::{Metrics, merge::Answer};
use std::{
    collections::BTreeMap,
    io,
    os::fd::{AsFd as _, OwnedFd},
    os::unix::net::UnixStream as StdStream,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    sync::Mutex as AsyncMutex,
    time::timeout,
};

/// A worker that takes longer is told as one that is not there: whoever reads metrics waits.
const ANSWER_BUDGET: Duration = Duration::from_secs(1);

/// More than a worker can have to tell; what says more is not one of ours.
const LARGEST: u32 = 16 << 20;

/// The lines to all workers of a service, by their names.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<BTreeMap<String, Line>>>);

/// One line, and nobody in the middle of asking. `None` after it broke.
type Line = Arc<AsyncMutex<Option<UnixStream>>>;

impl Lines {
    /// A new line to the worker `name`, in place of an earlier one. Returns the worker's end.
    pub(crate) fn open(&self, name: &str) -> io::Result<OwnedFd> {
        let (ours, theirs) = StdStream::pair()?;
        ours.set_nonblocking(true)?;
        let line = Arc::new(AsyncMutex::new(Some(UnixStream::from_std(ours)?)));
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.insert(name.to_owned(), line);
        Ok(theirs.into())
    }

    /// Asks all of them at the same time.
    pub(super) async fn ask(&self) -> Vec<Answer> {
        let lines: Vec<_> = {
            let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines
                .iter()
                .map(|(name, line)| (name.clone(), line.clone()))
                .collect()
        };
        let asking = lines.into_iter().map(|(worker, line)| async move {
            let mut line = line.lock().await;
            let text = match line.as_mut() {
                None => None,
                Some(stream) => timeout(ANSWER_BUDGET, ask(stream)).await.ok(),
            };
            let text = text.and_then(|text| text.ok());
            if text.is_none() {
                // A late answer would be taken for the next one's.
                *line = None;
            }
            Answer { worker, text }
        });
        futures_util::future::join_all(asking).await
    }
}

async fn ask(stream: &mut UnixStream) -> io::Result<String> {
    stream.write_u8(b'?').await?;
    let length = stream.read_u32().await?;
    if length > LARGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = vec![0; length as usize];
    stream.read_exact(&mut text).await?;
    String::from_utf8(text).map_err(io::Error::other)
}

/// The worker's side: answers on the standard input until the other end is closed.
pub(crate) fn answer(metrics: Metrics) -> io::Result<()> {
    let stream = StdStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    stream.set_nonblocking(true)?;
    let mut stream = UnixStream::from_std(stream)?;
    tokio::spawn(async move {
        while stream.read_u8().await.is_ok() {
            let text = metrics.text().await;
            let Ok(length) = u32::try_from(text.len()) else {
                return;
            };
            let written = async {
                stream.write_u32(length).await?;
                stream.write_all(text.as_bytes()).await
            };
            if written.await.is_err() {
                return;
            }
        }
    });
    Ok(())
}
