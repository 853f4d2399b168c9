//! What one attempt at a step tells the next: which ones there were, and why they failed.
//!
//! It travels with the heartbeats, which the server hands on, and ends in the outcome: history
//! holds no word of an attempt that was followed by another.

use framewright_workflows::{FailedAttempt, Heartbeat};
use temporalio_sdk::activities::ActivityContext;

/// The attempts before this one.
pub(super) fn before(ctx: &ActivityContext) -> Vec<FailedAttempt> {
    let last: Option<Heartbeat> = ctx.heartbeat_details().deserialize().ok().flatten();
    complete(
        last.map(|beat| beat.failures).unwrap_or_default(),
        ctx.info().attempt,
    )
}

/// These, and the failure of this one.
pub(super) fn and(ctx: &ActivityContext, code: &str, message: &str) -> Vec<FailedAttempt> {
    let mut all = before(ctx);
    all.push(FailedAttempt::new(ctx.info().attempt, code, message));
    newest(all)
}

/// Who was killed could not say so.
fn complete(mut told: Vec<FailedAttempt>, attempt: u32) -> Vec<FailedAttempt> {
    let known = told.last().map_or(0, |last| last.attempt);
    told.extend((known + 1..attempt).map(|attempt| {
        let message = "no heartbeat came in time: the worker was killed, frozen, or away";
        FailedAttempt::new(attempt, "FW0501", message)
    }));
    newest(told)
}

fn newest(mut attempts: Vec<FailedAttempt>) -> Vec<FailedAttempt> {
    let surplus = attempts.len().saturating_sub(FailedAttempt::KEPT);
    attempts.drain(..surplus);
    attempts
}

#[cfg(test)]
mod tests {
    use super::{FailedAttempt, complete};

    #[test]
    fn attempts_that_could_not_speak_are_told_of() {
        let first = FailedAttempt::new(1, "FW0203", "the browser died");
        let told = complete(vec![first], 4);
        let seen: Vec<_> = told.iter().map(|a| (a.attempt, a.code.as_str())).collect();
        assert_eq!(seen, [(1, "FW0203"), (2, "FW0501"), (3, "FW0501")]);
        assert_eq!(complete(told, 12).len(), FailedAttempt::KEPT);
        assert!(complete(Vec::new(), 1).is_empty());
    }
}
