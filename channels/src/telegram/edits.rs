//! Messages that were changed after they were sent.

use workflows::inbound::{Command, InboundKind};
use workflows::state::ItemPhase;

use super::Door;
use super::handle::{NotNow, source};
use super::parse::Said;
use super::store::Finished;

impl Door {
    /// A request that was changed begins anew as long as nothing was done for it; what was done stays
    /// done, and the person is told so.
    pub(super) async fn edited(&self, id: i64, said: Said) -> Result<Finished, NotNow> {
        let finished = Finished::handled(id, self.0.parts.clock.now());
        let Some(person) = self.who(&said.sender).await? else { return Ok(finished) };
        let Some(task) = self.0.parts.inbox.task_of(said.place.chat, said.message).await? else { return Ok(finished) };
        let Some(row) = self.0.parts.desk.load(&task).await?.filter(|row| row.person_id == person.id) else {
            return Ok(finished);
        };
        if row.state.request().text == said.words().trim() || said.words().trim().is_empty() {
            return Ok(finished);
        }
        let is_begun = |phase: &ItemPhase| !matches!(phase, ItemPhase::Held | ItemPhase::Ready | ItemPhase::Rejected);
        if row.state.run().is_some_and(|run| run.items.iter().any(|item| is_begun(&item.phase))) {
            let words = "I saw that you changed this message, but I had begun with it already. \
                Tell me in a new message what should be different.";
            return Ok(self.reply(id, &said, words));
        }
        let chat = self.chat(said.place, &person).await?;
        let cancel = InboundKind::Command(Command::Cancel(Some(task)));
        // It may have ended by itself; then there is nothing to stop.
        self.submit(format!("{}:stop", source(id)), &chat, cancel, Vec::new(), None).await?;
        let again = InboundKind::Request { text: said.words().trim().to_owned() };
        // The picture is the one that came with the message.
        let photos = row.state.request().photos.clone();
        let handled = self.submit(source(id), &chat, again, photos, Some(&said)).await?;
        let about = handled.task_id.map(|task| (said.place.chat, said.message, task));
        Ok(Finished { about, ..finished })
    }
}
