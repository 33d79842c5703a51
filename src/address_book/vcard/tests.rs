//! Files of several makers.

use super::*;
use crate::address_book::is_address;

fn read_of(file: impl AsRef<[u8]>) -> File {
    let mut n = 0;
    read(file.as_ref(), &Owner::new(["Ann Archer".to_owned(), "ann@example.org".to_owned()]), || {
        n += 1;
        ContactId(format!("c{n}"))
    })
}

fn one(lines: &str) -> Contact {
    let file = read_of(format!("BEGIN:VCARD\r\n{lines}END:VCARD\r\n"));
    assert_eq!((file.people.len(), file.skipped.told.as_slice()), (1, [].as_slice()), "{lines}");
    file.people.into_iter().next().expect("one").1
}

fn skipped(file: impl AsRef<[u8]>) -> Vec<(usize, String)> {
    read_of(file).skipped.told.into_iter().map(|skip| (skip.line, skip.why)).collect()
}

#[test]
fn an_old_phone_writes_quoted_printable() {
    let contact = one("VERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BC=\r\nller;J=C3=B6rg;;;\r\n\
        FN;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:J=F6rg M=FCller\r\nTEL;HOME:030 123\r\n\
        TEL;CELL;PREF:+49 170 1\r\nEMAIL;INTERNET:a@b.org\r\nEMAIL;PREF;INTERNET:first@b.org\r\n\
        PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ\r\n SkZJRg==\r\n\r\n");
    assert_eq!(contact.name, "Jörg Müller");
    assert_eq!(contact.numbers().collect::<Vec<_>>(), ["+49 170 1", "030 123"], "the preferred first");
    assert_eq!(contact.mail_addresses().collect::<Vec<_>>(), ["first@b.org", "a@b.org"]);
}

#[test]
fn an_iphone_groups_properties_and_labels_them() {
    let contact = one("VERSION:3.0\nPRODID:-//Apple Inc.//iOS 17.0//EN\nN:Singh;Priya;;;\nFN:Priya  Singh\n\
        NICKNAME:Pri,Priy\nitem1.EMAIL;type=INTERNET:priya@ex\n ample.org\nitem1.X-ABLabel:_$!<Home>!$_\n\
        EMAIL;type=INTERNET;type=WORK;type=pref:p@work.org\nTEL;type=CELL;type=VOICE;type=pref:(030) 1 23\n\
        item2.X-ABRELATEDNAMES;type=pref:Ann Archer\nitem2.X-ABLabel:_$!<Spouse>!$_\nUID:ABC-1\n");
    assert_eq!((contact.name.as_str(), contact.uid.as_deref()), ("Priya Singh", Some("ABC-1")));
    assert_eq!(contact.aliases, ["Pri", "Priy"]);
    assert_eq!(contact.mail_addresses().collect::<Vec<_>>(), ["p@work.org", "priya@example.org"]);
    assert_eq!(contact.phone.as_deref(), Some("(030) 1 23"));
    assert_eq!(contact.relation.as_deref(), Some("spouse"));
}

#[test]
fn google_writes_groups_and_companies() {
    let contact = one("VERSION:3.0\nFN:Bob Stone\nN:Stone;Bob;;;\nEMAIL;TYPE=INTERNET;TYPE=HOME:bob@home.org\n\
        item1.EMAIL;TYPE=INTERNET:bob@other.org\nitem1.X-ABLabel:\nORG:Acme\\, Inc.;Sales\n\
        CATEGORIES:myContacts,Book club\n");
    assert_eq!(contact.groups, ["Book club"]);
    assert_eq!(contact.emails, ["bob@other.org"]);
    assert_eq!(one("VERSION:3.0\nFN:\nN:;;;;\nORG:Acme\\, Inc.;Sales\n").name, "Acme, Inc.");
    assert_eq!(one("VERSION:3.0\nFN:\nN:;;;;\nEMAIL:x@y.org\n").name, "x@y.org");
    assert_eq!(one("VERSION:3.0\nN:Miller;Ann;Mary;Dr.;\n").name, "Ann Mary Miller");
}

#[test]
fn version_4_has_uris_ranks_and_group_cards() {
    let file = read_of(
        "BEGIN:VCARD\nVERSION:4.0\nUID:urn:uuid:4fbe\nFN:Zoe\nTEL;VALUE=uri;PREF=2;TYPE=\"voice,home\":tel:+1-555-5555;ext=5\n\
         TEL;PREF=1:112\nEMAIL:z@z.org\nRELATED;TYPE=parent;VALUE=text:ann archer\nRELATED;TYPE=friend:urn:uuid:f81d\nEND:VCARD\n\
         BEGIN:VCARD\nVERSION:4.0\nUID:urn:uuid:1\nFN:Yann\nRELATED;TYPE=spouse;VALUE=text:Somebody Else\nEND:VCARD\n\
         BEGIN:VCARD\nVERSION:4.0\nKIND:group\nFN:Family\nMEMBER:urn:uuid:4fbe\nMEMBER:urn:uuid:nobody\nEND:VCARD\n",
    );
    let [(1, zoe), (11, yann)] = file.people.as_slice() else { panic!("{:?}", file.people) };
    assert_eq!(zoe.numbers().collect::<Vec<_>>(), ["112", "+1-555-5555"]);
    assert_eq!((zoe.relation.as_deref(), zoe.groups.as_slice()), (Some("child"), ["Family".to_owned()].as_slice()));
    assert_eq!((&yann.relation, yann.groups.len()), (&None, 0), "what others are to each other is not ours");
}

