use crate::{Failure, Scratch};
use framewright_capture::Chromium;
use framewright_encode::Ffmpeg;
use framewright_film::Digest;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where the programs are, if not where they are looked for.
#[derive(Clone, Debug, Default)]
pub struct ToolchainOptions {
    /// `chromium-headless-shell`.
    pub chromium: Option<PathBuf>,
    /// `ffmpeg`; `ffprobe` is looked for beside it.
    pub ffmpeg: Option<PathBuf>,
    /// What another process found a moment ago. To ask them anew would cost 0.2 s of a core.
    pub known: Option<Programs>,
}

/// The programs, and what they said of themselves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Programs {
    /// The browser.
    pub chromium: Chromium,
    /// The encoder.
    pub ffmpeg: Ffmpeg,
}

/// All that decides what a frame looks like and how it is encoded, besides the plan.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The programs.
    pub programs: Programs,
    /// The folder with the bundled fonts and their `fonts.conf`.
    pub fonts: PathBuf,
    fingerprint: String,
}

impl Programs {
    async fn find(options: &ToolchainOptions) -> Result<Self, Failure> {
        let (chromium, ffmpeg) = tokio::try_join!(
            async {
                let chromium = Chromium::find(options.chromium.as_deref()).await;
                chromium.map_err(Failure::from)
            },
            async {
                let ffmpeg = Ffmpeg::find(options.ffmpeg.as_deref()).await;
                ffmpeg.map_err(Failure::from)
            },
        )?;
        Ok(Self { chromium, ffmpeg })
    }
}

impl Toolchain {
    /// Finds the programs and lays the bundled fonts out in `scratch`.
    ///
    /// # Errors
    /// When a program is missing or cannot do what is needed; the error says what to install.
    pub async fn find(options: &ToolchainOptions, scratch: &Scratch) -> Result<Self, Failure> {
        let programs = match &options.known {
            Some(programs) => programs.clone(),
            None => Programs::find(options).await?,
        };
        let fonts = framewright_composition::install_fonts(&scratch.path())
            .map_err(Failure::scratch("laying out the bundled fonts"))?;
        let facts = [
            programs.chromium.version.clone(),
            framewright_capture::flags_fingerprint(),
            framewright_page::fingerprint().to_hex(),
            framewright_composition::fonts_fingerprint().to_hex(),
            programs.ffmpeg.version.clone(),
        ];
        let fingerprint = Digest::of(facts.join("\n")).short();
        Ok(Self {
            programs,
            fonts,
            fingerprint,
        })
    }

    /// Twelve hexadecimal digits: equal where the same plan gives the same bytes.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}
