//! A bad way to S3: a proxy that spoils some requests.

use crate::{
    draw::{rounds, seed},
    gateway::{BUCKET, Gateway},
    stage::{Stage, room},
};
use bytes::Bytes;
use fastrand::Rng;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::{Request, Response, body::Frame, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    future::pending,
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::{Stream, StreamExt as _};

type Body = BoxBody<Bytes, io::Error>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    /// One request in ten is answered 503.
    Unavailable,
    /// Each answer takes 2 s.
    Slow,
    /// One answer in five ends in the middle of its body.
    Truncated,
    /// One connection in five is closed when the request was carried out, before its answer.
    Reset,
    /// One connection in ten is closed before the request was heard.
    Deaf,
    /// One request in ten is carried out and never answered.
    Mute,
    /// One answer in ten stops in the middle of its body, and the connection stays.
    Stuck,
}

const TROUBLES: [Trouble; 7] = [
    Trouble::Unavailable,
    Trouble::Slow,
    Trouble::Truncated,
    Trouble::Reset,
    Trouble::Deaf,
    Trouble::Mute,
    Trouble::Stuck,
];

struct Way {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    trouble: Option<Trouble>,
    rng: Rng,
    made: usize,
    seen: usize,
}

impl Way {
    async fn start(to: u16, seed: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State {
            trouble: None,
            rng: Rng::with_seed(seed),
            made: 0,
            seen: 0,
        }));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = shared.clone();
                let pass = service_fn(move |request| pass(request, to, state.clone()));
                let serve = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(client), pass);
                // A connection that ends badly is what this is for.
                tokio::spawn(async move { serve.await.ok() });
            }
        });
        Self { port, state }
    }

    /// Makes this trouble from now on; returns how often the last one was made, of how many.
    fn makes(&self, trouble: Option<Trouble>) -> (usize, usize) {
        let mut state = self.state.lock().unwrap();
        state.trouble = trouble;
        (
            std::mem::take(&mut state.made),
            std::mem::take(&mut state.seen),
        )
    }
}

/// One request and its answer, spoilt or not. An error closes the connection.
async fn pass(
    request: Request<Incoming>,
    to: u16,
    state: Arc<Mutex<State>>,
) -> io::Result<Response<Body>> {
    let trouble = {
        let mut state = state.lock().unwrap();
        state.seen += 1;
        // The first request always: no seed shall leave a trouble out.
        let luck = if state.made == 0 {
            0.0
        } else {
            state.rng.f64()
        };
        let trouble = state.trouble.filter(|trouble| match trouble {
            Trouble::Slow => true,
            Trouble::Truncated | Trouble::Reset => luck < 0.2,
            _ => luck < 0.1,
        });
        state.made += usize::from(trouble.is_some());
        trouble
    };
    match trouble {
        Some(Trouble::Deaf) => return Err(io::ErrorKind::ConnectionReset.into()),
        Some(Trouble::Unavailable) => {
            // As servers do, after the request was heard.
            let _ = request.into_body().collect().await;
            let body = Full::default().map_err(|never| match never {}).boxed();
            return Response::builder()
                .status(503)
                .body(body)
                .map_err(io::Error::other);
        }
        Some(Trouble::Slow) => tokio::time::sleep(Duration::from_secs(2)).await,
        _ => {}
    }
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await?;
    let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(server))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(async move { connection.await.ok() });
    let answer = send.send_request(request).await.map_err(io::Error::other)?;
    match trouble {
        Some(Trouble::Reset) => Err(io::ErrorKind::ConnectionReset.into()),
        Some(Trouble::Mute) => pending().await,
        Some(Trouble::Truncated) => {
            let end = Err(io::Error::from(io::ErrorKind::ConnectionReset));
            half(answer, tokio_stream::once(end)).await
        }
        Some(Trouble::Stuck) => half(answer, tokio_stream::pending()).await,
        _ => Ok(answer.map(|body| body.map_err(io::Error::other).boxed())),
    }
}

/// Half of an answer's body, and then `end`.
async fn half(
    answer: Response<Incoming>,
    end: impl Stream<Item = io::Result<Frame<Bytes>>> + Send + Sync + 'static,
) -> io::Result<Response<Body>> {
    let (head, body) = answer.into_parts();
    let whole = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let half = whole.slice(..whole.len() / 2);
    let pieces = tokio_stream::once(Ok(Frame::data(half))).chain(end);
    Ok(Response::from_parts(head, StreamBody::new(pieces).boxed()))
}

/// Renders whose way to the store is bad from the first byte to the last.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "make chaos"]
async fn a_bad_way_to_s3() {
    let seed = seed();
    let gateway = Gateway::start().await;
    let way = Way::start(gateway.port, seed).await;
    let endpoint = format!("http://127.0.0.1:{}", way.port);
    let address = format!("s3://{BUCKET}/chaos");
    let bucket = gateway.folder.path().join(BUCKET).join("chaos");
    let arguments = [
        "--store",
        &address,
        "--s3-endpoint",
        &endpoint,
        "--s3-path-style",
    ];
    let mut stage = Stage::open_with(room(), &arguments, Some(bucket)).await;
    stage.rehearse().await;
    for round in 0..rounds(2) {
        for trouble in TROUBLES {
            way.makes(Some(trouble));
            let clock = Instant::now();
            let begun = stage.begin(&format!("{trouble:?}-{seed}-{round}")).await;
            let render = stage.end(&begun.id).await;
            let took = clock.elapsed();
            let (made, seen) = way.makes(None);
            let again = stage.check(&begun, &render, 0).await;
            assert!(made > 0, "{trouble:?} was not seen");
            eprintln!(
                "SEED={seed}: {trouble:?} in {made} of {seen} requests, {again} segments again, film after {took:.1?}"
            );
        }
    }
    stage.close().await;
}
