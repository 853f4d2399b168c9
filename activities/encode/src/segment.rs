use crate::{EncodeError, Encoding, Ffmpeg, child::Child, colour::Converter, part::Part};
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
    time::timeout,
};

/// Frames that wait between the page and the converter: one in hand and one behind it keep both
/// busy; more would be memory (8 MB each at 1080p) without speed.
const QUEUE: usize = 2;
/// How long one frame may wait for a place in the queue.
const FRAME_BUDGET: Duration = Duration::from_secs(60);
/// How long the last frames may take to be encoded and the file to be completed.
const FINISH_BUDGET: Duration = Duration::from_secs(60);
/// How long an ffmpeg that broke its pipe may take to end and say why.
const GRACE: Duration = Duration::from_secs(2);
/// The pipe to ffmpeg, in bytes: the system's 64 kB would wake both ends fifty times a frame.
const PIPE: usize = 1 << 20;

/// The encoder of one segment: its own `ffmpeg` and its own thread that converts and writes.
///
/// Dropping it unfinished kills ffmpeg and leaves no file.
#[derive(Debug)]
pub struct SegmentEncoder {
    // Before `part`: ffmpeg is told to die before its file goes.
    ffmpeg: Child,
    part: Part,
    work: mpsc::Sender<Work>,
    spent: mpsc::UnboundedReceiver<Vec<u8>>,
    written: oneshot::Receiver<io::Result<()>>,
    encoding: Encoding,
    frames: u32,
    given: u32,
}

#[derive(Debug)]
enum Work {
    Frame(Vec<u8>),
    Repeat,
}

/// The thread's side: converts what comes and writes it to ffmpeg.
struct Feeder {
    pipe: File,
    converter: Converter,
    i420: Vec<u8>,
    work: mpsc::Receiver<Work>,
    spent: mpsc::UnboundedSender<Vec<u8>>,
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
            .args(encoding.input_args())
            .args(encoding.output_args())
            .arg(crate::part::STDOUT)
            .stdin(Stdio::piped())
            .stdout(stdout);
        let mut ffmpeg = Child::start("ffmpeg", "encoding a segment", command).await?;
        let pipe = blocking_pipe(ffmpeg.process.take_stdin())
            .map_err(EncodeError::io("preparing the pipe to ffmpeg"))?;

        let converter = Converter::new(encoding.size);
        let (work, queue) = mpsc::channel(QUEUE);
        let (spend, spent) = mpsc::unbounded_channel();
        let (report, written) = oneshot::channel();
        let feeder = Feeder {
            pipe,
            i420: vec![0; converter.output_len()],
            converter,
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

    /// Takes the next frame: BGRA, rows without padding, alpha ignored.
    ///
    /// Gives a buffer back for the next one: spent, of a frame's length, its bytes of no meaning;
    /// or empty while none is free yet (at most the first four times).
    ///
    /// # Errors
    /// When the frame has the wrong length or is one too many, and when ffmpeg has ended or takes
    /// no frame within a minute. After an error the segment is lost; drop it.
    pub async fn frame(&mut self, bgra: Vec<u8>) -> Result<Vec<u8>, EncodeError> {
        if bgra.len() != self.encoding.size.bgra_len() {
            return Err(EncodeError::FrameLength {
                size: self.encoding.size,
                found: bgra.len(),
            });
        }
        self.give(Work::Frame(bgra)).await?;
        Ok(self.spent.try_recv().unwrap_or_default())
    }

    /// The last frame once more, without another conversion.
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
        match timeout(FINISH_BUDGET, written).await {
            Ok(Ok(Ok(()))) => {}
            Ok(_) => return Err(ffmpeg.failed(GRACE).await),
            Err(_) => return Err(ffmpeg.timed_out(FINISH_BUDGET)),
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
        match timeout(FRAME_BUDGET, self.work.send(work)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(self.ffmpeg.failed(GRACE).await),
            Err(_) => {
                // Also ends the thread, which sits in a write.
                self.ffmpeg.process.kill().await;
                return Err(self.ffmpeg.timed_out(FRAME_BUDGET));
            }
        }
        self.given += 1;
        Ok(())
    }
}

impl Feeder {
    /// Until the other side hangs up, or ffmpeg does.
    fn run(mut self) -> io::Result<()> {
        while let Some(work) = self.work.blocking_recv() {
            if let Work::Frame(bgra) = work {
                self.converter.convert(&bgra, &mut self.i420);
                // Nobody takes buffers back any more when the encoder was dropped.
                let _ = self.spent.send(bgra);
            }
            self.pipe.write_all(&self.i420)?;
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
