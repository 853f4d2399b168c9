//! A Temporal server, workers on it, and a render to look at.

use crate::{
    history::{Run, replay},
    server::Server,
    simulated::{Chunks, General, Queues, Steps},
};
use framewright_workflows::{
    Pause, Progress, RenderId, RenderJob, RenderOutput, RenderWorkflow,
    queues::{self, PERCENT, STAGE, TENANT},
};
use serde_json::Value;
use std::{
    future::Future,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecutionInfo,
    WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowQueryOptions,
    WorkflowSignalOptions, WorkflowStartOptions, errors::WorkflowGetResultError,
};
use temporalio_common::{MemoValues, search_attributes::SearchAttributes};
use temporalio_sdk::{
    Runtime, Worker, WorkerOptions,
    runtime::{
        RuntimeOptions,
        worker_tuner::{FixedSizeSlotSupplier, TunerHolder},
    },
};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// Long enough for anything that works; what does not fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Events after which the server of most tests suggests to continue in another run: soon.
const SOON: u32 = 60;

/// One test at a time: they share the names of task queues.
static TURN: Mutex<()> = Mutex::const_new(());
static SERVER: OnceCell<Server> = OnceCell::const_new();

pub(crate) struct Stage {
    client: Client,
    _turn: MutexGuard<'static, ()>,
    /// Unless the stage is of the shared server.
    _server: Option<Server>,
}

/// A render on the stage.
pub(crate) struct Render<'a> {
    client: &'a Client,
    pub(crate) id: RenderId,
    pub(crate) steps: Arc<Steps>,
}

/// Who is there.
#[derive(Clone, Copy)]
pub(crate) struct Crew {
    workflows: bool,
    general: bool,
    /// Chunks at a time.
    slots: usize,
}

type Handle = WorkflowHandle<Client, RenderWorkflow>;

impl Crew {
    /// All there has to be, with chunks rendered so many at a time.
    pub(crate) fn all(slots: usize) -> Self {
        Self {
            workflows: true,
            general: true,
            slots,
        }
    }

    /// Nobody that does a step.
    pub(crate) fn idle() -> Self {
        Self {
            general: false,
            ..Self::all(0)
        }
    }

    pub(crate) fn is_idle(self) -> bool {
        !self.general && self.slots == 0
    }

    /// One more worker, for chunks.
    pub(crate) fn late() -> Self {
        Self {
            workflows: false,
            general: false,
            slots: 1,
        }
    }
}

impl Stage {
    /// On the server that most tests share, where runs are short.
    pub(crate) async fn short_runs() -> Self {
        let turn = TURN.lock().await;
        let soon = [
            "--dynamic-config-value".to_owned(),
            format!("limit.historyCount.suggestContinueAsNew={SOON}"),
        ];
        let server = SERVER
            .get_or_init(async || Server::start(&soon).await)
            .await;
        Self {
            client: server.client().await,
            _turn: turn,
            _server: None,
        }
    }

    /// On a server with the limits that servers have.
    pub(crate) async fn usual() -> Self {
        let turn = TURN.lock().await;
        let server = Server::start(&[]).await;
        Self {
            client: server.client().await,
            _turn: turn,
            _server: Some(server),
        }
    }

    /// Starts a render, and plays a scene while `crew` does its steps.
    pub(crate) async fn play<T>(
        &self,
        steps: Steps,
        crew: Crew,
        job: impl FnOnce(&mut RenderJob),
        scene: impl AsyncFnOnce(&Render) -> T,
    ) -> T {
        let steps = Arc::new(steps);
        let id = RenderId::new("tests", &steps.film().composition).unwrap();
        let asked = serde_json::json!({"id": id, "project": steps.film().plan});
        let mut asked: RenderJob = serde_json::from_value(asked).unwrap();
        job(&mut asked);
        let mut memo = MemoValues::new();
        memo.insert(queues::SUMMARY, "a film of the tests".to_owned());
        memo.insert("request", "its digest".to_owned());
        let options = WorkflowStartOptions::new(queues::WORKFLOWS, id.workflow_id())
            .search_attributes(SearchAttributes::new([
                TENANT.value_set(id.tenant.clone()),
                STAGE.value_set("queued".to_owned()),
                PERCENT.value_set(0),
            ]))
            .memo(memo)
            .static_summary("a film of the tests".to_owned())
            .build();
        self.client
            .start_workflow(RenderWorkflow::run, asked, options)
            .await
            .unwrap();

        let render = Render {
            client: &self.client,
            id,
            steps: steps.clone(),
        };
        self.work(&steps, crew, scene(&render)).await
    }

