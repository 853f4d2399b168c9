use std::time::Duration;
use tokio::{sync::watch, time::timeout};
use url::Url;

/// Holds back the page's body scripts until its fonts are there.
///
/// The page's first body script is `/__framewright/fonts-ready`, which blocks the parser; it is
/// answered when the runtime has fetched `/__framewright/fonts-loaded?load=…`. Pages measure text
/// while they build their timelines, so what they measure must be in its final font.
pub(crate) struct Gate {
    state: watch::Sender<State>,
    budget: Duration,
}

/// What one of our own paths asks for.
pub(crate) enum Ask {
    /// An answer once the fonts are there.
    Ready,
    /// To be told that the fonts of this load are there.
    Loaded(String),
}

#[derive(Clone, Default)]
struct State {
    load: String,
    open: bool,
}

impl Gate {
    pub(crate) fn new(budget: Duration) -> Self {
        Self {
            state: watch::Sender::default(),
            budget,
        }
    }

    /// Closes the gate for a new load of the page. What an older load still says is not heard.
    pub(crate) fn reset(&self, load: &str) {
        self.state.send_replace(State {
            load: load.to_owned(),
            open: false,
        });
    }

    /// Whether `url` is one of the gate's own, under any host.
    pub(crate) fn ask(url: &Url) -> Option<Ask> {
        match url.path() {
            "/__framewright/fonts-ready" => Some(Ask::Ready),
            "/__framewright/fonts-loaded" => {
                let load = url.query_pairs().find(|(key, _)| key == "load");
                Some(Ask::Loaded(
                    load.map(|(_, value)| value.into_owned())
                        .unwrap_or_default(),
                ))
            }
            _ => None,
        }
    }

    /// Opens the gate if `load` is the load that it was closed for.
    pub(crate) fn open(&self, load: &str) {
        self.state.send_if_modified(|state| {
            let opens = state.load == load && !state.open;
            state.open |= opens;
            opens
        });
    }

    /// Waits until the gate opens, or its budget is spent. Whether it opened.
    pub(crate) async fn wait(&self) -> bool {
        let mut state = self.state.subscribe();
        let opened = timeout(self.budget, state.wait_for(|state| state.open)).await;
        matches!(opened, Ok(Ok(_)))
    }
}
