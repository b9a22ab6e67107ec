//! Which addresses are public, and which of the others the operator allows.
//!
//! The table follows the special-purpose registries of IANA and adds what they leave out: multicast, the reserved
//! quarter of IPv4, every IPv6 form that carries an IPv4 address inside (a tunnel or translator at the edge of a
//! network would unwrap it), and one address of a cloud that looks public and is not. IPv6 is refused unless it is
//! global unicast, so a block that is assigned tomorrow stays closed until somebody decides otherwise.
//!
//! The reasons are for our own log. A tenant who could read them would have a map of the network behind the host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What is thought of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// On the internet.
    Public,
    /// Inside a network that the operator named.
    Allowed,
    /// Neither, with the reason.
    Denied(&'static str),
}

/// The networks that the operator named.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    allowed: Vec<IpNet>,
}

impl Networks {
    pub(crate) fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.allowed.is_empty()
    }

    /// Judges an address in its canonical form: an IPv4 address is the same one inside `::ffff:0:0/96`.
    pub(crate) fn judge(&self, address: IpAddr) -> Verdict {
        let address = address.to_canonical();
        if self.allowed.iter().any(|network| network.contains(&address)) {
            return Verdict::Allowed;
        }
        denial(address).map_or(Verdict::Public, Verdict::Denied)
    }

    /// The addresses of `localhost` that the operator allows, in the order in which they are dialled.
    pub(crate) fn loopback(&self) -> impl Iterator<Item = IpAddr> {
        LOOPBACK.into_iter().filter(|address| self.judge(*address) == Verdict::Allowed)
    }

    /// Whether a name other than `localhost` could lie in an allowed network.
    pub(crate) fn reach_beyond_loopback(&self) -> bool {
        self.allowed.iter().any(|network| !network.addr().is_loopback())
    }
}

/// What `localhost` means; no resolver is asked (RFC 6761).
pub(crate) const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// Why an address is not public, or nothing if it is. Expects the canonical form.
fn denial(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => denial_v4(address),
        IpAddr::V6(address) => denial_v6(address),
    }
}

fn denial_v4(address: Ipv4Addr) -> Option<&'static str> {
    DENIED_V4.iter().find(|(network, _)| network.contains(&address)).map(|(_, reason)| *reason)
}

fn denial_v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some((_, reason)) = DENIED_V6.iter().find(|(network, _)| network.contains(&address)) {
        return Some(reason);
    }
    if !GLOBAL_UNICAST.contains(&address) {
        return Some("not global unicast");
    }
    let [_, _, _, _, flags, marker, _, _] = address.segments();
    (marker == 0x5efe && matches!(flags, 0 | 0x0200)).then_some("ISATAP: an IPv4 address inside")
}

/// The only part of IPv6 that is given out to the internet.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0], 3);

const DENIED_V4: [(Ipv4Net, &str); 19] = [
    (v4([0, 0, 0, 0], 8), "this network; 0.0.0.0 is loopback on many systems"),
    (v4([10, 0, 0, 0], 8), "private"),
    (v4([100, 64, 0, 0], 10), "shared by carriers; one cloud's metadata service"),
    (v4([127, 0, 0, 0], 8), "loopback"),
    (v4([168, 63, 129, 16], 32), "Azure's platform service, which looks public"),
    (v4([169, 254, 0, 0], 16), "link-local; the metadata service of most clouds"),
    (v4([172, 16, 0, 0], 12), "private"),
    (v4([192, 0, 0, 0], 24), "IETF protocols; one cloud's metadata service"),
    (v4([192, 0, 2, 0], 24), "documentation"),
    (v4([192, 31, 196, 0], 24), "AS112: answered by the nearest network"),
    (v4([192, 52, 193, 0], 24), "multicast tunnels"),
    (v4([192, 88, 99, 0], 24), "6to4 relays"),
    (v4([192, 168, 0, 0], 16), "private"),
    (v4([192, 175, 48, 0], 24), "AS112: answered by the nearest network"),
    (v4([198, 18, 0, 0], 15), "benchmarks"),
    (v4([198, 51, 100, 0], 24), "documentation"),
    (v4([203, 0, 113, 0], 24), "documentation"),
    (v4([224, 0, 0, 0], 4), "multicast"),
    (v4([240, 0, 0, 0], 4), "reserved, and broadcast"),
];

