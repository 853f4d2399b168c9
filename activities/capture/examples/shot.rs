//! Frames of a page as PNG files, by the capture room alone:
//!
//!     cargo run -p framewright-capture --example shot -- FOLDER 0,30,60 OUT [WIDTHxHEIGHT] [FPS]
//!
//! `FOLDER/index.html` is the page; `OUT/frame_000030.png` is what it gives. Each frame is the
//! first of a segment of its own. `READER=screenshot` reads without the tap.
#![allow(clippy::print_stdout)] // An example's only way to say something.

use framewright_capture::{
    CaptureSession, Chromium, FolderSite, ReaderChoice, SessionSpec, write_png,
};
use framewright_film::FrameSize;
use std::{error::Error, fs, path::PathBuf, sync::Arc, time::Instant};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, frames, out, rest @ ..] = &words[..] else {
        return Err("usage: shot FOLDER FRAME,FRAME,… OUT [WIDTHxHEIGHT] [FPS]".into());
    };
    let size = rest.first().map_or("1920x1080", String::as_str);
    let (width, height) = size.split_once('x').ok_or("a size is WIDTHxHEIGHT")?;
    let size = FrameSize::new(width.parse()?, height.parse()?)?;
    let fps = rest.get(1).map_or("30", String::as_str).parse()?;
    let frames: Vec<u32> = frames
        .split(',')
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let out = PathBuf::from(out);
    fs::create_dir_all(&out)?;

    let mut spec = SessionSpec::new(
        Chromium::find(None).await?,
        size,
        fps,
        "http://film.localhost/index.html".parse()?,
        Arc::new(FolderSite::new(folder)?),
        std::env::temp_dir(),
    );
    if std::env::var_os("READER").is_some_and(|reader| reader == "screenshot") {
        spec.reader = ReaderChoice::Screenshot;
    }
    let session = CaptureSession::open(spec).await?;
    println!("{:#?}", session.report());
    let mut lane = session.into_lane();
    let mut pixels = Vec::new();
    for frame in frames {
        let began = Instant::now();
        lane.begin_segment(frame).await?;
        lane.capture(frame, None, &mut pixels).await?;
        let path = out.join(format!("frame_{frame:06}.png"));
        write_png(&pixels, size, fs::File::create(&path)?)?;
        println!("{} after {:?}", path.display(), began.elapsed());
    }
    lane.close().await;
    Ok(())
}
