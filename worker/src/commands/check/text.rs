//! Findings for people, as `cargo` prints its own.

use anstyle::{AnsiColor, Effects, Style};
use framewright_activities::check::Report;
use framewright_composition::{
    Project,
    check::{Finding, Place, Severity},
};
use std::fmt::Write as _;

/// Longer lines of code are cut around the place.
const WIDTH: usize = 100;
/// What is shown of them before the place.
const BEFORE: usize = 16;

const BOLD: Style = Style::new().effects(Effects::BOLD);
const FAINT: Style = AnsiColor::BrightBlue.on_default().effects(Effects::BOLD);

pub(super) fn text(report: &Report, project: &Project) -> String {
    let mut text = String::new();
    for finding in report.findings.sorted() {
        one(&mut text, finding, project);
    }
    text + &summary(report)
}

fn one(text: &mut String, finding: &Finding, project: &Project) {
    let Finding {
        rule,
        place,
        subject,
        message,
    } = finding;
    let style = match rule.severity {
        Severity::Error => AnsiColor::Red.on_default().effects(Effects::BOLD),
        Severity::Warning => AnsiColor::Yellow.on_default().effects(Effects::BOLD),
        Severity::Note => AnsiColor::Cyan.on_default().effects(Effects::BOLD),
    };
    let _ = writeln!(
        text,
        "{style}{}[{}]{style:#}{BOLD}: {message}{BOLD:#}",
        rule.severity, rule.id
    );
    let line = place.line.map(|line| line.to_string()).unwrap_or_default();
    let margin = " ".repeat(line.len());
    let _ = writeln!(text, "{margin}{FAINT}-->{FAINT:#} {}", shown(place));
    match excerpt(place, project) {
        Some(code) => {
            let _ = writeln!(text, "{FAINT}{line} |{FAINT:#} {code}");
            // The line may show only a part of it, or where it was made.
            if !code.contains(subject.trim_end_matches('…')) {
                let _ = writeln!(text, "{margin} {FAINT}={FAINT:#} about: {subject}");
            }
        }
        None => {
            let _ = writeln!(text, "{margin} {FAINT}={FAINT:#} about: {subject}");
        }
    }
    let _ = writeln!(text, "{margin} {FAINT}={FAINT:#} help: {}\n", rule.remedy);
}

fn shown(place: &Place) -> String {
    let mut shown = place.file.clone();
    for number in [place.line, place.column].into_iter().flatten() {
        let _ = write!(shown, ":{number}");
    }
    shown
}

/// The line of code, without what stands far from the place.
fn excerpt(place: &Place, project: &Project) -> Option<String> {
    let text = std::str::from_utf8(project.get(&place.file)?).ok()?;
    let line = text.lines().nth((place.line? as usize).checked_sub(1)?)?;
    let from = match place.column {
        Some(column) if line.chars().count() > WIDTH => {
            (column as usize - 1).saturating_sub(BEFORE)
        }
        _ => 0,
    };
    let rest: String = line.chars().skip(from).collect();
    let rest = rest.trim();
    let mut code: String = rest.chars().take(WIDTH).collect();
    if code.len() < rest.len() {
        code.push('…');
    }
    if from > 0 {
        code.insert(0, '…');
    }
    (!code.is_empty()).then_some(code)
}

fn summary(report: &Report) -> String {
    let count = |severity| {
        let count = report.findings.count(severity);
        format!("{count} {severity}{}", if count == 1 { "" } else { "s" })
    };
    let counts = [Severity::Error, Severity::Warning, Severity::Note]
        .map(count)
        .join(", ");
    let seen = if report.opened {
        ""
    } else {
        "; its page could not be looked at, so there may be more"
    };
    format!("{BOLD}{counts}{BOLD:#}{seen}\n")
}
