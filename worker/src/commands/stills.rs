//! `framewright stills`: single frames as PNG files, by the film's own capture path.

use super::request;
use crate::{cli::StillsArgs, data::Data, exit::Exit, workers};
use framewright_activities::{Failure, stills};
use framewright_film::Quality;
use std::fs;

pub(crate) async fn stills(args: StillsArgs) -> Result<(), Exit> {
    let stop = workers::asked_to_stop()?;
    let data = Data::open(&args.place)?;
    let workshop = data.workshop(&args.place).await?;
    let request = request(&workshop, &args.film, Quality::Standard, Some(1)).await?;
    let write = |still: stills::Still| {
        let file = args.output.join(format!("frame_{:06}.png", still.frame));
        fs::create_dir_all(&args.output)
            .and_then(|()| fs::File::create(&file))
            .and_then(|file| framewright_capture::write_png(&still.bgra, still.size, file))
            .map_err(Failure::scratch("writing a picture"))?;
        anstream::println!("{}", file.display());
        Ok(())
    };
    tokio::select! {
        written = stills::stills(&workshop, &request, &args.frames, write) => Ok(written?),
        () = stop.cancelled() => Err(Exit::cancelled()),
    }
}
