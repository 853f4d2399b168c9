use crate::{EncodeError, Encoding, Ffmpeg, I420, child::Child, part::Part};
use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
    process::Stdio,
    time::Duration,
};
use tokio::{
    process::ChildStdin,
    sync::{mpsc, oneshot},
};

/// Frames that wait between the page and ffmpeg: one in hand and one behind it keep both busy; more
/// would be memory (3 MB each at 1080p) without speed.
const QUEUE: usize = 2;
/// How long one frame may wait for a place in the queue.
const FRAME_BUDGET: Duration = Duration::from_secs(60);
/// How long the last frames may take to be encoded and the file to be completed.
const FINISH_BUDGET: Duration = Duration::from_secs(60);
/// How long an ffmpeg that broke its pipe may take to end and say why.
const GRACE: Duration = Duration::from_secs(2);
/// The pipe to ffmpeg, in bytes: the system's 64 kB would wake both ends fifty times a frame.
const PIPE: usize = 1 << 20;

/// The encoder of one segment: its own `ffmpeg` and its own thread that writes to it.
///
/// Dropping it unfinished kills ffmpeg and leaves no file.
#[derive(Debug)]
pub struct SegmentEncoder {
    // Before `part`: ffmpeg is told to die before its file goes.
    ffmpeg: Child,
    part: Part,
    work: mpsc::Sender<Work>,
    spent: mpsc::UnboundedReceiver<I420>,
    written: oneshot::Receiver<io::Result<()>>,
    encoding: Encoding,
    frames: u32,
    given: u32,
}

#[derive(Debug)]
enum Work {
    Frame(I420),
    Repeat,
}

/// The thread's side: writes what comes to ffmpeg.
struct Feeder {
    pipe: File,
    /// What a repetition repeats.
    last: Option<I420>,
    work: mpsc::Receiver<Work>,
    spent: mpsc::UnboundedSender<I420>,
}

impl SegmentEncoder {
    /// Starts the encoder of a segment of `frames` frames that ends up at `out`.
    ///
    /// # Errors
    /// When there are no frames, or when ffmpeg, its pipe or its file cannot be had.
    pub async fn start(
        ffmpeg: &Ffmpeg,
        encoding: &Encoding,
        frames: u32,
        out: impl AsRef<Path>,
    ) -> Result<Self, EncodeError> {
        if frames == 0 {
            return Err(EncodeError::Nothing);
        }
        let (part, stdout) = Part::begin(out.as_ref())?;
        let mut command = ffmpeg.command();
        command
            // A write that fails must end it; by default it goes on, and ends in success.
            .arg("-xerror")
            .args(encoding.input_args())
            .args(encoding.output_args())
            .arg(crate::part::STDOUT)
            .stdin(Stdio::piped())
            .stdout(stdout);
        let mut ffmpeg = Child::start("ffmpeg", "encoding a segment", command).await?;
        let pipe = blocking_pipe(ffmpeg.process.take_stdin())
            .map_err(EncodeError::io("preparing the pipe to ffmpeg"))?;

        let (work, queue) = mpsc::channel(QUEUE);
        let (spend, spent) = mpsc::unbounded_channel();
        let (report, written) = oneshot::channel();
        let feeder = Feeder {
            pipe,
            last: None,
            work: queue,
            spent: spend,
        };
        std::thread::Builder::new()
            .name("segment-encoder".into())
            .spawn(move || report.send(feeder.run()))
            .map_err(EncodeError::io("starting a thread for a segment"))?;
        Ok(Self {
            ffmpeg,
            part,
            work,
            spent,
            written,
            encoding: *encoding,
            frames,
            given: 0,
        })
    }

    /// Takes the next frame, and gives one back to fill next: spent, or new while none is free yet
    /// (at most the first four times).
    ///
    /// # Errors
    /// When the frame has the wrong size or is one too many, and when ffmpeg has ended or takes no
    /// frame within a minute. After an error the segment is lost; drop it.
    pub async fn frame(&mut self, frame: I420) -> Result<I420, EncodeError> {
        let expected = self.encoding.size.even();
        if frame.size() != expected {
            let found = frame.size();
            return Err(EncodeError::FrameSize { expected, found });
        }
        self.give(Work::Frame(frame)).await?;
        let spent = self.spent.try_recv();
        Ok(spent.unwrap_or_else(|_| I420::new(expected)))
    }

    /// The last frame once more.
    ///
    /// # Errors
    /// As [`SegmentEncoder::frame`], and when there is no last frame.
    pub async fn repeat(&mut self) -> Result<(), EncodeError> {
        if self.given == 0 {
            return Err(EncodeError::NothingToRepeat);
        }
        self.give(Work::Repeat).await
    }

    /// Waits until all frames are encoded, and gives the file its name.
    ///
    /// # Errors
    /// When frames are missing, and when ffmpeg ends badly or not within a minute.
    pub async fn finish(self) -> Result<(), EncodeError> {
        let Self {
            mut ffmpeg,
            part,
            work,
            written,
            frames,
            given,
            ..
        } = self;
        if given != frames {
            let expected = frames;
            return Err(EncodeError::FrameCount { expected, given });
        }
        drop(work);
        match ffmpeg.owes(written, FINISH_BUDGET).await? {
            Ok(Ok(())) => {}
            _ => return Err(ffmpeg.failed(GRACE).await),
        }
        ffmpeg.succeed(FINISH_BUDGET).await?;
        part.finish()
    }

    /// The id of the ffmpeg behind it.
    pub fn process_id(&self) -> u32 {
        self.ffmpeg.process.id()
    }

    async fn give(&mut self, work: Work) -> Result<(), EncodeError> {
        if self.given == self.frames {
            return Err(EncodeError::FrameCount {
                expected: self.frames,
                given: self.given + 1,
            });
        }
        // Its pipe would say so too, but only a few frames later.
        if !matches!(self.ffmpeg.process.try_wait(), Ok(None)) {
            return Err(self.ffmpeg.failed(GRACE).await);
        }
        // An ffmpeg that is killed also ends the thread, which sits in a write.
        let sent = self.ffmpeg.owes(self.work.send(work), FRAME_BUDGET);
        if sent.await?.is_err() {
            return Err(self.ffmpeg.failed(GRACE).await);
        }
        self.given += 1;
        Ok(())
    }
}

impl Feeder {
    /// Until the other side hangs up, or ffmpeg does.
    fn run(mut self) -> io::Result<()> {
        while let Some(work) = self.work.blocking_recv() {
            if let Work::Frame(frame) = work
                && let Some(spent) = self.last.replace(frame)
            {
                // Nobody takes frames back any more when the encoder was dropped.
                let _ = self.spent.send(spent);
            }
            // `repeat` refuses to come first.
            if let Some(frame) = &self.last {
                self.pipe.write_all(frame.as_bytes())?;
            }
        }
        Ok(())
    }
}

/// The thread writes in whole frames and has nothing else to do meanwhile: let it block.
fn blocking_pipe(stdin: Option<ChildStdin>) -> io::Result<File> {
    let stdin = stdin.ok_or(io::ErrorKind::BrokenPipe)?;
    let pipe = stdin.into_owned_fd()?;
    rustix::io::ioctl_fionbio(&pipe, false)?;
    // Refused where a user's pipes have grown past a limit; the usual size works as well.
    let _ = rustix::pipe::fcntl_setpipe_size(&pipe, PIPE);
    Ok(File::from(pipe))
}
