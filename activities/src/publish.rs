//! A film in the store → a place that was named.

use crate::{Failure, Workshop};
use framewright_store::{Key, S3Url};
use framewright_workflows::RenderOutput;

/// Publishes `film` at `output`, an address in S3, if there is one. The same film is put once,
/// however often this is tried.
///
/// # Errors
/// When the place holds something else, or must not be written.
pub async fn publish(
    workshop: &Workshop,
    mut film: RenderOutput,
    output: Option<&str>,
) -> Result<RenderOutput, Failure> {
    let Some(output) = output else {
        return Ok(film);
    };
    let url: S3Url = output.parse()?;
    if !workshop.outside.has(&url, film.sha256).await? {
        let folder = workshop
            .scratch
            .folder("publish")
            .map_err(Failure::scratch("making room for the film"))?;
        let file = folder.path().join("film");
        let key = Key::new(film.key.clone())?;
        workshop.store.fetch(&key, &file).await?;
        let publishing = workshop
            .outside
            .publish(&url, &file, film.sha256, &film.content_type);
        let put = publishing.await?;
        tracing::info!(?put, "film published");
    }
    film.published = Some(url.to_string());
    Ok(film)
}
