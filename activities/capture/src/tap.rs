//! Reading frames where the compositor paints them.
//!
//! In software compositing the GPU process paints every frame into one long-lived buffer. Once a
//! frame request has returned, that buffer *is* the frame, without loss, and reading it costs a
//! memory copy. It is found by painting a pattern that cannot be anywhere by chance, and what is
//! read is held against a picture of the same frame before it is trusted.

use crate::{
    CaptureError,
    page::{Page, Want},
    picture,
    rows::Rows,
    watch::{Mapping, Peer},
};
use framewright_film::FrameSize;
use memchr::memmem::Finder;
use std::io;

/// Pixels of one row of the pattern: 256 bytes of noise are nowhere by chance.
const PATTERN: u32 = 64;

/// Memory is searched in pieces of this size.
const PIECE: usize = 4 << 20;

/// Rows are read in stripes of about this size, which stay in a core's own cache while they are
/// converted.
const STRIPE: usize = 192 << 10;

/// One pixel in so many may differ between a frame of a film and a picture of it.
const DIFFERENT: usize = 100;

/// Larger mappings are address space that Chromium set aside.
const LARGEST: usize = 1 << 30;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Tap {
    gpu: Peer,
    address: u64,
    size: FrameSize,
}

/// What was painted: the first bytes of the first two rows.
struct Pattern {
    rows: [Vec<u8>; 2],
}

impl Tap {
    /// Finds the buffer, with the help of an empty page. The inner error says why there is none
    /// to be trusted: then pictures must do.
    pub(crate) async fn calibrate(page: &mut Page) -> Result<Result<Self, String>, CaptureError> {
        let size = page.size();
        if size.width < PATTERN {
            return Ok(Err(format!("the page is narrower than {PATTERN} px")));
        }
        let gpu = page.browser().gpu;
        let first = paint(page, 0x2545_f491).await?;
        let search = tokio::task::spawn_blocking(move || search(gpu, size, &first)).await;
        let mut found = match search.map_err(io::Error::other).flatten() {
            Ok(found) => found,
            Err(error) => {
                return Ok(Err(format!(
                    "the compositor's memory cannot be read: {error}"
                )));
            }
        };
        // A stale copy of the first pattern does not follow the second.
        let second = paint(page, 0x9e37_79b9).await?;
        found.retain(|address| second.is_at(gpu, *address, size));
        let [address] = found[..] else {
            return Ok(Err(format!(
                "{} buffers look like the compositor's",
                found.len()
            )));
        };
        let tap = Self { gpu, address, size };
        draw(page, 0x1234_5677).await?;
        if tap.agrees_with_picture(page).await? {
            Ok(Ok(tap))
        } else {
            Ok(Err("what is read is not what is shown".to_owned()))
        }
    }

    /// Hands on the frame that is shown. `stripe` is room that is kept between frames.
    pub(crate) fn read(&self, stripe: &mut Vec<u8>, into: &mut dyn Rows) -> io::Result<()> {
        let stride = self.size.width as usize * 4;
        let step = (STRIPE / stride / 2 * 2).max(2);
        let height = self.size.height as usize;
        for first in (0..height).step_by(step) {
            let rows = step.min(height - first);
            stripe.resize(rows * stride, 0);
            self.gpu
                .read(self.address + (first * stride) as u64, stripe)?;
            into.rows(first as u32, stripe);
        }
        Ok(())
    }

    /// Whether the frame that is shown now is what can be read, pixel for pixel.
    pub(crate) async fn agrees_with_picture(&self, page: &mut Page) -> Result<bool, CaptureError> {
        let pair = self.beside_picture(page).await?;
        Ok(pair.is_some_and(|(read, shown)| read == shown))
    }

    /// As [`Tap::agrees_with_picture`], for a page of the film: a few pixels may be others in a
    /// picture, see [`Reader`](crate::Reader). A wrong buffer has nearly none in common.
    pub(crate) async fn resembles_picture(&self, page: &mut Page) -> Result<bool, CaptureError> {
        let pair = self.beside_picture(page).await?;
        Ok(pair.is_some_and(|(read, shown)| resemble(&read, &shown)))
    }

    /// What is read and what is shown, if both can be had.
    async fn beside_picture(
        &self,
        page: &mut Page,
    ) -> Result<Option<(Vec<u8>, Vec<u8>)>, CaptureError> {
        let Some(png) = page.frame(Want::Picture).await?.picture else {
            tracing::warn!("no picture came of the frame that is shown");
            return Ok(None);
        };
        let mut read = Vec::new();
        let shown = picture::to_bgra(&png, self.size)?;
        let is_read = self.read(&mut Vec::new(), &mut read).is_ok();
        Ok(is_read.then_some((read, shown)))
    }

