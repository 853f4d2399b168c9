//! The types that pass between client, workflow and activities. All are small: they are history.

use crate::{
    chunks,
    cost::{Cost, CostCurve},
    cut::Cut,
};
use framewright_film::{Digest, Fps, FrameRange, FrameSize, Quality, Segments};
use serde::{Deserialize, Serialize};
use std::{fmt, ops::Range, str::FromStr};

/// Which render: a tenant and the request id that the tenant chose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RenderId {
    /// 1 to 63 of `[a-z0-9-]`.
    pub tenant: String,
    /// 1 to 128 of `[A-Za-z0-9._-]`.
    pub request: String,
}

/// The text named no render.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a render id: `tenant/request_id` is expected, with [a-z0-9-] before the slash and [A-Za-z0-9._-] after it"
)]
pub struct RenderIdError(String);

/// What is asked for. The input of the workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderJob {
    /// Which render this is.
    pub id: RenderId,
    /// The project's zip archive, a blob in the store.
    pub project: Digest,
    /// The composition's HTML file; the project's `index.html` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The composition's own rate when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<Fps>,
    /// How close to the lossless frames the film shall be.
    #[serde(default)]
    pub quality: Quality,
    /// How many activities share the film; chosen when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<u32>,
    /// Capture pages in parallel within a chunk; chosen by the worker when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanes: Option<u32>,
    /// Values for the composition's variables: a JSON object, a blob in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<Digest>,
    /// Whether a variable that nothing declares, or of the wrong type, is an error.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict_variables: bool,
    /// Where the film shall be published beside the store: an address in S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// How long the render may take, from its start, in milliseconds; as long as it takes when
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_millis: Option<u64>,
    /// Where the run before this one left off, when the history of a long film got too long for
    /// one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continued: Option<Box<Continued>>,
}

/// What one run of a render hands to the next. A cursor and not a list: a run ends between chunks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continued {
    /// What the plan found out.
    pub film: Film,
    /// All chunks before this one are in the store, none from here on was begun.
    pub next_chunk: u32,
    /// When the first run started, in milliseconds of Unix time.
    pub started: u64,
    /// Whether, and why, the render is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// How long it was paused before, in milliseconds.
    #[serde(default)]
    pub paused_millis: u64,
    /// The last attempts that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<ChunkFailure>,
}

/// A render that begins nothing new for a while. The input of the signal `pause`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Why, in the words of whoever asked for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Since when, in milliseconds of Unix time; set by the workflow.
    #[serde(default)]
    pub since: u64,
}

/// Which film to assemble, and where to publish it. The input of `assemble`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AssembleSpec {
    /// The film of this plan, into the store.
    Stored(Digest),
    /// And to another place.
    Published {
        /// Digest of the plan.
        plan: Digest,
        /// An address in S3.
        output: String,
    },
}

/// What the plan found out: the film as the workflow needs to know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Film {
    /// Digest of the plan. Films of one plan have the same bytes.
    pub plan: Digest,
    /// Which toolchain must render the chunks: part of their task queue's name.
    pub toolchain: String,
    /// The composition's id, for people.
    pub composition: String,
    /// Pixels.
    pub size: FrameSize,
    /// Frames per second.
    pub fps: Fps,
    /// Frames of the whole film.
    pub frames: u32,
    /// Frames of a segment.
    pub segment_frames: u32,
    /// How many chunks the film is cut into.
    pub chunks: u32,
    /// Which segments make up which chunk; chunks of equal length when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// What the frames cost where the plan was made; absent when that was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<CostCurve>,
}

/// One activity's share of a film. The input of `render_chunk`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkSpec {
    /// Whose film it is: browsers are kept for one tenant.
    #[serde(default)]
    pub tenant: String,
    /// Digest of the plan.
    pub plan: Digest,
    /// From 0.
    pub index: u32,
    /// How many chunks there are.
    pub of: u32,
    /// The first segment to render.
    pub first_segment: u32,
    /// The segment after the last.
    pub end_segment: u32,
    /// Capture pages in parallel; chosen by the worker when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanes: Option<u32>,
    /// What the part of it costs where lanes help most, for that choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane_cost: Option<Cost>,
}

/// What became of a chunk. The output of `render_chunk`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkOutcome {
    /// The segment after the last one that is in the store. Less than `end_segment` when the
    /// worker was told to drain: the rest is for somebody else.
    pub next_segment: u32,
    /// Frames captured by this activity.
    pub rendered: u32,
    /// Frames whose segments were in the store already.
    pub reused: u32,
    /// Real time from start to end, milliseconds.
    pub millis: u64,
    /// Real time from start to the first captured frame, milliseconds: what a chunk costs before
    /// it has anything to show. Absent when nothing was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_frame_millis: Option<u64>,
    /// Capture pages in parallel.
    #[serde(default)]
    pub lanes: u32,
    /// Whether the session's browser had served a chunk before.
    #[serde(default)]
    pub warm: bool,
    /// The WebGL probes that were run: one, by the session; more in a benchmark of what that would
    /// cost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<ProbeSpan>,
    /// The attempt that ended well, from 1.
    #[serde(default)]
    pub attempt: u32,
    /// The attempts before it, as far as they could say why they failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailedAttempt>,
}

/// An attempt at a step, and why it failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// From 1.
    pub attempt: u32,
    /// Stable, for programs: `FW0203`.
    pub code: String,
    /// For people; cut off where it is long.
    pub message: String,
}

/// The same, of a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkFailure {
    /// From 0.
    pub chunk: u32,
    /// Which attempt, and why.
    #[serde(flatten)]
    pub failed: FailedAttempt,
}