// The rows outside 2000::/3 are covered by `GLOBAL_UNICAST` too; they are here for their reasons, and so that none of
// them opens if that test should ever change.
const DENIED_V6: [(Ipv6Net, &str); 15] = [
    (v6([0, 0, 0, 0], 8), "unspecified, loopback, or an IPv4 address inside"),
    (v6([0x0064, 0xff9b, 0, 0], 96), "NAT64: an IPv4 address inside"),
    (v6([0x0064, 0xff9b, 1, 0], 48), "local NAT64: an IPv4 address inside"),
    (v6([0x0100, 0, 0, 0], 64), "discarded"),
    (v6([0x2001, 0, 0, 0], 23), "IETF protocols; Teredo: an IPv4 address inside"),
    (v6([0x2001, 0x0db8, 0, 0], 32), "documentation"),
    (v6([0x2002, 0, 0, 0], 16), "6to4: an IPv4 address inside"),
    (v6([0x2620, 0x004f, 0x8000, 0], 48), "AS112: answered by the nearest network"),
    (v6([0x3ffe, 0, 0, 0], 16), "the 6bone, given back"),
    (v6([0x3fff, 0, 0, 0], 20), "documentation"),
    (v6([0x5f00, 0, 0, 0], 16), "segment routing"),
    (v6([0xfc00, 0, 0, 0], 7), "private; one cloud's metadata service"),
    (v6([0xfe80, 0, 0, 0], 10), "link-local"),
    (v6([0xfec0, 0, 0, 0], 10), "site-local"),
    (v6([0xff00, 0, 0, 0], 8), "multicast"),
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c, d]: [u16; 4], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_denied_v4() -> impl Strategy<Value = Ipv4Addr> {
        (0..DENIED_V4.len(), any::<u32>()).prop_map(|(row, noise)| {
            let (network, _) = DENIED_V4[row];
            Ipv4Addr::from(u32::from(network.network()) | (noise & u32::from(network.hostmask())))
        })
    }

    /// Every IPv6 spelling that carries the IPv4 address.
    fn carriers(inner: Ipv4Addr) -> Vec<Ipv6Addr> {
        let bits = u128::from(u32::from(inner));
        vec![
            inner.to_ipv6_mapped(),
            Ipv6Addr::from(bits),                                                  // ::a.b.c.d
            Ipv6Addr::from((0xffff_u128 << 48) | bits),                            // ::ffff:0:a.b.c.d
            Ipv6Addr::from((0x0064_ff9b_u128 << 96) | bits),                       // NAT64
            Ipv6Addr::from((0x0064_ff9b_0001_u128 << 80) | bits),                  // local NAT64
            Ipv6Addr::from((0x2002_u128 << 112) | (bits << 80)),                   // 6to4
            Ipv6Addr::from((0x2001_u128 << 112) | (!bits & 0xffff_ffff)),          // Teredo hides it inverted
            Ipv6Addr::from((0x2a00_1450_u128 << 96) | (0x5efe_u128 << 32) | bits), // ISATAP
        ]
    }

    proptest! {
        #[test]
        fn a_denied_ipv4_address_is_denied_in_every_ipv6_spelling(inner in any_denied_v4()) {
            let networks = Networks::default();
            prop_assert!(matches!(networks.judge(inner.into()), Verdict::Denied(_)));
            for outer in carriers(inner) {
                prop_assert!(matches!(networks.judge(outer.into()), Verdict::Denied(_)), "{outer} carries {inner}");
            }
        }

        #[test]
        fn a_tunnel_or_translator_is_denied_even_to_a_public_address(inner in any::<u32>()) {
            let networks = Networks::default();
            for outer in carriers(Ipv4Addr::from(inner)).into_iter().skip(1) {
                prop_assert!(matches!(networks.judge(outer.into()), Verdict::Denied(_)), "{outer}");
            }
        }

        #[test]
        fn nothing_outside_global_unicast_is_public(bits in any::<u128>()) {
            let address = Ipv6Addr::from(bits);
            let outside = address.segments()[0] >> 13 != 1 && address.to_ipv4_mapped().is_none();
            prop_assert!(!outside || matches!(Networks::default().judge(address.into()), Verdict::Denied(_)));
        }

        #[test]
        fn what_the_standard_library_calls_private_is_denied(bits in any::<u32>()) {
            let address = Ipv4Addr::from(bits);
            let private = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_multicast() || address.is_broadcast() || address.is_documentation()
                || address.is_unspecified();
            prop_assert!(!private || denial_v4(address).is_some());
        }
    }

    #[test]
    fn both_ends_of_every_network_are_denied_and_its_neighbours_are_judged_by_their_own_row() {
        let networks = Networks::default();
        for (network, reason) in DENIED_V4 {
            assert_eq!(networks.judge(network.network().into()), Verdict::Denied(reason), "{network}");
            assert_eq!(networks.judge(network.broadcast().into()), Verdict::Denied(reason), "{network}");
            assert_eq!(network, network.trunc(), "{network} is written with host bits");
        }
        for (network, _) in DENIED_V6 {
            assert!(matches!(networks.judge(network.network().into()), Verdict::Denied(_)), "{network}");
            assert!(matches!(networks.judge(network.broadcast().into()), Verdict::Denied(_)), "{network}");
            assert_eq!(network, network.trunc(), "{network} is written with host bits");
        }
    }

    #[test]
    fn public_addresses_are_public() {
        let networks = Networks::default();
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001:80b::200e",
            "2001:4860:4860::8888",
            "2001:200::1",
            "::ffff:8.8.8.8",
        ] {
            assert_eq!(networks.judge(address.parse().expect(address)), Verdict::Public, "{address}");
        }
    }

    #[test]
    fn an_allowed_network_opens_itself_and_nothing_beside_it() {
        let networks = Networks::new(vec!["10.1.0.0/16".parse().expect("a network")]);
        assert_eq!(networks.judge("10.1.2.3".parse().expect("an address")), Verdict::Allowed);
        assert_eq!(networks.judge("::ffff:10.1.2.3".parse().expect("an address")), Verdict::Allowed);
        for closed in ["10.2.0.1", "127.0.0.1", "64:ff9b::a01:203", "2002:a01:203::", "::10.1.2.3"] {
            assert!(matches!(networks.judge(closed.parse().expect(closed)), Verdict::Denied(_)), "{closed}");
        }
        assert_eq!(networks.loopback().count(), 0);
        assert!(networks.reach_beyond_loopback());
    }
}
