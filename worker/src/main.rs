//! `framewright`: renders HTML compositions to video, durably.
//!
//! One binary, thin: it wires the rooms together. `main` reads the command line, sets up logging,
//! runs one command and turns its end into an exit code ([`exit`]).
//!
//! | command | what |
//! | --- | --- |
//! | `dev` | the whole service on this machine ([`dev`]) |
//! | `worker` | a worker for a service that runs elsewhere ([`workers`]) |
//! | `render` | project → film, through the service ([`client`]) or in this process |
//! | `status`, `list` | how renders are |
//! | `pause`, `resume`, `cancel` | what can be asked of a render |
//! | `stills` | single frames as pictures |
//! | `check` | what is wrong with a project, before it is rendered |
//! | `plan` | what a film would cost and how it would be cut |
//! | `bench` | renders by the number of their chunks, measured |
//! | `config` | which settings hold, and where they come from |
//! | `gc` | removes what no render needs any more |
//! | `doctor` | what this machine has and lacks |

mod cli;
mod client;
mod commands;
mod config;
mod crew;
mod data;
mod dev;
mod exit;
mod metrics;
mod readiness;
mod service;
mod telemetry;
mod temporal;
mod web;
mod workers;

use cli::Command;
use exit::{Exit, report};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = match config::read(std::env::args_os().collect()) {
        Ok(settings) => settings,
        Err(error) => {
            report(&error);
            return error.code();
        }
    };
    if let Command::Config(args) = &settings.cli.command {
        commands::config(args, &settings);
        return ExitCode::SUCCESS;
    }
    let cli = settings.cli;
    let is_service = matches!(
        cli.command,
        Command::Dev(_) | Command::Serve(_) | Command::Worker(_)
    );
    let telemetry = telemetry::init(&cli.log, cli.command.word(), is_service);
    let ended = run(cli.command, &telemetry).await;
    telemetry.shutdown();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            error.code()
        }
    }
}

async fn run(command: Command, telemetry: &telemetry::Telemetry) -> Result<(), Exit> {
    match command {
        Command::Dev(args) => dev::run(args, telemetry).await,
        Command::Serve(args) => dev::serve(args, telemetry).await,
        Command::Worker(args) => workers::run(args, telemetry).await,
        Command::Render(args) => commands::render(args, telemetry).await,
        Command::Status(args) => commands::status(args).await,
        Command::List(args) => commands::list(args).await,
        Command::Pause(args) => commands::pause(args).await,
        Command::Resume(args) => commands::resume(args).await,
        Command::Cancel(args) => commands::cancel(args).await,
        Command::Stills(args) => commands::stills(args).await,
        Command::Check(args) => commands::check(args).await,
        Command::Plan(args) => commands::plan(args).await,
        Command::Bench(args) => commands::bench(args, telemetry).await,
        Command::Doctor(args) => commands::doctor(args).await,
        Command::Gc(args) => commands::gc(args, telemetry).await,
        // It needs nothing of what has been set up.
        Command::Config(_) => Ok(()),
    }
}
