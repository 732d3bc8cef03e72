//! Route origin and AS provider authorisation: `roa_check` (RFC 6811) and `aspa_check` (draft-ietf-sidrops-aspa-verification).

use crate::base::Net;
use crate::base::path::{AsPath, SegmentKind};
use crate::filter::env::{AspaState, Env, RoaState};

/// Validates an origin. Nets that are no prefixes are unknown.
pub fn roa_check(env: &dyn Env, table: &str, net: &Net, asn: u32) -> RoaState {
    let Net::Ip(prefix) = net else { return RoaState::Unknown };
    env.roa_state(table, prefix, asn)
}

/// Whether `customer` names `provider` as a provider.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hop {
    Provider,
    NotProvider,
    NoAttestation,
}

fn hop(env: &dyn Env, table: &str, customer: u32, provider: u32) -> Hop {
    let mut found = Hop::NoAttestation;
    env.aspa_entries(table, customer, &mut |providers| {
        if providers.contains(&provider) {
            found = Hop::Provider;
        } else if found == Hop::NoAttestation {
            found = Hop::NotProvider;
        }
    });
    found
}

/// Verifies a path. An empty one and one with sets or confederations is invalid; repeated numbers count once.
///
/// Going from the origin towards us, the path may climb (each AS a provider of the one before), then descend. `up` is how far it climbs
/// for certain or possibly, `down` the same from our end; upstream paths must climb all the way.
pub fn aspa_check(env: &dyn Env, table: &str, path: &AsPath, upstream: bool) -> AspaState {
    if path.is_empty() || path.segments().any(|(kind, _)| kind != SegmentKind::Sequence) {
        return AspaState::Invalid;
    }
    let mut numbers: Vec<u32> = path.numbers().collect();
    numbers.dedup();
    numbers.reverse();
    let count = numbers.len();
    if count == 1 || (!upstream && count == 2) {
        return AspaState::Valid;
    }
    // How many ASes the ramp takes before a hop that is certainly, or possibly, not to a provider.
    let ramp = |pairs: &mut dyn Iterator<Item = (u32, u32)>| {
        let (mut least, mut most) = (1, 1);
        let mut certain = true;
        for (customer, provider) in pairs {
            match hop(env, table, customer, provider) {
                Hop::NotProvider => break,
                Hop::NoAttestation => certain = false,
                Hop::Provider => {}
            }
            most += 1;
            if certain {
                least += 1;
            }
        }
        (least, most)
    };
    let (up_least, up_most) = ramp(&mut numbers.windows(2).map(|w| (w[0], w[1])));
    if upstream {
        return state(up_most >= count, up_least >= count);
    }
    let (down_least, down_most) = ramp(&mut numbers.windows(2).rev().map(|w| (w[1], w[0])));
    state(up_most + down_most >= count, up_least + down_least >= count)
}

fn state(possible: bool, certain: bool) -> AspaState {
    match (possible, certain) {
        (false, _) => AspaState::Invalid,
        (true, true) => AspaState::Valid,
        (true, false) => AspaState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::IpNet;

    struct World;
    impl Env for World {
        fn covering_roas(&self, _: &str, prefix: &IpNet, each: &mut dyn FnMut(u8, u32) -> bool) {
            if prefix.prefix_len() >= 16 {
                let _ = each(24, 64500) && each(24, 0);
            }
        }
        fn aspa_entries(&self, _: &str, customer: u32, each: &mut dyn FnMut(&[u32])) {
            match customer {
                10 => each(&[20, 21]),
                20 => each(&[30]),
                40 => each(&[20]),
                50 => each(&[0]),
                _ => {}
            }
        }
    }

    #[test]
    fn origins() {
        let check = |net: &str, asn| net.parse().map(|n: IpNet| roa_check(&World, "r4", &n.into(), asn));
        assert_eq!(check("10.0.0.0/16", 64500), Ok(RoaState::Valid));
        assert_eq!(check("10.0.0.0/25", 64500), Ok(RoaState::Invalid));
        assert_eq!(check("10.0.0.0/16", 0), Ok(RoaState::Invalid));
        assert_eq!(check("10.0.0.0/8", 64500), Ok(RoaState::Unknown));
    }

    #[test]
    fn paths_as_recorded() {
        use AspaState::*;
        for (path, up, down) in [
            (&[10, 20, 30][..], Invalid, Valid),
            (&[30, 20, 10], Valid, Valid),
            (&[10, 30, 20], Unknown, Valid),
            (&[99, 98, 97], Unknown, Unknown),
            (&[20, 99, 98], Unknown, Unknown),
            (&[20, 10], Valid, Valid),
            (&[10, 20], Invalid, Valid),
            (&[40, 50], Invalid, Valid),
            (&[50, 40], Invalid, Valid),
            (&[], Invalid, Invalid),
            (&[10], Valid, Valid),
            (&[20, 10, 10], Valid, Valid),
            (&[30, 20, 40], Valid, Valid),
            (&[20, 30, 20], Unknown, Valid),
        ] {
            let path = AsPath::sequence(path);
            let got = [true, false].map(|u| aspa_check(&World, "at", &path, u));
            assert_eq!(got, [up, down], "{path}");
        }
    }
}
