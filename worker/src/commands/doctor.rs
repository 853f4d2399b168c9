//! `framewright doctor`: what this machine has and lacks.

use crate::{cli::DoctorArgs, data::Data, exit::Exit, temporal};

pub(crate) async fn doctor(args: DoctorArgs) -> Result<(), Exit> {
    let data = Data::open(&args.place)?;
    anstream::println!("data       {}", data.root().display());
    match temporal::find() {
        Some(program) => anstream::println!("temporal   {}", program.display()),
        None => {
            anstream::println!("temporal   not here; it is downloaded or built when it is needed")
        }
    }
    let workshop = data.workshop(&args.place).await?;
    let toolchain = &workshop.toolchain;
    anstream::println!(
        "chromium   {} ({})",
        toolchain.programs.chromium.version,
        toolchain.programs.chromium.path.display()
    );
    anstream::println!(
        "ffmpeg     {} ({})",
        toolchain.programs.ffmpeg.version,
        toolchain.programs.ffmpeg.ffmpeg.display()
    );
    anstream::println!("toolchain  {}", toolchain.fingerprint());
    let report = framewright_activities::trial(&workshop).await?;
    anstream::println!("WebGL      {}", report.gl.renderer);
    anstream::println!("frames     {:?}", report.reader);
    anstream::println!("wall       {:?}", report.wall);
    anstream::println!("sandbox    {}", if report.sandbox { "on" } else { "off" });
    Ok(())
}
