//! Which addresses may be called on somebody else's word: the public internet, and nothing of ours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// A network: its first address and the length of its prefix.
type Block<A> = (A, u32);

/// IPv4 that is not the public internet (the special-purpose registry of RFC 6890, and multicast).
const RESERVED_V4: [Block<Ipv4Addr>; 16] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];
/// What cloud providers answer secrets at, beside the link-local addresses.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200)];

/// The only IPv6 that is given out for the internet.
const GLOBAL_V6: Block<Ipv6Addr> = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// What in it is not the public internet, or hides an IPv4 address.
const RESERVED_V6: [Block<Ipv6Addr>; 4] = [
    // Protocol assignments; Teredo, ORCHID and benchmarking are in it.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Names that mean this machine or this network wherever they are asked for.
const LOCAL_NAMES: [&str; 9] =
    ["localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "home.arpa"];

/// Whether an address is on the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !METADATA_V4.contains(&address) && !RESERVED_V4.iter().any(|block| holds_v4(*block, address))
        }
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public(IpAddr::V4(mapped)),
            None => holds_v6(GLOBAL_V6, address) && !RESERVED_V6.iter().any(|block| holds_v6(*block, address)),
        },
    }
}

fn holds_v4((first, prefix): Block<Ipv4Addr>, address: Ipv4Addr) -> bool {
    (u32::from(first) ^ u32::from(address)) >> (32 - prefix) == 0
}

fn holds_v6((first, prefix): Block<Ipv6Addr>, address: Ipv6Addr) -> bool {
    (u128::from(first) ^ u128::from(address)) >> (128 - prefix) == 0
}

/// Why a URL may not be called, by what it says; its name's addresses are judged when they are known.
pub fn objection(url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        return Some("it is no web address");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("it holds a user name");
    }
    match url.host() {
        None => Some("it names no host"),
        Some(Host::Ipv4(address)) if !is_public(IpAddr::V4(address)) => Some("it is in a private network"),
        Some(Host::Ipv6(address)) if !is_public(IpAddr::V6(address)) => Some("it is in a private network"),
        Some(Host::Domain(name)) if is_local_name(name) => Some("it is a local name"),
        Some(_) => None,
    }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    // A name without a dot is looked for in this network's own domain.
    !name.contains('.')
        || LOCAL_NAMES.iter().any(|local| name.strip_suffix(local).is_some_and(|head| head.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_last_address_of_every_reserved_network_is_refused_and_its_neighbours_are_not() {
        let neighbours = |(first, prefix): &Block<Ipv4Addr>| {
            let first = u32::from(*first);
            let last = first | (u32::MAX >> prefix);
            (first, last)
        };
        for block in &RESERVED_V4 {
            let (first, last) = neighbours(block);
            for address in [first, last] {
                assert!(!is_public(IpAddr::V4(address.into())), "{}", Ipv4Addr::from(address));
            }
            for address in [first.checked_sub(1), last.checked_add(1)].into_iter().flatten().map(Ipv4Addr::from) {
                let reserved = RESERVED_V4.iter().any(|block| holds_v4(*block, address));
                assert_eq!(is_public(IpAddr::V4(address)), !reserved, "{address}");
            }
        }
        for address in ["9.9.9.9", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0"] {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn of_ipv6_only_what_is_given_out_is_public() {
        for address in ["2606:4700::1111", "2a00:1450:4001::1", "::ffff:9.9.9.9"] {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
        for address in [
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "4000::1",
            "100::1",
        ] {
            assert!(!is_public(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn local_names_are_refused_by_name() {
        for name in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "printer",
            "nas.local",
            "metadata.google.internal",
            "x.home.arpa",
        ] {
            let url: Url = format!("http://{name}/").parse().expect("a url");
            assert!(objection(&url).is_some(), "{name}");
        }
        for name in ["example.org", "localhost.example.org", "mylocal.org", "notinternal.com"] {
            let url: Url = format!("https://{name}/").parse().expect("a url");
            assert_eq!(objection(&url), None, "{name}");
        }
    }
}
