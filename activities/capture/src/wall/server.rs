use super::{
    Refusal,
    gate::{Ask, Gate},
    tls,
};
use crate::{Answer, CaptureError, Site, destination::Destination};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{self, HeaderMap, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    net::TcpListener,
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;
use tracing::{Span, span::Id};
use url::Url;

/// The first byte of a TLS handshake; no HTTP request begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// How many refusals are kept. A page may ask for something in every frame.
const REFUSALS_KEPT: usize = 100;

/// Answers everything that one browser asks for. Ends when it is dropped.
pub(crate) struct Server {
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    site: Mutex<Arc<dyn Site>>,
    gate: Gate,
    tls: TlsAcceptor,
    refusals: Mutex<Vec<Refusal>>,
    /// How many of them a film cannot be right without.
    essential: AtomicUsize,
    /// The first thing that is there and could not be had.
    unavailable: OnceLock<String>,
    /// The span in which the page was loaded: what its requests come to is logged there. By its id,
    /// since to hold a span is to keep it from ending.
    loaded_in: Mutex<Option<Id>>,
}

impl Server {
    pub(crate) fn start(
        listener: TcpListener,
        site: Arc<dyn Site>,
        gate: Gate,
    ) -> Result<Self, CaptureError> {
        let listening = CaptureError::io("listening for the browser");
        let listener = listener
            .set_nonblocking(true)
            .and_then(|()| tokio::net::TcpListener::from_std(listener))
            .map_err(listening)?;
        let shared = Arc::new(Shared {
            site: Mutex::new(site),
            gate,
            tls: tls::acceptor()?,
            refusals: Mutex::default(),
            essential: AtomicUsize::new(0),
            unavailable: OnceLock::new(),
            loaded_in: Mutex::new(Span::current().id()),
        });
        let accepting = accept(listener, Arc::clone(&shared));
        let task = tokio::spawn(accepting).abort_handle();
        Ok(Self { shared, task })
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.shared.gate
    }

    /// From now on, `site` answers.
    pub(crate) fn serve(&self, site: Arc<dyn Site>) {
        *self.shared.site() = site;
    }

    /// What could not be answered so far.
    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        self.shared.refusals().clone()
    }

    /// Forgets what could not be answered: another page begins.
    pub(crate) fn forget(&self) {
        self.shared.refusals().clear();
        let loaded_in = self.shared.loaded_in.lock();
        *loaded_in.unwrap_or_else(PoisonError::into_inner) = Span::current().id();
        self.shared.essential.store(0, Ordering::Release);
    }

    /// The first URL whose answer could not be had, for whatever page. A browser to which this
    /// happened is one to be replaced.
    pub(crate) fn unavailable(&self) -> Option<&str> {
        self.shared.unavailable.get().map(String::as_str)
    }

    /// The first thing that could not be answered and that the film cannot be right without.
    pub(crate) fn essential_refusal(&self) -> Option<Refusal> {
        // Asked every frame: most of the time one load must do.
        if self.shared.essential.load(Ordering::Acquire) == 0 {
            return None;
        }
        let refusals = self.shared.refusals();
        refusals
            .iter()
            .find(|refusal| refusal.destination.is_essential())
            .cloned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn site(&self) -> std::sync::MutexGuard<'_, Arc<dyn Site>> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refusals(&self) -> std::sync::MutexGuard<'_, Vec<Refusal>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn loaded_in(&self) -> Option<Id> {
        let loaded_in = self.loaded_in.lock();
        loaded_in.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refuse(&self, url: &Url, destination: Destination) {
        tracing::info!(parent: self.loaded_in(), %url, %destination, "the plan does not hold what the page asks for");
        let mut refusals = self.refusals();
        // One that ends the render is never crowded out by those that do not.
        if refusals.len() < REFUSALS_KEPT || destination.is_essential() {
            refusals.push(Refusal {
                url: url.to_string(),
                destination,
            });
        }
        drop(refusals);
        if destination.is_essential() {
            self.essential.fetch_add(1, Ordering::Release);
        }
    }
}

async fn accept(listener: tokio::net::TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(converse(stream, Arc::clone(&shared)));
            }
            // Out of descriptors, most likely: some connection must end first.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(1) if first[0] == TLS_HANDSHAKE => {
            if let Ok(stream) = shared.tls.accept(stream).await {
                serve(stream, "https", shared).await;
            }
        }
        Ok(1) => serve(stream, "http", shared).await,
        _ => {}
    }
}

