//! Processes that live and do nothing.
//!
//! A budget for an answer must be generous, or a starved machine fails renders. A process that was
//! stopped, or sleeps on while somebody waits for it, can be told from one that is only slow, and
//! sooner: it gets no processor time and does not ask for any.

use crate::group;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between two looks at `/proc`. The first comes after this long, so quick answers cost nothing.
const LOOK: Duration = Duration::from_secs(1);
/// Who is stopped for so long was not stopped by accident.
const MOST_STOPPED: Duration = Duration::from_secs(4);
/// A group of which nobody ran for so long, or wanted to, waits for something that does not come.
const MOST_IDLE: Duration = Duration::from_secs(8);

/// Returns when the process has been stopped (`SIGSTOP`) for some seconds.
pub async fn stopped(pid: u32) {
    let mut since = None;
    loop {
        sleep(LOOK).await;
        let stopped = group::state(pid.cast_signed()) == Some('T');
        if lasts(&mut since, stopped, MOST_STOPPED) {
            return;
        }
    }
}

/// Returns when a process group that owes an answer gives none for want of life: one of its
/// processes has been stopped for some seconds, or none of them ran, or could have.
pub async fn frozen(group: u32) {
    let (mut stopped, mut idle, mut before) = (None, None, None);
    loop {
        sleep(LOOK).await;
        let members: Vec<_> = group::members(group).collect();
        let states: Vec<_> = members
            .iter()
            .filter_map(|&pid| group::state(pid))
            .collect();
        if lasts(&mut stopped, states.contains(&'T'), MOST_STOPPED) {
            return;
        }
        let ticks: u64 = members.iter().filter_map(|&pid| group::ticks(pid)).sum();
        let ran = before.replace(ticks) != Some(ticks);
        // Who wants to run and is not let, or waits for the disk, is only slow.
        let could = states.iter().any(|state| matches!(state, 'R' | 'D'));
        if lasts(&mut idle, !ran && !could, MOST_IDLE) {
            return;
        }
    }
}

/// Whether what `is` now has been so for `long`.
fn lasts(since: &mut Option<Instant>, is: bool, long: Duration) -> bool {
    if !is {
        *since = None;
        return false;
    }
    since.get_or_insert_with(Instant::now).elapsed() >= long
}

#[cfg(test)]
mod tests {
    use super::{frozen, stopped};
    use crate::spawn;
    use std::time::Duration;
    use tokio::{process::Command, time::timeout};

    /// Generous, for a machine that is busy.
    const PATIENCE: Duration = Duration::from_secs(60);

    async fn shell(script: &str) -> crate::Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        spawn(command, 0).await.unwrap()
    }

    #[tokio::test]
    async fn who_was_stopped_or_sleeps_is_noticed_and_who_works_is_not() {
        let sleeping = shell("sleep 600").await;
        let working = shell("while :; do :; done").await;
        let halted = shell("while :; do :; done").await;
        halted.signal(libc::SIGSTOP);
        let all = async {
            tokio::join!(
                frozen(sleeping.id()),
                frozen(halted.id()),
                stopped(halted.id())
            )
        };
        timeout(PATIENCE, all).await.expect("all three are noticed");
        let wrong = async { tokio::join!(frozen(working.id()), stopped(sleeping.id())) };
        assert!(timeout(Duration::from_secs(12), wrong).await.is_err());
    }
}