#[test]
fn bad_cards_are_told_with_their_line_and_spoil_no_other() {
    let file = b"BEGIN:VCARD\nVERSION:3.0\nFN:Bad \xff\nEND:VCARD\nBEGIN:VCARD\nVERSION:3.0\nNOTE:nothing\nEND:VCARD\n\
        BEGIN:VCARD\nFN:Cut\nBEGIN:VCARD\nVERSION:3.0\nFN:Good\nEND:VCARD\nBEGIN:VCARD\nVERSION:2.1\nFN:J\xf6rg\nEND:VCARD\n";
    let names: Vec<String> = read_of(file).people.into_iter().map(|(_, one)| one.name).collect();
    assert_eq!(names, ["Good", "Jörg"]);
    let told = skipped(file);
    assert_eq!(told.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 5, 9]);
    assert!(told[0].1.contains("UTF-8") && told[1].1.contains("no name") && told[2].1.contains("end"), "{told:?}");
}

#[test]
fn what_is_no_address_is_left_out_alone() {
    let file = "BEGIN:VCARD\nVERSION:3.0\nFN:Eve\\nBcc: x\nEMAIL:eve@x.org\\nBcc: all@x.org\nEMAIL:e@x.org\nTEL:call me\nEND:VCARD\n";
    let read = read_of(file);
    assert_eq!(read.people[0].1.name, "Eve Bcc: x");
    assert_eq!(read.people[0].1.mail_addresses().collect::<Vec<_>>(), ["e@x.org"]);
    assert_eq!(read.people[0].1.phone, None);
    assert_eq!(read.skipped.told.len(), 2, "{:?}", read.skipped);
}

#[test]
fn cards_of_one_uid_are_one_entry() {
    let card = |mail: &str| format!("BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nUID:u\nEMAIL:{mail}\nEND:VCARD\n");
    let read = read_of(card("a@x.org") + &card("b@x.org"));
    let [(1, ann)] = read.people.as_slice() else { panic!("{:?}", read.people) };
    assert_eq!(ann.mail_addresses().collect::<Vec<_>>(), ["a@x.org", "b@x.org"]);
    assert!(read.skipped.told[0].line == 7 && read.skipped.told[0].why.contains("line 1"), "{:?}", read.skipped);
}

#[test]
fn what_is_no_vcard_has_no_cards() {
    for file in ["", "hello", "%PDF-1.7", "BEGIN:VCALENDAR\nEND:VCALENDAR\n"] {
        assert!(!read_of(file).has_cards, "{file}");
    }
}

#[test]
fn large_and_hostile_files_are_read_in_time_and_bounded() {
    let card = "BEGIN:VCARD\nFN:a\nEND:VCARD\n";
    let files = [
        card.repeat(100_000),
        format!("BEGIN:VCARD\nFN:a\n{}END:VCARD\n", " x\n".repeat(350_000)),
        format!("BEGIN:VCARD\nFN:a\nPHOTO;ENCODING=b:{}END:VCARD\n", "AAAA\n".repeat(200_000)),
        format!("BEGIN:VCARD\nN:{}\nEND:VCARD\n", ";".repeat(1 << 20)),
        format!("BEGIN:VCARD\nTEL;{}:1\nEND:VCARD\n", "TYPE=a;".repeat(150_000)),
        format!("BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:{}\nEND:VCARD\n", "=\n".repeat(500_000)),
        "BEGIN:VCARD\n".repeat(90_000),
        "AGENT:\nBEGIN:VCARD\n".repeat(60_000),
        "a".repeat(1 << 21),
    ];
    for (n, file) in files.iter().enumerate() {
        let begun = std::time::Instant::now();
        let read = read_of(file);
        assert!(read.people.len() <= CARDS_MAX && read.skipped.told.len() <= SKIPPED_MAX);
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "file {n}: {:?}", begun.elapsed());
    }
    let read = read_of(&files[0]);
    assert_eq!(read.people.len() + read.skipped.told.len() + read.skipped.more, 100_000, "each is told or counted");
}

proptest::proptest! {
    #[test]
    fn any_file_is_read(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        read_of(bytes);
    }

    #[test]
    fn any_lines_are_read(lines in "((BEGIN:VCARD|END:VCARD|FN|N|TEL|EMAIL|item1\\.|KIND|UID|RELATED|ENCODING=|QUOTED-PRINTABLE|b|TYPE=|PREF|CHARSET=UTF-8|=C3|=|\\\\|[:;,\"\n\t =.]|é|\u{0}|x@y\\.z|12){1,60})") {
        let file = read_of(format!("BEGIN:VCARD\n{lines}\nEND:VCARD\n"));
        for (_, contact) in file.people {
            proptest::prop_assert!(!contact.name.is_empty() && !contact.name.contains(char::is_control));
            proptest::prop_assert!(contact.mail_addresses().all(is_address));
        }
    }
}