async fn serve<S>(stream: S, scheme: &'static str, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(&request, scheme, &shared).await) }
    });
    // A browser that hangs up in the middle of an answer is no news.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: &Request<Incoming>,
    scheme: &str,
    shared: &Arc<Shared>,
) -> Response<Full<Bytes>> {
    let headers = request.headers();
    let Some(url) = url_of(request.uri(), headers, scheme) else {
        return empty(StatusCode::BAD_REQUEST);
    };
    if let Some(ask) = Gate::ask(&url) {
        return gate(ask, shared).await;
    }
    if request.method() == Method::OPTIONS {
        return empty(StatusCode::NO_CONTENT);
    }
    let destination = Destination::of(
        text(headers, HeaderName::from_static("sec-fetch-dest")),
        text(headers, header::ACCEPT),
        url.path(),
    );
    let (asked, site) = (url.clone(), Arc::clone(&shared.site()));
    let found = tokio::task::spawn_blocking(move || site.answer(&asked, destination)).await;
    match found {
        Ok(Answer::Found { content_type, body }) => found_response(request, &content_type, &body),
        Ok(Answer::Unavailable) => {
            let _ = shared.unavailable.set(url.to_string());
            empty(StatusCode::SERVICE_UNAVAILABLE)
        }
        // A site that panics has no answer.
        Ok(Answer::Missing) | Err(_) => {
            shared.refuse(&url, destination);
            empty(StatusCode::NOT_FOUND)
        }
    }
}

async fn gate(ask: Ask, shared: &Shared) -> Response<Full<Bytes>> {
    match ask {
        Ask::Ready => {
            if !shared.gate.wait().await {
                tracing::warn!(parent: shared.loaded_in(), "the page's scripts did not wait any longer for its fonts");
            }
        }
        Ask::Loaded(load) => shared.gate.open(&load),
    }
    let mut response = empty(StatusCode::OK);
    let script = HeaderValue::from_static("text/javascript; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, script);
    response
}

fn found_response(
    request: &Request<Incoming>,
    content_type: &str,
    body: &Bytes,
) -> Response<Full<Bytes>> {
    let mut response = empty(StatusCode::OK);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let range = text(request.headers(), header::RANGE).map(|range| bytes_range(range, body.len()));
    let part = match range {
        None | Some(Asked::Unclear) => body.clone(),
        Some(Asked::Part(range)) => {
            let (first, last) = (*range.start(), *range.end());
            let content_range = format!("bytes {first}-{last}/{}", body.len());
            if let Ok(value) = HeaderValue::from_str(&content_range) {
                headers.insert(header::CONTENT_RANGE, value);
            }
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            body.slice(range)
        }
        Some(Asked::Nothing) => return empty(StatusCode::RANGE_NOT_SATISFIABLE),
    };
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(part.len()));
    if request.method() != Method::HEAD {
        *response.body_mut() = Full::new(part);
    }
    response
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    let any = HeaderValue::from_static("*");
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, any.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, any);
    // Another load of the page must see what this one saw, in the same way.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn url_of(uri: &Uri, headers: &HeaderMap, scheme: &str) -> Option<Url> {
    if uri.scheme().is_some() {
        return Url::parse(&uri.to_string()).ok();
    }
    let host = text(headers, header::HOST)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Url::parse(&format!("{scheme}://{host}{path}")).ok()
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[derive(Debug, PartialEq)]
enum Asked {
    Part(RangeInclusive<usize>),
    Nothing,
    /// Several ranges, or something else: then all of it is an answer too.
    Unclear,
}

fn bytes_range(header: &str, len: usize) -> Asked {
    let Some((first, last)) = header
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Asked::Unclear;
    };
    let range = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => first..=last.min(len.saturating_sub(1)),
        (Ok(first), Err(_)) if last.is_empty() => first..=len.saturating_sub(1),
        (Err(_), Ok(suffix)) if first.is_empty() => {
            len.saturating_sub(suffix)..=len.saturating_sub(1)
        }
        _ => return Asked::Unclear,
    };
    if range.is_empty() || *range.start() >= len {
        return Asked::Nothing;
    }
    Asked::Part(range)
}

#[cfg(test)]
mod tests {
    use super::{Asked, bytes_range};

    #[test]
    fn ranges_are_cut_to_what_is_there() {
        for (header, expected) in [
            ("bytes=0-3", Asked::Part(0..=3)),
            ("bytes=4-99", Asked::Part(4..=9)),
            ("bytes=4-", Asked::Part(4..=9)),
            ("bytes=-3", Asked::Part(7..=9)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=3-2", Asked::Nothing),
            ("bytes=0-1,4-5", Asked::Unclear),
            ("lines=1-2", Asked::Unclear),
        ] {
            assert_eq!(bytes_range(header, 10), expected, "{header}");
        }
    }
}