    /// Has `crew` work for as long as `scene` takes.
    pub(crate) async fn work<T>(
        &self,
        steps: &Arc<Steps>,
        crew: Crew,
        scene: impl Future<Output = T>,
    ) -> T {
        let options = RuntimeOptions::builder().build().unwrap();
        let runtime = Runtime::from_current_tokio(options).unwrap();
        let tuner = TunerHolder::builder()
            .workflow_task_slot_supplier(FixedSizeSlotSupplier::new(1))
            .activity_task_slot_supplier(FixedSizeSlotSupplier::new(crew.slots.max(1)))
            .local_activity_task_slot_supplier(FixedSizeSlotSupplier::new(1))
            .nexus_task_slot_supplier(FixedSizeSlotSupplier::new(1))
            .build();
        let beat = Duration::from_millis(200);
        let chunks = queues::chunks(&steps.film().toolchain);
        let mut offers = Vec::new();
        if crew.workflows {
            offers.push(
                WorkerOptions::new(queues::WORKFLOWS)
                    .register_workflow::<RenderWorkflow>()
                    .unwrap()
                    .register_activities(Queues(steps.clone()))
                    .build(),
            );
        }
        if crew.general {
            offers.push(
                WorkerOptions::new(queues::GENERAL)
                    .max_cached_workflows(0)
                    .max_heartbeat_throttle_interval(beat)
                    .register_activities(General(steps.clone()))
                    .build(),
            );
        }
        if crew.slots > 0 {
            offers.push(
                WorkerOptions::new(chunks)
                    .max_cached_workflows(0)
                    .tuner(tuner)
                    .max_heartbeat_throttle_interval(beat)
                    .register_activities(Chunks(steps.clone()))
                    .build(),
            );
        }
        let mut workers: Vec<_> = offers
            .into_iter()
            .map(|options| Worker::new(&runtime, self.client.clone(), options).unwrap())
            .collect();
        let stops: Vec<_> = workers.iter().map(Worker::shutdown_handle).collect();
        let running = async {
            let running = workers.iter_mut().map(Worker::run);
            for ended in futures::future::join_all(running).await {
                ended.unwrap();
            }
        };
        tokio::pin!(running);
        let played = tokio::select! {
            played = tokio::time::timeout(PATIENCE * 5, scene) => played.expect("the scene ends"),
            () = &mut running => panic!("the workers ended"),
        };
        stops.iter().for_each(|stop| stop());
        let _ = tokio::time::timeout(Duration::from_secs(5), running).await;
        played
    }
}

impl Render<'_> {
    pub(crate) fn handle(&self) -> Handle {
        self.client.get_workflow_handle(self.id.workflow_id())
    }

    pub(crate) async fn progress(&self) -> Progress {
        let options = WorkflowQueryOptions::default();
        let begun = Instant::now();
        loop {
            // Between two runs there is nobody to ask.
            match self
                .handle()
                .query(RenderWorkflow::progress, (), options.clone())
                .await
            {
                Ok(progress) => return progress,
                Err(error) if begun.elapsed() > PATIENCE => panic!("no progress: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    pub(crate) async fn pause(&self, reason: &str) {
        let pause = Pause {
            reason: reason.to_owned(),
            since: 0,
        };
        let options = WorkflowSignalOptions::default();
        self.handle()
            .signal(RenderWorkflow::pause, pause, options)
            .await
            .unwrap();
    }

    pub(crate) async fn resume(&self) {
        let options = WorkflowSignalOptions::default();
        self.handle()
            .signal(RenderWorkflow::resume, (), options)
            .await
            .unwrap();
    }

    pub(crate) async fn cancel(&self) {
        let options = WorkflowCancelOptions::builder()
            .reason("enough".to_owned())
            .build();
        self.handle().cancel(options).await.unwrap();
    }

    pub(crate) async fn end(&self) -> Result<RenderOutput, WorkflowGetResultError> {
        let end = self.handle();
        let end = end.get_result(WorkflowGetResultOptions::default());
        tokio::time::timeout(PATIENCE * 4, end)
            .await
            .expect("the render ends")
    }

    /// The stage as the server shows it in lists.
    pub(crate) async fn stage(&self) -> String {
        let state = self
            .handle()
            .describe(WorkflowDescribeOptions::default())
            .await
            .unwrap();
        state.search_attributes().get(&STAGE).unwrap_or_default()
    }

    pub(crate) async fn memo(&self, key: &str) -> Option<String> {
        let state = self
            .handle()
            .describe(WorkflowDescribeOptions::default())
            .await
            .unwrap();
        state.memo().get(key).unwrap()
    }

    /// Waits until `look` finds something.
    pub(crate) async fn eventually(&self, what: &str, mut look: impl AsyncFnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !look(self).await {
            assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The run that is open, or that was the last.
    pub(crate) async fn run(&self) -> String {
        let state = self
            .handle()
            .describe(WorkflowDescribeOptions::default())
            .await
            .unwrap();
        state.run_id().to_owned()
    }

    /// What the server has in hand of the run that is open.
    pub(crate) async fn pending(&self) -> usize {
        let state = self
            .handle()
            .describe(WorkflowDescribeOptions::default())
            .await
            .unwrap();
        state.raw().pending_activities.len()
    }

    /// The events of all runs, the first one first; replayed, and kept as `name` if that is wanted.
    pub(crate) async fn histories(&self, name: &str) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut run = self.first_run().await;
        loop {
            let info = WorkflowExecutionInfo::builder()
                .namespace("default")
                .workflow_id(self.id.workflow_id())
                .run_id(run)
                .build();
            let handle: Handle = WorkflowHandle::new(self.client.clone(), info);
            let history = handle.fetch_history(WorkflowFetchHistoryOptions::default());
            let json = history.to_json().await.unwrap();
            replay(json.as_ref()).await;
            let told: Value = serde_json::from_slice(json.as_ref()).unwrap();
            let events = Run(told["events"].as_array().unwrap().clone());
            let next = events.continued_in();
            if std::env::var_os("FRAMEWRIGHT_SAVE_HISTORIES").is_some() && !name.is_empty() {
                let name = match (runs.len(), &next) {
                    (0, None) => name.to_owned(),
                    (run, _) => format!("{name}-{}", run + 1),
                };
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
                let file = folder.join(format!("{name}.json"));
                // An older one stays: renders that began as it did may be running.
                if !file.exists() {
                    std::fs::write(file, &json).unwrap();
                }
            }
            runs.push(events);
            match next {
                Some(next) => run = next,
                None => return runs,
            }
        }
    }

    async fn first_run(&self) -> String {
        let state = self
            .handle()
            .describe(WorkflowDescribeOptions::default())
            .await
            .unwrap();
        let info = state.raw().workflow_execution_info.as_ref().unwrap();
        info.first_run_id.clone()
    }
}
