//! Changes against books.

use super::*;

fn contact(id: &str, name: &str, mails: &[&str]) -> Contact {
    let mut mails = mails.iter().map(|mail| (*mail).to_owned());
    Contact { email: mails.next(), emails: mails.collect(), ..Contact::named(ContactId::from(id), name) }
}

fn added(book: Vec<Contact>, entry: Contact, how: Match) -> Changed {
    Change::Add(vec![entry], how).apply(book).remove(0)
}

#[test]
fn what_is_said_of_somebody_who_is_there_is_added_to_them() {
    let there = contact("1", "Bob Stone", &["bob@old.org"]);
    let more = Contact {
        relation: Some("brother".to_owned()),
        phone: Some("030 1".to_owned()),
        groups: vec!["family".to_owned()],
        ..contact("2", "bob  stone", &["BOB@old.org", "bob@new.org"])
    };
    let Changed::Updated { before, after } = added(vec![there.clone()], more, Match::Name) else { panic!("an update") };
    assert_eq!(before, there);
    assert_eq!(after.id, there.id);
    assert_eq!(after.mail_addresses().collect::<Vec<_>>(), ["bob@old.org", "bob@new.org"]);
    assert_eq!(Details::between(&before, &after).words(), "bob@new.org, 030 1, brother, group family");
}

#[test]
fn what_was_added_is_taken_away_exactly() {
    let there = Contact { groups: vec!["team".to_owned()], ..contact("1", "Bob", &["bob@old.org"]) };
    let more = Contact {
        relation: Some("boss".to_owned()),
        groups: vec!["team".to_owned(), "family".to_owned()],
        ..contact("2", "Bob", &["bob@new.org"])
    };
    let Changed::Updated { before, after } = added(vec![there], more, Match::Name) else { panic!("an update") };
    let strip = Change::Strip(after.id.clone(), Details::between(&before, &after));
    let Changed::Updated { after: back, .. } = strip.clone().apply(vec![after]).remove(0) else { panic!("an update") };
    assert_eq!(back, before);
    assert_eq!(strip.apply(vec![back.clone()]), [Changed::Unchanged(back)], "twice is once");
}

#[test]
fn somebody_else_of_the_name_is_an_entry_of_their_own() {
    let boss = Contact { relation: Some("boss".to_owned()), ..contact("1", "Bob", &["bob@work.org"]) };
    let brother = Contact { relation: Some("brother".to_owned()), ..contact("2", "Bob", &["bob@home.org"]) };
    assert!(matches!(added(vec![boss.clone()], brother.clone(), Match::Name), Changed::Added(_)));
    let both = vec![boss, brother];
    let grouped = Contact { groups: vec!["x".to_owned()], ..contact("3", "Bob", &[]) };
    assert_eq!(added(both.clone(), grouped, Match::Name), Changed::Unclear, "which Bob?");
    let known = contact("3", "Bob", &["bob@home.org", "b@b.org"]);
    assert!(
        matches!(added(both.clone(), known, Match::Name), Changed::Updated { after, .. } if after.id.as_str() == "2")
    );
    assert!(matches!(added(both, contact("3", "Bob", &["new@b.org"]), Match::Name), Changed::Added(_)));
}

#[test]
fn a_repeated_attempt_finds_its_own_entry() {
    let entry = contact("effect", "Bob", &["bob@x.org"]);
    let Changed::Added(first) = added(Vec::new(), entry.clone(), Match::Name) else { panic!("added") };
    assert_eq!(added(vec![first.clone()], entry, Match::Name), Changed::Added(first));
}

#[test]
fn a_card_is_known_by_its_uid_whatever_else_it_says() {
    let there = Contact { uid: Some("u1".to_owned()), ..contact("1", "Ann Miller", &["ann@x.org"]) };
    let card = Contact { uid: Some("u1".to_owned()), ..contact("2", "Ann Archer", &["ann@y.org"]) };
    let Changed::Updated { after, .. } = added(vec![there], card, Match::Card) else { panic!("an update") };
    assert_eq!((after.name.as_str(), after.aliases.as_slice()), ("Ann Miller", ["Ann Archer".to_owned()].as_slice()));
}

#[test]
fn a_card_without_a_shared_address_is_somebody_else() {
    let there = contact("1", "Ann", &["ann@x.org"]);
    let card = |mails: &[&str]| Contact { uid: Some("u2".to_owned()), ..contact("2", "Ann", mails) };
    assert!(matches!(added(vec![there.clone()], card(&["other@x.org"]), Match::Card), Changed::Added(_)));
    assert!(matches!(added(vec![there.clone()], card(&["ANN@x.org"]), Match::Card), Changed::Updated { .. }));
    assert!(matches!(added(vec![there], card(&[]), Match::Card), Changed::Updated { .. }));
    let one = Contact { uid: Some("u1".to_owned()), ..contact("1", "Ann", &[]) };
    assert!(matches!(added(vec![one], card(&["a@x.org"]), Match::Card), Changed::Added(_)), "two cards, two people");
}

#[test]
fn a_full_book_takes_no_more_but_still_changes() {
    let book: Vec<Contact> = (0..CONTACTS_MAX).map(|n| contact(&format!("c{n}"), &format!("Name {n}"), &[])).collect();
    assert_eq!(added(book.clone(), contact("x", "Somebody", &[]), Match::Card), Changed::Full);
    assert!(matches!(added(book, contact("x", "Name 7", &["n@x.org"]), Match::Card), Changed::Updated { .. }));
}

proptest::proptest! {
    /// Whatever is added: a second time changes nothing, and lists keep their bounds.
    #[test]
    fn the_same_twice_changes_nothing(
        rows in proptest::collection::vec(("[ab]", proptest::option::of("[uv]"), proptest::collection::vec("[xyz]@[pq]", 0..4)), 0..12),
        named in proptest::bool::ANY,
    ) {
        let how = if named { Match::Name } else { Match::Card };
        // Cards of one UID are one entry before they come here.
        let mut seen = Vec::new();
        let rows: Vec<_> = rows.into_iter().filter(|(_, uid, _)| {
            let new = uid.is_none() || !seen.contains(uid);
            seen.push(uid.clone());
            new
        }).collect();
        let entries: Vec<Contact> = rows.iter().enumerate().map(|(n, (name, uid, mails))| {
            let mails: Vec<&str> = mails.iter().map(String::as_str).collect();
            Contact { uid: uid.clone(), ..contact(&format!("n{n}"), name, &mails) }
        }).collect();
        let mut book: Vec<Contact> = Vec::new();
        for changed in Change::Add(entries.clone(), how).apply(Vec::new()) {
            match changed {
                Changed::Added(entry) | Changed::Updated { after: entry, .. } => {
                    book.retain(|there| there.id != entry.id);
                    book.push(entry);
                }
                Changed::Unchanged(_) | Changed::Unclear => {}
                Changed::Removed(_) | Changed::Missing | Changed::Full => panic!("{changed:?}"),
            }
        }
        let again: Vec<Contact> = entries.into_iter().enumerate().map(|(n, entry)| Contact { id: ContactId(format!("m{n}")), ..entry }).collect();
        if how == Match::Card {
            for changed in Change::Add(again, how).apply(book) {
                proptest::prop_assert!(matches!(changed, Changed::Unchanged(_)), "{:?}", changed);
            }
        }
    }
}
