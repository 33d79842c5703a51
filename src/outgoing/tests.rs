//! Where requests go, and where none does: a server of our own counts what reaches it.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Query, Request as Arrived, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use reqwest::Method;
use reqwest::header::HeaderName;
use secrecy::SecretString;
use tokio::net::TcpListener;
use url::Url;

use super::{Names, Outgoing, Request, Trouble};

/// Names whose answers are given one after the other; the last one stays.
#[derive(Default)]
struct Scripted {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Names for Scripted {
    async fn addresses(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().expect("no panic");
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Ok(answer.unwrap_or_default())
    }
}

fn names(answers: &[&[&str]]) -> Arc<Scripted> {
    let parsed = |list: &&[&str]| list.iter().map(|text| text.parse().expect("an address")).collect();
    Arc::new(Scripted { answers: Mutex::new(answers.iter().map(parsed).collect()), ..Scripted::default() })
}

/// A server that counts its requests and leads on to where `?to=` says.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
}

#[derive(serde::Deserialize)]
struct Leads {
    to: Option<String>,
    status: Option<u16>,
    bytes: Option<usize>,
    wait: Option<u64>,
}

async fn serve(
    State(seen): State<Arc<Mutex<Vec<HeaderMap>>>>,
    Query(leads): Query<Leads>,
    arrived: Arrived,
) -> Response {
    seen.lock().expect("no panic").push(arrived.headers().clone());
    if let Some(seconds) = leads.wait {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
    match (leads.to, leads.bytes) {
        (Some(to), _) => {
            let status = StatusCode::from_u16(leads.status.unwrap_or(302)).expect("a status");
            (status, [("location", to)]).into_response()
        }
        (None, Some(bytes)) => vec![b'x'; bytes].into_response(),
        (None, None) => "here".into_response(),
    }
}

impl Server {
    /// On every address of this machine, so that whatever form of its address is called is seen.
    async fn start() -> Self {
        let listener = match TcpListener::bind("[::]:0").await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind("0.0.0.0:0").await.expect("a port"),
        };
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let routes = Router::new().fallback(serve).with_state(Arc::clone(&seen));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address: (Ipv4Addr::LOCALHOST, port).into(), seen }
    }

    fn url(&self, query: &[(&str, &str)]) -> Url {
        let mut url = Url::parse(&format!("http://{}/", self.address)).expect("a url");
        url.query_pairs_mut().extend_pairs(query);
        url
    }

    fn count(&self) -> usize {
        self.seen.lock().expect("no panic").len()
    }
}

fn client(configured: &[&Server], names: Arc<dyn Names>) -> Outgoing {
    let configured: Vec<Url> = configured.iter().map(|server| server.url(&[])).collect();
    Outgoing::new(&configured, names).expect("a client")
}

/// Hosts of private networks in every form that a URL can give them.
fn private_hosts() -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    let addresses = [
        "127.0.0.1",
        "127.0.0.2",
        "127.255.255.254",
        "0.0.0.0",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.0.1",
        "192.168.255.255",
        "198.18.0.1",
        "203.0.113.7",
        "224.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "168.63.129.16",
    ];
    for address in addresses {
        let [a, b, c, d] = address.parse::<Ipv4Addr>().expect("an address").octets();
        let number = u32::from_be_bytes([a, b, c, d]);
        hosts.extend([
            address.to_owned(),
            number.to_string(),
            format!("0x{number:08x}"),
            format!("0{number:o}"),
            format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
            format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
            format!("{a}.{b}.{}", u16::from_be_bytes([c, d])),
            format!("{a}.{}", u32::from_be_bytes([0, b, c, d])),
            format!("{address}."),
            format!("[::ffff:{address}]"),
            format!("[::{address}]"),
            format!("[64:ff9b::{address}]"),
            format!("[2002:{:x}:{:x}::]", u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
            address.chars().map(|c| c.to_digit(10).and_then(|n| char::from_u32(0xff10 + n)).unwrap_or(c)).collect(),
        ]);
    }
    hosts.extend(
        [
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[ff02::1]",
            "[2001:db8::1]",
            "[2001::1]",
            "127.1",
            "0",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "x.localhost",
            "metadata.google.internal",
            "metadata",
            "router.lan",
            "printer.local",
            "①②⑦.⓪.⓪.①",
            "127。0。0。1",
        ]
        .map(str::to_owned),
    );
    hosts
}

#[tokio::test]
async fn no_request_reaches_a_private_network_by_an_address_or_a_redirect() {
    let (leads, inside) = (Server::start().await, Server::start().await);
    let outgoing = client(&[&leads], names(&[&["127.0.0.1"]]));
    let port = inside.address.port();
    let hosts = private_hosts();
    assert!(hosts.len() >= 200, "{}", hosts.len());
    let mut followed = 0;
    for host in &hosts {
        for scheme in ["http", "https"] {
            let target = format!("{scheme}://{host}:{port}/");
            // A host that is none at all in the parser's eyes cannot be called either.
            if let Ok(url) = target.parse::<Url>() {
                let answer = outgoing.send(Request::get(url)).await;
                assert!(matches!(answer, Err(Trouble::Forbidden { .. })), "{target}: {answer:?}");
                for status in ["301", "302", "303", "307", "308"] {
                    let answer = outgoing.send(Request::get(leads.url(&[("to", &target), ("status", status)]))).await;
                    assert!(matches!(answer, Err(Trouble::Forbidden { .. })), "{status} {target}: {answer:?}");
                    followed += 1;
                }
            }
        }
    }
    assert!(followed >= 2_000, "{followed}");
    assert_eq!(leads.count(), followed, "each redirect was asked for");
    assert_eq!(inside.count(), 0, "and none was followed");
}

