//! One page under frame control: loaded, asked whether it is ready, moved in time, painted.

use crate::{
    CaptureError, SessionSpec,
    browser::Browser,
    picture,
    pipe::{Posted, describe},
    status::{PageFacts, Pending, Status},
    tab::Tab,
    wall::Refusal,
};
use chromiumoxide::cdp::{
    browser_protocol::{
        headless_experimental::{BeginFrameParams, ScreenshotParams, ScreenshotParamsFormat},
        page::{
            AddScriptToEvaluateOnNewDocumentParams, CreateIsolatedWorldParams, NavigateParams,
            RemoveScriptToEvaluateOnNewDocumentParams, ScriptIdentifier,
        },
        storage::ClearDataForOriginParams,
        target::CreateBrowserContextParams,
    },
    js_protocol::runtime::{
        CallArgument, CallFunctionOnParams, EvaluateParams, EvaluateReturns, ExecutionContextId,
        RemoteObjectId,
    },
};
use framewright_film::FrameSize;
use serde::{Deserialize, de::DeserializeOwned};
use std::{borrow::Cow, time::Duration};
use tokio::time::{Instant, sleep};

/// Between two questions whether the page is ready.
const POLL: Duration = Duration::from_millis(4);

/// What the runtime answers when the page must be painted once more before a frame is right: two
/// scenes are to be blended by a shader.
const TO_BE_BLENDED: u64 = 1;

/// Any time will do as the first, but it must not be near zero: Chromium takes zero for "now".
const FIRST_TICK_MS: f64 = 10_000.0;

/// Watches what a document could leave to the next one in the same page.
const FORGET: &str = include_str!("forget.js");

/// How much of a frame is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Want {
    /// Layout and animation only; nothing is shown.
    Effects,
    /// The frame is shown.
    Paint,
    /// The frame is shown and comes back as a picture.
    Picture,
}

/// A frame that was shown.
pub(crate) struct Shown {
    /// Whether anything changed.
    pub(crate) damage: bool,
    /// A PNG, if one was wanted and something changed.
    pub(crate) picture: Option<Vec<u8>>,
}

pub(crate) struct Page {
    browser: Browser,
    spec: SessionSpec,
    tab: Tab,
    frames: u64,
    loads: u32,
    script: Option<ScriptIdentifier>,
    runtime: Option<RemoteObjectId>,
}

/// A page on its way to a frame.
#[must_use]
pub(crate) struct Seek {
    pub(crate) frame: u32,
    posted: Posted,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FrameAnswer<'a> {
    #[serde(default)]
    has_damage: bool,
    #[serde(borrow, default)]
    screenshot_data: Option<Cow<'a, str>>,
}

impl Page {
    /// A browser with one empty page of the film's size.
    pub(crate) async fn open(spec: &SessionSpec) -> Result<Self, CaptureError> {
        let mut browser = Browser::launch(spec).await?;
        let tab = Tab::open(&mut browser, spec, None).await?;
        Ok(Self {
            browser,
            spec: spec.clone(),
            tab,
            frames: 0,
            loads: 0,
            script: None,
            runtime: None,
        })
    }

    /// The same film, once more: its page is loaded anew.
    pub(crate) fn readopt(&mut self, spec: &SessionSpec) {
        self.browser.server.serve(spec.site.clone());
        self.spec = spec.clone();
    }

    /// Another film: an empty page in a browser context of its own. Of what was there before,
    /// only processes and fonts are left.
    pub(crate) async fn renew(&mut self, spec: &SessionSpec) -> Result<(), CaptureError> {
        self.readopt(spec);
        let budget = spec.budgets.command;
        let context = CreateBrowserContextParams::default();
        let context = self.browser.pipe.call(None, &context, budget).await?;
        let tab = Tab::open(&mut self.browser, spec, Some(context.browser_context_id)).await?;
        let old = std::mem::replace(&mut self.tab, tab);
        self.script = None;
        self.runtime = None;
        old.close(&mut self.browser, budget).await
    }

