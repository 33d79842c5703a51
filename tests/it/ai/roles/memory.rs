//! What is remembered, and how it comes into a prompt.

use std::time::Instant;

use super_manager::store::MemoryStore as _;

use super::*;
use crate::fake_ai::Reply;
use crate::fake_ai::embed::{DIMENSIONS, embed};
use crate::fake_ai::ollama::Model;
use crate::fake_web::Fault;

const FACT: &str = "Meera eats no meat";
const EMBED: &str = "POST /api/embed";
const HEAD: &str = "DATA: REMEMBERED";

/// Other words of the same meaning, as the stand-in understands words: none of them is in the text.
fn in_other_words(text: &str) -> String {
    let same = |word: &str| {
        let meant = embed(word, DIMENSIONS);
        let mut others = (0..10_000).map(|n| format!("word{n}"));
        others.find(|other| embed(other, DIMENSIONS) == meant).expect("another word")
    };
    text.split(' ').map(same).collect::<Vec<_>>().join(" ")
}

/// What is told as remembered in the newest prompt for a plan.
fn told(desk: &Desk) -> Vec<String> {
    let asked = asked_of(desk.ai.ollama.asked(), "llama3.2");
    let prompt = asked.last().expect("a prompt").user();
    let lines = prompt.lines().skip_while(|line| *line != HEAD).skip(1);
    lines.take_while(|line| line.starts_with("- ")).map(|line| line["- ".len()..].to_owned()).collect()
}

async fn desk(models: Models) -> Desk {
    let desk = Desk::new(|ai| vec![ollama(ai, models)]).await;
    desk.ai.ollama.answer_with(|_| Reply::json(&some_plan()));
    desk.remember(FACT).await;
    desk.remember("The rent is due on the 1st").await;
    desk
}

impl Desk {
    async fn remember(&self, text: &str) {
        self.memory.remember(&self.person.id, text, text).await.expect("a store that works");
    }
}

#[tokio::test]
async fn what_means_the_same_is_told_though_no_word_is_shared() {
    let desk = desk(all_models()).await;
    let request = in_other_words(FACT);
    assert!(FACT.split(' ').all(|word| !request.contains(word)), "{request}");
    desk.plan(&request, "t1", &[]).await;
    assert_eq!(told(&desk), Vec::<String>::new(), "nothing has a vector yet");
    desk.memory.index().await;
    // Another request: the one before is remembered by now.
    let request = format!("{request} today");
    desk.plan(&request, "t2", &[]).await;
    assert!(told(&desk).contains(&FACT.to_owned()), "{:?}", told(&desk));
    assert!(!told(&desk).iter().any(|text| text.contains("rent")), "{:?}", told(&desk));
    let asked = asked_of(desk.ai.ollama.asked(), "llama3.2");
    assert!(asked.iter().all(|asked| !asked.system().contains("Meera")), "it stands among the facts, not the rules");
    assert!(desk.ai.ollama.requests_to(EMBED).iter().all(|entry| entry.json()["model"] == "nomic-embed-text"));
    desk.ai.assert_no_violations();
}

#[tokio::test]
async fn without_a_model_for_meaning_words_are_searched_for() {
    let desk = desk(Models { embed: None, ..all_models() }).await;
    desk.memory.index().await;
    desk.plan("cook something for Meera", "t1", &[]).await;
    assert_eq!(told(&desk), [FACT]);
    desk.plan(&in_other_words(FACT), "t2", &[]).await;
    assert_eq!(told(&desk), Vec::<String>::new());
    assert_eq!(desk.ai.ollama.count(EMBED), 0);
    desk.ai.assert_no_violations();
}

#[tokio::test]
async fn a_model_for_meaning_that_hangs_costs_its_time_once_and_the_plan_is_made() {
    let desk = desk(all_models()).await;
    desk.memory.index().await;
    desk.ai.ollama.fault_at(EMBED, u32::MAX, Fault::Hang);
    let before = desk.ai.ollama.count(EMBED);
    let began = Instant::now();
    let planned = desk.plan("cook something for Meera", "t1", &[]).await;
    let took = began.elapsed();
    assert_eq!(planned.by, "ollama");
    assert_eq!(told(&desk), [FACT], "words find it all the same");
    assert!((Duration::from_millis(2_900)..Duration::from_secs(5)).contains(&took), "{took:?}");
    let began = Instant::now();
    let planned = desk.plan("cook for Meera again", "t2", &[]).await;
    assert_eq!(planned.by, "ollama");
    assert!(began.elapsed() < Duration::from_secs(2), "it is left alone: {:?}", began.elapsed());
    let texts =
        desk.ai.ollama.requests_to(EMBED).into_iter().skip(before).map(|entry| entry.json()["input"][0].clone());
    let (loads, asked): (Vec<Value>, Vec<Value>) = texts.partition(|text| text == ".");
    assert_eq!((loads.len(), asked.len()), (1, 1), "it is not asked again, and may only have to be loaded");
}