#[tokio::test]
async fn other_schemes_and_urls_with_a_user_name_are_not_followed() {
    let leads = Server::start().await;
    let outgoing = client(&[&leads], names(&[&["127.0.0.1"]]));
    for target in
        ["file:///etc/passwd", "ftp://example.org/", "gopher://example.org/", "http://me:pw@example.org/", "data:,x"]
    {
        let answer = outgoing.send(Request::get(leads.url(&[("to", target)]))).await;
        assert!(matches!(answer, Err(Trouble::Forbidden { .. })), "{target}: {answer:?}");
    }
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_one_private_address_spoils_it() {
    let inside = Server::start().await;
    let target: Url = format!("http://rebinding.example.org:{}/", inside.address.port()).parse().expect("a url");
    for answers in [
        &[&["127.0.0.1"][..]][..],
        &[&["9.9.9.9", "127.0.0.1"][..]],
        &[&["::1", "9.9.9.9"][..]],
        &[&["::ffff:169.254.169.254"][..]],
    ] {
        let names = names(answers);
        let outgoing = client(&[], Arc::clone(&names) as Arc<dyn Names>);
        let answer = outgoing.send(Request::get(target.clone())).await;
        assert!(matches!(answer, Err(Trouble::Forbidden { .. })), "{answers:?}: {answer:?}");
        assert_eq!(names.asked.load(Ordering::SeqCst), 1, "{answers:?}");
    }
    // The first answer holds no address at all: the second, which leads inside, is not asked for.
    let names = names(&[&[], &["127.0.0.1"]]);
    let outgoing = client(&[], Arc::clone(&names) as Arc<dyn Names>);
    let answer = outgoing.send(Request::get(target)).await;
    assert!(matches!(answer, Err(Trouble::NoConnection(_))), "{answer:?}");
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    assert_eq!(inside.count(), 0);
}

#[tokio::test]
async fn a_configured_address_is_called_and_its_secrets_stay_with_it() {
    let (ours, other) = (Server::start().await, Server::start().await);
    let outgoing = client(&[&ours, &other], names(&[]));
    let secret = SecretString::from("canary");
    let key = HeaderName::from_static("x-key");
    let ask = |url: Url| {
        Request::get(url)
            .bearer(&secret)
            .secret_header(key.clone(), "canary")
            .header(HeaderName::from_static("x-plain"), "kept")
    };
    let same = ours.url(&[("to", "/elsewhere")]);
    assert_eq!(outgoing.send(ask(same)).await.expect("an answer").body, b"here");
    assert!(ours.seen.lock().expect("no panic").iter().all(|headers| headers.contains_key("authorization")));
    outgoing.send(ask(ours.url(&[("to", other.url(&[]).as_str())]))).await.expect("an answer");
    let seen = other.seen.lock().expect("no panic");
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].get("x-plain").expect("it goes along"), "kept");
    assert!(!seen[0].contains_key("authorization") && !seen[0].contains_key("x-key"), "{:?}", seen[0]);
}

#[tokio::test]
async fn a_change_is_not_sent_on_to_another_server() {
    let (ours, other) = (Server::start().await, Server::start().await);
    let outgoing = client(&[&ours, &other], names(&[]));
    for status in ["301", "302", "303", "307", "308"] {
        let to = other.url(&[]);
        let request = Request::post(ours.url(&[("to", to.as_str()), ("status", status)])).json(&"order");
        let answer = outgoing.send(request).await;
        let trouble = answer.expect_err("it is not followed");
        // Only 307 and 308 say that nothing was done.
        assert_eq!(trouble.is_before(), matches!(status, "307" | "308"), "{status}: {trouble:?}");
    }
    assert_eq!(other.count(), 0);
    let moved = Request::post(ours.url(&[("to", "/new"), ("status", "308")])).json(&"order");
    assert!(outgoing.send(moved).await.is_ok(), "on the same server it may move");
}

#[tokio::test]
async fn size_time_and_the_number_of_redirects_are_bounded() {
    let ours = Server::start().await;
    let outgoing = client(&[&ours], names(&[]));
    let large = outgoing.send(Request::get(ours.url(&[("bytes", "1001")])).at_most(1_000)).await;
    assert!(matches!(large, Err(Trouble::TooLarge { max: 1_000, .. })), "{large:?}");
    assert!(outgoing.send(Request::get(ours.url(&[("bytes", "1000")])).at_most(1_000)).await.is_ok());
    let slow = outgoing.send(Request::get(ours.url(&[("wait", "5")])).within(Duration::from_millis(200))).await;
    assert!(matches!(&slow, Err(trouble @ Trouble::Late { .. }) if !trouble.is_before()), "{slow:?}");
    let before = ours.count();
    let ring = outgoing.send(Request::new(Method::GET, ours.url(&[("to", "")]))).await;
    assert!(matches!(ring, Err(Trouble::Redirected(_))), "{ring:?}");
    assert_eq!(ours.count() - before, 6);
}

#[tokio::test]
async fn no_trouble_names_more_than_the_host() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let url: Url = format!("http://{closed}/canary?key=canary").parse().expect("a url");
    let outgoing = Outgoing::new(std::slice::from_ref(&url), names(&[])).expect("a client");
    let request = Request::get(url).bearer(&SecretString::from("canary"));
    assert!(!format!("{request:?}").contains("canary"));
    let trouble = outgoing.send(request).await.expect_err("nobody is there");
    assert_eq!(trouble, Trouble::NoConnection("127.0.0.1".to_owned()));
    assert!(trouble.is_before() && !format!("{trouble:?} {trouble}").contains("canary"));
}