    pub(crate) fn browser(&self) -> &Browser {
        &self.browser
    }

    /// How often the film's page was loaded.
    pub(crate) fn loads(&self) -> u32 {
        self.loads
    }

    pub(crate) fn spec(&self) -> &SessionSpec {
        &self.spec
    }

    pub(crate) fn size(&self) -> FrameSize {
        self.spec.size
    }

    pub(crate) async fn close(self) {
        let budget = self.spec.budgets.close;
        self.browser.close(budget).await;
    }

    /// Loads the film's page anew and waits until it is ready. Nothing is left of what was there.
    pub(crate) async fn load(&mut self) -> Result<PageFacts, CaptureError> {
        self.loads += 1;
        let load = format!("load-{}", self.loads);
        self.runtime = None;
        self.browser.server.forget();
        self.browser.server.gate().reset(&load);
        self.browser.pipe.take_exceptions();
        self.forget().await?;
        self.inject(&load).await?;
        let navigate = NavigateParams::new(self.spec.entry.as_str());
        let began = Instant::now();
        let gone = self.command(&navigate).await?;
        self.essential()?;
        if let Some(message) = gone.error_text {
            return Err(CaptureError::Refused {
                command: "Page.navigate",
                message,
            });
        }
        let mut facts = self.until_ready(&load, began).await?;
        self.runtime = Some(self.find_runtime().await?);
        // Whether the page was laid out before it stood at its beginning, and while it stood
        // there, must not be a matter of time: layers keep something of both.
        self.frame(Want::Effects).await?;
        self.settle().await?;
        self.frame(Want::Effects).await?;
        self.essential()?;
        facts.exceptions = self.browser.pipe.take_exceptions();
        facts.refusals = self.browser.server.refusals();
        Ok(facts)
    }

    /// Begins to move the page to the time of `frame`. What is shown does not change by that.
    pub(crate) async fn post_seek(&mut self, frame: u32) -> Result<Seek, CaptureError> {
        let time = CallArgument {
            value: Some(self.spec.fps.seconds_at(frame).into()),
            ..CallArgument::default()
        };
        let seek = self.call_runtime("function(t){return this.seek(t)}", vec![time]);
        let posted = seek.await?;
        Ok(Seek { frame, posted })
    }

    /// Waits until the page has moved; afterwards its document is what it must be at that frame.
    pub(crate) async fn sought(&mut self, seek: Seek) -> Result<(), CaptureError> {
        let Seek { frame, posted } = seek;
        let budget = self.spec.budgets.seek;
        let reply = self.browser.pipe.answer(posted, budget).await?;
        let answer: EvaluateReturns = reply.read()?;
        let failed = |details| CaptureError::SeekFailed {
            frame,
            message: describe(&details),
        };
        if let Some(details) = answer.exception_details {
            return Err(failed(details));
        }
        if answer.result.value.and_then(|value| value.as_u64()) != Some(TO_BE_BLENDED) {
            return Ok(());
        }
        self.frame(Want::Effects).await?;
        let blended = self.call_runtime("function(){return this.blend()}", Vec::new());
        let posted = blended.await?;
        let reply = self.browser.pipe.answer(posted, budget).await?;
        let answer: EvaluateReturns = reply.read()?;
        answer
            .exception_details
            .map_or(Ok(()), |details| Err(failed(details)))
    }

    async fn call_runtime(
        &mut self,
        function: &str,
        arguments: Vec<CallArgument>,
    ) -> Result<Posted, CaptureError> {
        let Some(object) = self.runtime.clone() else {
            return Err(CaptureError::Interrupted);
        };
        let mut call = CallFunctionOnParams::new(function);
        call.object_id = Some(object);
        call.arguments = Some(arguments);
        call.return_by_value = Some(true);
        call.await_promise = Some(true);
        let pipe = &mut self.browser.pipe;
        pipe.post(Some(&self.tab.session), &call).await
    }