#[tokio::test]
async fn vectors_of_another_model_are_not_compared() {
    let mut desk = desk(all_models()).await;
    desk.memory.index().await;
    let other = "mxbai-embed-large";
    let embeds = |name: &str| {
        let mut model = Model::new(name);
        model.embeds = true;
        model
    };
    desk.ai.ollama.set_models(vec![Model::new("llama3.2"), embeds("nomic-embed-text"), embeds(other)]);
    let models = vec![ollama(&desk.ai, Models { embed: Some(other.to_owned()), ..all_models() })];
    desk.ask_instead(models);
    let request = in_other_words(FACT);
    desk.plan(&request, "t1", &[]).await;
    assert_eq!(told(&desk), Vec::<String>::new(), "the vectors there are are another model's");
    desk.memory.index().await;
    desk.plan(&format!("{request} today"), "t2", &[]).await;
    assert!(told(&desk).contains(&FACT.to_owned()), "{:?}", told(&desk));
    let asked: Vec<Value> =
        desk.ai.ollama.requests_to(EMBED).iter().map(|entry| entry.json()["model"].clone()).collect();
    assert_eq!(asked[0], "nomic-embed-text");
    assert!(asked[1..].iter().all(|model| model == other), "{asked:?}");
    desk.ai.assert_no_violations();
}

#[tokio::test]
async fn a_request_is_noted_once_it_is_planned_and_is_no_memory_of_its_own() {
    let desk = desk(Models { embed: None, ..all_models() }).await;
    let request = "a picnic by the lake";
    desk.plan(request, "t1", &[]).await;
    assert_eq!(told(&desk), Vec::<String>::new(), "what is asked is not remembered before it is asked");
    // The same task planned anew: its own words are the request, and told once.
    desk.plan(request, "t1", &[]).await;
    assert_eq!(told(&desk), Vec::<String>::new());
    desk.plan("the lake again", "t2", &[]).await;
    assert_eq!(told(&desk), [request]);
    // A reply is nothing that was asked for.
    desk.ai.ollama.answer(Reply::json(&json!({"kind": "reply", "text": "Deep."})));
    desk.plan("how deep is the Baikal", "t3", &[]).await;
    desk.plan("something about the Baikal", "t4", &[]).await;
    assert_eq!(told(&desk), Vec::<String>::new());
    desk.ai.assert_no_violations();
}

#[tokio::test]
async fn another_persons_memories_are_not_told() {
    let mut desk = desk(all_models()).await;
    desk.memory.index().await;
    desk.person = Person { id: "bob".into(), name: "Bob".to_owned(), role: Role::Owner, ..desk.person.clone() };
    desk.db.create_person(&desk.person, now()).await.expect("a person");
    desk.plan(&format!("{FACT} {}", in_other_words(FACT)), "t1", &[]).await;
    assert_eq!(told(&desk), Vec::<String>::new());
}

#[tokio::test]
async fn however_much_there_is_all_of_it_gets_its_vectors() {
    let desk = desk(all_models()).await;
    for n in 0..68 {
        desk.remember(&format!("Fact number {n} of {}", "many words ".repeat(30))).await;
    }
    for _ in 0..5 {
        desk.memory.index().await;
    }
    assert_eq!(desk.db.without_vector("nomic-embed-text", 100).await.expect("a look"), []);
    assert_eq!(desk.ai.ollama.count(EMBED), 5, "in batches");
    desk.ai.assert_no_violations();
}

#[tokio::test]
async fn vectors_that_break_off_are_the_connections_fault() {
    let desk = desk(all_models()).await;
    desk.ai.ollama.fault_at(EMBED, u32::MAX, Fault::Truncated);
    desk.memory.index().await;
    assert_eq!(desk.router.counts()[0].errors, [("overload", 2)], "all of them, then one to see");
}
