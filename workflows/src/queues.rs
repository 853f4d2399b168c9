//! Names on the Temporal server: task queues and search attributes.

use temporalio_common::search_attributes::SearchAttributeKey;

/// Workflow tasks.
pub const WORKFLOWS: &str = "framewright-workflows";

/// `plan` and `assemble`: short, and never behind a chunk.
pub const GENERAL: &str = "framewright-general";

/// What the queues of chunks begin with.
const CHUNKS: &str = "framewright-chunks-";

/// Where the render is: `planning`, `rendering`, …
pub const STAGE: SearchAttributeKey<String> = SearchAttributeKey::keyword("RenderStage");

/// Percent of frames encoded, in steps of ten.
pub const PERCENT: SearchAttributeKey<i64> = SearchAttributeKey::int("RenderPercent");

/// Whose render it is.
pub const TENANT: SearchAttributeKey<String> = SearchAttributeKey::keyword("RenderTenant");

/// Under this key a render's memo says what kind of film it is: Temporal's own summary of a workflow
/// is lost when a long render goes on in another run.
pub const SUMMARY: &str = "summary";

/// Under this key it says when the render was created, in milliseconds of Unix time: what Temporal
/// calls the start is that of the last run.
pub const CREATED: &str = "created";

/// The search attributes as a server must know them, `(name, type)`.
pub const SEARCH_ATTRIBUTES: [(&str, &str); 3] = [
    ("RenderStage", "Keyword"),
    ("RenderPercent", "Int"),
    ("RenderTenant", "Keyword"),
];

/// Where chunks wait for a worker with this toolchain: a worker polls only the queue that it can
/// serve, so a chunk never meets another Chromium than its plan.
pub fn chunks(toolchain: &str) -> String {
    format!("{CHUNKS}{toolchain}")
}

/// The toolchain that a worker of `queue` must have, if it is a queue of chunks.
pub fn toolchain(queue: &str) -> Option<&str> {
    queue.strip_prefix(CHUNKS)
}