    /// Whether this is still the buffer of a browser that has another empty page now.
    pub(crate) async fn still_there(&self, page: &mut Page) -> Result<bool, CaptureError> {
        let pattern = paint(page, 0x0bad_5eed).await?;
        Ok(pattern.is_at(self.gpu, self.address, self.size))
    }
}

/// Whether nearly all pixels are the same.
fn resemble(read: &[u8], shown: &[u8]) -> bool {
    if read.len() != shown.len() {
        return false;
    }
    let pairs = read.chunks_exact(4).zip(shown.chunks_exact(4));
    let different = pairs.filter(|(read, shown)| read != shown).count();
    if different > 0 {
        tracing::debug!(different, "a frame and a picture of it differ");
    }
    different <= read.len() / 4 / DIFFERENT
}

impl Pattern {
    fn is_at(&self, gpu: Peer, address: u64, size: FrameSize) -> bool {
        let stride = u64::from(size.width) * 4;
        let mut read = vec![0; self.rows[0].len()];
        (0..).zip(&self.rows).all(|(row, expected)| {
            gpu.read(address + row * stride, &mut read).is_ok() && read == *expected
        })
    }
}

/// Draws a pattern that follows from `seed` and shows it.
async fn paint(page: &mut Page, seed: u32) -> Result<Pattern, CaptureError> {
    let pattern = draw(page, seed).await?;
    // The first frame of a page can be without its content.
    page.frame(Want::Paint).await?;
    page.frame(Want::Paint).await?;
    Ok(pattern)
}

/// Draws a pattern that follows from `seed`; the next frame shows it.
async fn draw(page: &mut Page, seed: u32) -> Result<Pattern, CaptureError> {
    let mut state = seed;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as u8
    };
    let mut colours: Vec<u8> = Vec::new();
    let mut rows = [Vec::new(), Vec::new()];
    for row in &mut rows {
        for _ in 0..PATTERN {
            let (red, green, blue) = (noise(), noise(), noise());
            colours.extend([red, green, blue, 255]);
            row.extend([blue, green, red, 255]);
        }
    }
    // The rest of the page is not one colour either, so that a wrong buffer or stride shows.
    let script = format!(
        r#"(() => {{
  document.body.style.cssText = "margin:0;height:100vh;background:linear-gradient(135deg,#123,#fa4,#3c9)";
  let canvas = document.querySelector("canvas");
  if (!canvas) {{
    canvas = document.createElement("canvas");
    canvas.width = {PATTERN}; canvas.height = 2;
    canvas.style.cssText = "display:block;position:fixed;left:0;top:0";
    document.body.append(canvas);
  }}
  const context = canvas.getContext("2d", {{ willReadFrequently: true }});
  context.putImageData(new ImageData(new Uint8ClampedArray({colours:?}), {PATTERN}, 2), 0, 0);
  return 0;
}})()"#
    );
    page.evaluate::<u32>(&script).await?;
    Ok(Pattern { rows })
}

/// All addresses where `pattern` stands. The compositor's buffer is heap of its own, just larger
/// than a frame; only if it is not there, the rest of the memory is searched.
fn search(gpu: Peer, size: FrameSize, pattern: &Pattern) -> io::Result<Vec<u64>> {
    let frame = size.bgra_len();
    let (likely, rest): (Vec<Mapping>, Vec<Mapping>) = gpu
        .mappings()?
        .into_iter()
        .filter(|mapping| (frame..LARGEST).contains(&mapping.len))
        .partition(|mapping| mapping.anonymous && mapping.len < frame + (1 << 16));
    let finder = Finder::new(&pattern.rows[0]);
    let mut found = Vec::new();
    let mut denied = None;
    for part in [likely, rest] {
        for mapping in part {
            match search_in(gpu, mapping, &finder) {
                Ok(hits) => found.extend(hits.into_iter().filter(|address| {
                    let room = mapping.start + mapping.len as u64 - address;
                    room >= frame as u64 && pattern.is_at(gpu, *address, size)
                })),
                Err(error) => denied = Some(error),
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    match denied {
        Some(error) => Err(error),
        None => Ok(found),
    }
}

fn search_in(gpu: Peer, mapping: Mapping, finder: &Finder<'_>) -> io::Result<Vec<u64>> {
    let overlap = finder.needle().len();
    let mut piece = vec![0; (PIECE + overlap).min(mapping.len)];
    let mut hits = Vec::new();
    let mut offset = 0;
    while offset < mapping.len {
        let len = piece.len().min(mapping.len - offset);
        let address = mapping.start + offset as u64;
        gpu.read(address, &mut piece[..len])?;
        for hit in finder.find_iter(&piece[..len]) {
            hits.push(address + hit as u64);
        }
        offset += PIECE;
    }
    hits.sort_unstable();
    hits.dedup();
    Ok(hits)
}
