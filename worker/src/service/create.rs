//! A request becomes a workflow, once.

use super::{
    Refusal, Service,
    allow::Use,
    source::{self, Source},
};
use framewright_activities::Failure;
use framewright_composition::Project;
use framewright_film::{Digest, Fps, Quality};
use framewright_proto::v1::{self, CreateRenderRequest, CreateRenderResponse};
use framewright_store::{StoreError, get_blob, put_blob};
use framewright_workflows::{
    RenderId, RenderJob, RenderWorkflow,
    queues::{self, PERCENT, STAGE, TENANT},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use temporalio_client::{
    Priority, WorkflowDescribeOptions, WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
    WorkflowStartOptions, errors::WorkflowStartError,
};
use temporalio_common::{MemoValues, search_attributes::SearchAttributes};
use tonic::Code;

/// Under this key the memo of a workflow says what it was started with.
const MEMO_REQUEST: &str = "request";

/// No render takes longer, and a moment so far off can still be told.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Starts the render, or finds the one that its id names already.
pub(super) async fn create(
    service: &Service,
    request: CreateRenderRequest,
) -> Result<CreateRenderResponse, Refusal> {
    let id = render_id(&request)?;
    let source = Source::of(service, &id.tenant, &request)?;
    let mut job = job(service, id.clone(), request, source.stand_in()).await?;
    // Fields that a later version adds are left out of the JSON where they are absent, so that the
    // same request has the same digest then.
    let asked = Digest::of(serde_json::to_vec(&job).map_err(Refusal::temporal)?).to_hex();
    let describe = async || {
        let handle = service.handle(&id);
        handle.describe(WorkflowDescribeOptions::default()).await
    };
    // What is elsewhere may be large, or gone by now: it is read for the first request alone.
    if !(source.is_elsewhere() && describe().await.is_ok()) {
        job.project = source.bring(service, &id.tenant).await?;
        let title = check_project(service, job.project, job.entry.as_deref()).await?;
        start(service, job, &title, &asked).await?;
    }
    let state = describe().await.map_err(Refusal::temporal)?;
    let started_with: Option<String> = state.memo().get(MEMO_REQUEST).map_err(Refusal::temporal)?;
    if started_with.is_some_and(|with| with != asked) {
        let message = format!("the render `{id}` exists and was asked for with other parameters");
        return Err(Refusal::new(Code::AlreadyExists, "FW0525", message)
            .hint("choose a new `request_id` for a new film"));
    }
    Ok(CreateRenderResponse {
        render_id: id.to_string(),
        page_url: service.page_url(&id),
        temporal_url: service.temporal_url(&id),
    })
}

fn render_id(request: &CreateRenderRequest) -> Result<RenderId, Refusal> {
    let tenant = match request.tenant.as_str() {
        "" => "default",
        tenant => tenant,
    };
    RenderId::new(tenant, &request.request_id)
        .map_err(|error| Refusal::field("request_id", error.to_string()))
}

/// What the request says, but for its project.
async fn job(
    service: &Service,
    id: RenderId,
    request: CreateRenderRequest,
    project: Digest,
) -> Result<RenderJob, Refusal> {
    let output = match request.output.as_str() {
        "" => None,
        text => {
            let url = source::place("output", text)?;
            if url.is_folder() {
                return Err(Refusal::field("output", format!("`{url}` is a folder"))
                    .hint("name the object that the film shall be, such as `film.mp4` in it"));
            }
            service.allow().check(&id.tenant, Use::Output, &url)?;
            Some(url.to_string())
        }
    };
    let options = request.options.unwrap_or_default();
    let bad = |field, error: &dyn std::fmt::Display| Refusal::field(field, error.to_string());
    let fps: Option<Fps> = match options.fps.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|error| bad("options.fps", &error))?),
    };
    let quality = match options.quality() {
        v1::Quality::Draft => Quality::Draft,
        v1::Quality::Unspecified | v1::Quality::Standard => Quality::Standard,
        v1::Quality::High => Quality::High,
    };
    if v1::Quality::try_from(options.quality).is_err() {
        return Err(Refusal::field(
            "options.quality",
            format!("{} is not a quality", options.quality),
        ));
    }
    let at_most = |field, value: u32, most: u32| match value {
        0 => Ok(None),
        value if value <= most => Ok(Some(value)),
        value => Err(Refusal::field(
            field,
            format!("{value} is more than {most}"),
        )),
    };
    let max_millis = match options.max_duration {
        None => None,
        Some(most) => match Duration::try_from(most) {
            Ok(most) if !most.is_zero() && most <= LONGEST => Some(most.as_millis() as u64),
            _ => {
                return Err(Refusal::field(
                    "options.max_duration",
                    "more than nothing and at most 366 days are expected",
                ));
            }
        },
    };
    let entry = (!options.entry.is_empty()).then_some(options.entry);
    let variables = match options.variables {
        Some(variables) if !variables.fields.is_empty() => {
            let json =
                serde_json::to_vec(&super::view::json(variables)).map_err(Refusal::temporal)?;
            Some(put_blob(service.store(), json.into()).await?)
        }
        _ => None,
    };
    Ok(RenderJob {
        id,
        project,
        entry,
        fps,
        quality,
        chunks: at_most("options.chunks", options.chunks, 10_000)?,
        lanes: at_most("options.lanes", options.lanes, 16)?,
        variables,
        strict_variables: options.strict_variables,
        output,
        max_millis,
        continued: None,
    })
}

/// Checks the project as far as that goes without a browser. Returns the composition's id, for
/// people.
async fn check_project(
    service: &Service,
    project: Digest,
    entry: Option<&str>,
) -> Result<String, Refusal> {
    let archive = get_blob(service.store(), project)
        .await
        .map_err(|error| match error {
            StoreError::NotFound { .. } => {
                Refusal::field("project_id", format!("there is no project `{project}`"))
                    .hint("upload it first with UploadProject")
            }
            error => error.into(),
        })?;
    let entry = entry.map(str::to_owned);
    // Unpacking is the processor's work, and there may be much of it.
    let checked = tokio::task::spawn_blocking(move || {
        framewright_composition::inspect(&Project::from_zip(archive)?, entry.as_deref())
    });
    let inspected = checked.await.map_err(Refusal::temporal)?;
    let composition = inspected.map_err(|error| Refusal::from(Failure::from(error)))?;
    Ok(composition.id)
}

async fn start(service: &Service, job: RenderJob, title: &str, asked: &str) -> Result<(), Refusal> {
    let id = job.id.clone();
    let mut memo = MemoValues::new();
    memo.insert(MEMO_REQUEST, asked.to_owned());
    // These two Temporal knows of the run alone, and a long render has several.
    let summary = format!("{title}, {} quality", job.quality);
    memo.insert(queues::SUMMARY, summary.clone());
    memo.insert(queues::CREATED, millis_now());
    let options = WorkflowStartOptions::new(queues::WORKFLOWS, id.workflow_id())
        // The same id is the same render, whatever became of it.
        .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
        .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
        .search_attributes(SearchAttributes::new([
            TENANT.value_set(id.tenant.clone()),
            STAGE.value_set("queued".to_owned()),
            PERCENT.value_set(0),
        ]))
        .memo(memo)
        .priority(Priority::builder().fairness_key(id.tenant.clone()).build())
        .static_summary(summary)
        .build();
    match service
        .temporal()
        .start_workflow(RenderWorkflow::run, job, options)
        .await
    {
        Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(()),
        Err(error) => Err(Refusal::temporal(error)),
    }
}

fn millis_now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_millis() as u64
}
