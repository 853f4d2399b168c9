//! A bad way to a server: a proxy for TCP that spoils every third connection's answer.

use std::{
    io,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// `503 Slow Down`.
    Unavailable,
    /// The connection is closed instead of an answer.
    Reset,
    /// The answer ends too early.
    Truncated,
}

pub(crate) struct Troubled {
    pub(crate) port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    trouble: Mutex<Option<Trouble>>,
    seen: AtomicUsize,
    made: AtomicUsize,
}

impl Troubled {
    /// The way to the server at `port`; it is good at first.
    pub(crate) async fn start(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let here = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = shared.clone();
                tokio::spawn(async move { pass(client, port, &state).await });
            }
        });
        Self { port: here, state }
    }

    pub(crate) fn makes(&self, trouble: Trouble) {
        *self.state.trouble.lock().unwrap() = Some(trouble);
        self.state.made.store(0, Ordering::Relaxed);
    }

    /// How often it made this trouble.
    pub(crate) fn made(&self) -> usize {
        self.state.made.load(Ordering::Relaxed)
    }
}

async fn pass(mut client: TcpStream, port: u16, state: &State) -> io::Result<()> {
    let trouble = *state.trouble.lock().unwrap();
    let number = state.seen.fetch_add(1, Ordering::Relaxed);
    let trouble = trouble.filter(|_| number.is_multiple_of(3));
    if trouble.is_some() {
        state.made.fetch_add(1, Ordering::Relaxed);
    }
    if trouble == Some(Trouble::Unavailable) {
        let mut request = [0; 4096];
        let _ = client.read(&mut request).await?;
        let answer = b"HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        return client.write_all(answer).await;
    }
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let forth = async {
        copy(&mut from_client, &mut to_server).await?;
        to_server.shutdown().await
    };
    let back = async {
        match trouble {
            // The request arrives, and nobody hears of it.
            Some(Trouble::Reset) => {
                let _ = from_server.read(&mut [0; 16]).await?;
                Err(io::ErrorKind::ConnectionReset.into())
            }
            Some(Trouble::Truncated) => {
                let mut some = vec![0; 20_000];
                let mut done = 0;
                while done < some.len() {
                    let read = from_server.read(&mut some[done..]).await?;
                    if read == 0 {
                        break;
                    }
                    to_client.write_all(&some[done..done + read]).await?;
                    done += read;
                }
                Err(io::ErrorKind::ConnectionReset.into())
            }
            _ => copy(&mut from_server, &mut to_client).await.map(drop),
        }
    };
    tokio::try_join!(forth, back).map(drop)
}
