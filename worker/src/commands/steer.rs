//! `framewright pause`, `resume` and `cancel`: what can be asked of a render that runs.

use super::status::{render_id, show};
use crate::{
    cli::{PauseArgs, StatusArgs},
    client::{Client, state_word},
    exit::Exit,
};
use std::time::Duration;

/// From a request to stop to the last process gone; a worker that was killed is noticed after 10 s.
const CANCEL_BUDGET: Duration = Duration::from_secs(15);

/// `framewright pause`.
pub(crate) async fn pause(args: PauseArgs) -> Result<(), Exit> {
    let StatusArgs { id, service } = args.render;
    let id = render_id(&id);
    let mut client = Client::connect(&service.server).await?;
    client.pause(&id, &args.reason).await?;
    show(&client.get(&id).await?, service.json);
    Ok(())
}

/// `framewright resume`.
pub(crate) async fn resume(args: StatusArgs) -> Result<(), Exit> {
    let id = render_id(&args.id);
    let mut client = Client::connect(&args.service.server).await?;
    client.resume(&id).await?;
    show(&client.get(&id).await?, args.service.json);
    Ok(())
}

/// `framewright cancel`: returns when the render has stopped.
pub(crate) async fn cancel(args: PauseArgs) -> Result<(), Exit> {
    let StatusArgs { id, service } = args.render;
    let id = render_id(&id);
    let mut client = Client::connect(&service.server).await?;
    client.cancel(&id, &args.reason).await?;
    let ended = tokio::time::timeout(CANCEL_BUDGET, client.watch(&id, |_| {})).await;
    let render = match ended {
        Ok(ended) => ended?,
        Err(_) => {
            let render = client.get(&id).await?;
            let state = state_word(render.state());
            let message = format!("the render was asked to stop and is still {state}");
            return Err(Exit::failed(message).hint(format!("look at {}", render.page_url)));
        }
    };
    show(&render, service.json);
    Ok(())
}
