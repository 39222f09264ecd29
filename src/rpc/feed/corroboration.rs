//! Links between sightings, as the contract has them.

use crate::feed::corroboration::rule::{RULE, RULE_VERSION, Shared};
use crate::feed::corroboration::{Link, Links};
use crate::record;
use crate::wire::proto::{
    Corroboration, Count, CountBasis, CountQualifier, FirePhase, ListCorroborationsResponse,
    SharedObservation, WeaponClass,
};

pub(super) fn response(links: &Links) -> ListCorroborationsResponse {
    ListCorroborationsResponse {
        corroborations: links.links.iter().map(corroboration).collect(),
        next_position: links.next.map_or(0, |next| next.0),
        compared_from_position: links.from.0,
        compared_until_position: links.upto.0,
    }
}

fn corroboration(link: &Link) -> Corroboration {
    let found = &link.found;
    Corroboration {
        rule: RULE.to_owned(),
        rule_version: RULE_VERSION,
        first_position: link.first.0,
        first_nation: link.first_label.nation.clone(),
        second_position: link.second.0,
        second_nation: link.second_label.nation.clone(),
        apart_s: found.apart_s,
        apart_limit_s: found.apart_limit_s,
        distance_m: found.distance_m,
        distance_limit_m: found.distance_limit_m,
        shared: found.shared.iter().map(shared).collect(),
        is_uncertainty_assumed: found.is_assumed,
    }
}

fn shared(shared: &Shared) -> SharedObservation {
    let (basis, first, second) = match shared.counts {
        Some((basis, first, second)) => (basis.number(), Some(first), Some(second)),
        None => (CountBasis::Unspecified.into(), None, None),
    };
    SharedObservation {
        r#type: shared.kind.number(),
        phase: shared
            .phase
            .map_or(FirePhase::Unspecified as i32, record::FirePhase::number),
        weapon_class: shared
            .weapon
            .map_or(WeaponClass::Unspecified as i32, record::WeaponClass::number),
        count_basis: basis,
        first_count: first.map(count),
        second_count: second.map(count),
    }
}

fn count(count: record::Count) -> Count {
    Count {
        min: count.min,
        max: count.max,
        qualifier: CountQualifier::try_from(count.qualifier.number())
            .unwrap_or_default()
            .into(),
    }
}