    /// Makes one frame of the page as it is.
    pub(crate) async fn frame(&mut self, want: Want) -> Result<Shown, CaptureError> {
        let interval = 1000.0 / self.spec.fps.as_f64();
        self.frames += 1;
        let begin = BeginFrameParams {
            frame_time_ticks: Some(FIRST_TICK_MS + self.frames as f64 * interval),
            interval: Some(interval),
            no_display_updates: (want == Want::Effects).then_some(true),
            screenshot: (want == Want::Picture).then_some(ScreenshotParams {
                format: Some(ScreenshotParamsFormat::Png),
                quality: None,
                optimize_for_speed: Some(true),
            }),
        };
        let budget = self.spec.budgets.frame;
        let pipe = &mut self.browser.pipe;
        let reply = pipe.send(Some(&self.tab.session), &begin, budget).await?;
        let answer: FrameAnswer<'_> = reply.read()?;
        let picture = match answer.screenshot_data {
            Some(data) if !data.is_empty() => Some(picture::from_base64(data.as_bytes())?),
            _ => None,
        };
        Ok(Shown {
            damage: answer.has_damage,
            picture,
        })
    }

    /// The value of an expression in the page.
    pub(crate) async fn evaluate<T: DeserializeOwned>(
        &mut self,
        expression: &str,
    ) -> Result<T, CaptureError> {
        self.evaluate_in(None, expression).await
    }

    /// The value of an expression where no script of the page has laid hands on anything.
    pub(crate) async fn evaluate_apart<T: DeserializeOwned>(
        &mut self,
        expression: &str,
    ) -> Result<T, CaptureError> {
        let world = CreateIsolatedWorldParams::new(self.tab.main_frame());
        let world = self.command(&world).await?.execution_context_id;
        self.evaluate_in(Some(world), expression).await
    }

    async fn evaluate_in<T: DeserializeOwned>(
        &mut self,
        world: Option<ExecutionContextId>,
        expression: &str,
    ) -> Result<T, CaptureError> {
        let mut evaluate = EvaluateParams::new(expression);
        evaluate.context_id = world;
        evaluate.return_by_value = Some(true);
        evaluate.await_promise = Some(true);
        let answer = self.command(&evaluate).await?;
        let refused = |message| CaptureError::Refused {
            command: "Runtime.evaluate",
            message,
        };
        if let Some(details) = answer.exception_details {
            return Err(refused(describe(&details)));
        }
        let value = answer.result.value.unwrap_or_default();
        serde_json::from_value(value).map_err(|e| refused(e.to_string()))
    }

    /// An error when the page asked for something that the film cannot be right without.
    pub(crate) fn essential(&self) -> Result<(), CaptureError> {
        if let Some(url) = self.browser.server.unavailable() {
            return Err(CaptureError::Unavailable {
                url: url.to_owned(),
            });
        }
        match self.browser.server.essential_refusal() {
            None => Ok(()),
            Some(Refusal { url, destination }) => {
                Err(CaptureError::AssetMissing { url, destination })
            }
        }
    }

    async fn command<C: chromiumoxide::Command>(
        &mut self,
        command: &C,
    ) -> Result<C::Response, CaptureError> {
        let budget = self.spec.budgets.command;
        let pipe = &mut self.browser.pipe;
        pipe.call(Some(&self.tab.session), command, budget).await
    }

    /// Forgets what earlier loads have stored, so that none can count them.
    async fn forget(&mut self) -> Result<(), CaptureError> {
        if !self.browser.pipe.take_stored() {
            return Ok(());
        }
        // This one knows nothing of what a page keeps for as long as it is open.
        self.evaluate_apart::<u32>("try { sessionStorage.clear() } catch {} 0")
            .await?;
        let origin = self.spec.entry.origin().ascii_serialization();
        let clear = ClearDataForOriginParams::new(origin, "all");
        self.command(&clear).await.map(drop)
    }