/// When a probe ran, in milliseconds of Unix time, so that those of different workers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSpan {
    /// The question was asked.
    pub begin: u64,
    /// The answer was there.
    pub end: u64,
}

/// How far a chunk is. What a heartbeat tells; shown to people as JSON in Temporal's UI.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// What the worker is doing: `starting`, `capturing`, `storing`.
    pub doing: String,
    /// Frames done, of this activity's.
    pub frames_done: u32,
    /// Frames in all.
    pub of: u32,
    /// Segments that are in the store.
    pub segments_stored: u32,
    /// Frames per second of real time, one decimal.
    pub fps: f64,
    /// Capture pages in parallel.
    pub lanes: u32,
    /// The attempts before this one, so that the next one knows of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailedAttempt>,
}

/// The finished film. The output of the workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderOutput {
    /// Its key in the store.
    pub key: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Bytes.
    pub size_bytes: u64,
    /// MIME type.
    pub content_type: String,
    /// Frames, as counted in the file.
    pub frames: u32,
    /// Where it was published beside the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}

/// Why a render ended without a film.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderProblem {
    /// Stable, for programs: `FW0203`.
    pub code: String,
    /// For people; says which chunk.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// If a chunk failed: its last attempts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<ChunkFailure>,
}

impl FailedAttempt {
    /// Attempts that are remembered of one step.
    pub const KEPT: usize = 4;
    /// Characters of a message that are remembered: it travels with every heartbeat.
    const LONGEST: usize = 200;

    /// `attempt` failed with `code`, for the reason that `message` tells.
    pub fn new(attempt: u32, code: &str, message: &str) -> Self {
        let mut told: String = message.chars().take(Self::LONGEST).collect();
        if told.len() < message.len() {
            told.push('…');
        }
        Self {
            attempt,
            code: code.to_owned(),
            message: told,
        }
    }
}

impl AssembleSpec {
    /// The film of `plan`, published at `output` if there is one.
    pub fn new(plan: Digest, output: Option<String>) -> Self {
        match output {
            None => Self::Stored(plan),
            Some(output) => Self::Published { plan, output },
        }
    }

    /// Digest of the plan.
    pub fn plan(&self) -> Digest {
        match self {
            Self::Stored(plan) | Self::Published { plan, .. } => *plan,
        }
    }

    /// Where it shall be published.
    pub fn output(&self) -> Option<&str> {
        match self {
            Self::Stored(_) => None,
            Self::Published { output, .. } => Some(output),
        }
    }
}

impl RenderId {
    /// The render that `tenant` named `request`.
    ///
    /// # Errors
    /// When one of them has a character that does not belong, or a length that does not.
    pub fn new(tenant: &str, request: &str) -> Result<Self, RenderIdError> {
        let tenant_ok = (1..=63).contains(&tenant.len())
            && tenant
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let request_ok = (1..=128).contains(&request.len())
            && request
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            // A URL with such a part is another URL.
            && request != "."
            && request != "..";
        if tenant_ok && request_ok {
            Ok(Self {
                tenant: tenant.to_owned(),
                request: request.to_owned(),
            })
        } else {
            Err(RenderIdError(format!("{tenant}/{request}")))
        }
    }

    /// The id of its workflow.
    pub fn workflow_id(&self) -> String {
        format!("render/{self}")
    }

    /// The render whose workflow has `id`.
    pub fn from_workflow_id(id: &str) -> Option<Self> {
        id.strip_prefix("render/")?.parse().ok()
    }
}

impl fmt::Display for RenderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.request)
    }
}

impl FromStr for RenderId {
    type Err = RenderIdError;

    fn from_str(text: &str) -> Result<Self, RenderIdError> {
        let (tenant, request) = text
            .split_once('/')
            .ok_or_else(|| RenderIdError(text.to_owned()))?;
        Self::new(tenant, request)
    }
}

impl Film {
    /// How it is cut into segments.
    pub fn segments(&self) -> Segments {
        Segments::new(self.frames, self.segment_frames)
    }

    /// The segments of chunk `index`, half-open.
    pub fn chunk_segments(&self, index: u32) -> Range<u32> {
        match &self.cut {
            Some(cut) => cut.segments_of(index),
            None => chunks::segments_of(index, self.chunks, self.segments().count()),
        }
    }

    /// The frames of chunk `index`.
    pub fn chunk_frames(&self, index: u32) -> FrameRange {
        let span = self.chunk_segments(index);
        self.segments().span(span.start, span.end)
    }

    /// The whole of chunk `index` as work for one activity, for a film of `tenant`.
    pub fn chunk(&self, tenant: &str, index: u32, lanes: Option<u32>) -> ChunkSpec {
        let segments = self.chunk_segments(index);
        let frames = self.chunk_frames(index);
        ChunkSpec {
            tenant: tenant.to_owned(),
            plan: self.plan,
            index,
            of: self.chunks,
            first_segment: segments.start,
            end_segment: segments.end,
            lanes,
            lane_cost: self
                .costs
                .as_ref()
                .map(|costs| costs.least_parallel(frames)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RenderId;

    #[test]
    fn ids_read_back() {
        let id = RenderId::new("acme", "launch-1.v2").unwrap();
        assert_eq!(RenderId::from_workflow_id(&id.workflow_id()), Some(id));
        for bad in [
            "", "a", "a/", "/b", "A/b", "a/b/c", "a/ü", "a b/c", "a/.", "a/..",
        ] {
            assert!(bad.parse::<RenderId>().is_err(), "{bad}");
        }
    }
}
