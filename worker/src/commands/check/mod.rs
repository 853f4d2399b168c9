//! `framewright check`: what is wrong with a project, before it is rendered.

mod text;

use super::{open, print_json, print_text};
use crate::{cli::CheckArgs, data::Data, exit::Exit, workers};
use framewright_activities::check::{self, Report};
use framewright_composition::{CompileOptions, check::Severity};
use framewright_store::S3Outside;

/// Checks the project and says what was found. Errors among the findings make it the exit code 1.
pub(crate) async fn check(args: CheckArgs) -> Result<(), Exit> {
    let stop = workers::asked_to_stop()?;
    // Before anything is looked for that a machine may lack: it may be the name that is wrong.
    let project = open(&args.project, &S3Outside::new(args.place.s3.options())).await?;
    let data = Data::open(&args.place)?;
    let workshop = data.workshop(&args.place).await?;
    let options = CompileOptions {
        entry: args.entry.clone(),
        variables: args.variables.clone().unwrap_or_default(),
        strict: false,
    };
    let report = tokio::select! {
        report = check::check(&workshop, &project, &options) => report?,
        () = stop.cancelled() => return Err(Exit::cancelled()),
    };
    if args.json {
        print_json(&json(&report));
    } else {
        print_text(&text::text(&report, &project));
    }
    match report.findings.count(Severity::Error) {
        0 => Ok(()),
        _ => Err(Exit::told()),
    }
}

fn json(report: &Report) -> serde_json::Value {
    let findings = report.findings.sorted().into_iter().map(|finding| {
        serde_json::json!({
            "id": finding.rule.id,
            "severity": finding.rule.severity.to_string(),
            "file": finding.place.file,
            "line": finding.place.line,
            "column": finding.place.column,
            "subject": finding.subject,
            "message": finding.message,
            "remedy": finding.rule.remedy,
        })
    });
    serde_json::json!({
        "findings": findings.collect::<Vec<_>>(),
        "errors": report.findings.count(Severity::Error),
        "warnings": report.findings.count(Severity::Warning),
        "notes": report.findings.count(Severity::Note),
        "opened": report.opened,
    })
}