    /// Puts the runtime, and the name of this load, before all scripts of the next document.
    async fn inject(&mut self, load: &str) -> Result<(), CaptureError> {
        if let Some(identifier) = self.script.take() {
            let remove = RemoveScriptToEvaluateOnNewDocumentParams::new(identifier);
            self.command(&remove).await?;
        }
        let mut config = match &self.spec.config {
            serde_json::Value::Object(config) => config.clone(),
            _ => serde_json::Map::new(),
        };
        config.insert("load".to_owned(), load.into());
        let config = serde_json::Value::Object(config);
        let runtime = &self.spec.runtime;
        // The old document answers until the new one is there: it must not be taken for it.
        let source = format!(
            "globalThis.__framewrightLoad = \"{load}\";\n{FORGET}\nwindow.__framewrightConfig = {config};\n{runtime}"
        );
        let add = AddScriptToEvaluateOnNewDocumentParams::new(source);
        self.script = Some(self.command(&add).await?.identifier);
        Ok(())
    }

    async fn until_ready(&mut self, load: &str, began: Instant) -> Result<PageFacts, CaptureError> {
        let question = format!(
            "globalThis.__framewrightLoad === \"{load}\" && globalThis.__framewright ? globalThis.__framewright.status() : null"
        );
        let mut pending = Vec::new();
        while began.elapsed() < self.spec.budgets.ready {
            let status = match self.ask(&question).await {
                // A script that does not end lets the page answer nothing.
                Err(CaptureError::Unanswered { budget, .. }) => {
                    pending = vec![Pending {
                        wait: "a script to end".to_owned(),
                        what: Vec::new(),
                        ms: budget.as_secs_f64() * 1000.0,
                    }];
                    break;
                }
                status => status?,
            };
            self.essential()?;
            let status = status.unwrap_or_default();
            if let Some(failed) = status.failed {
                if failed.kind == "webgpu" {
                    let message = failed.message;
                    return Err(CaptureError::WebGpu { message });
                }
                return Err(CaptureError::PageFailed {
                    kind: failed.kind,
                    message: failed.message,
                    origin: failed.source.unwrap_or_default(),
                    exceptions: self.browser.pipe.take_exceptions(),
                });
            }
            if status.ready {
                return self.as_expected(status.facts);
            }
            pending = status.pending;
            sleep(POLL).await;
        }
        Err(CaptureError::NotReady {
            waited: began.elapsed(),
            pending,
            exceptions: self.browser.pipe.take_exceptions(),
        })
    }

    /// An error when this load got other fonts or files than the one that made the plan.
    fn as_expected(&self, facts: PageFacts) -> Result<PageFacts, CaptureError> {
        match &self.spec.print {
            Some(planned) if *planned != facts.print => Err(CaptureError::LoadedOtherwise {
                planned: planned.clone(),
                found: facts.print,
            }),
            _ => Ok(facts),
        }
    }

    async fn ask(&mut self, question: &str) -> Result<Option<Status>, CaptureError> {
        // Layout, fonts and images move on with frames only.
        self.frame(Want::Effects).await?;
        self.evaluate(question).await
    }

    async fn find_runtime(&mut self) -> Result<RemoteObjectId, CaptureError> {
        let runtime = EvaluateParams::new("globalThis.__framewright");
        let found = self.command(&runtime).await?;
        found.result.object_id.ok_or(CaptureError::Refused {
            command: "Runtime.evaluate",
            message: "the page's runtime is no object".to_owned(),
        })
    }

    async fn settle(&mut self) -> Result<(), CaptureError> {
        let settle = "Promise.resolve(globalThis.__framewright.settle?.()).then(() => 0)";
        self.evaluate::<u32>(settle).await.map(drop)
    }
}
