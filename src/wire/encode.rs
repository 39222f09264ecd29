//! From a record to its canonical bytes. The same record gives the same bytes. Every message
//! writes its fields from the highest number to the lowest (see [`super::back`]).

use super::back::{Back, Put};
use crate::normalise::NORMALISER_VERSION;
use crate::record::{self, Body, Record};

/// Encodes a record; these bytes are what is stored and served.
#[must_use]
pub fn encode_record(record: &Record) -> Vec<u8> {
    let mut out = Back::new();
    record.put(&mut out);
    out.written().to_vec()
}

/// A code or UNSPECIFIED.
macro_rules! number {
    ($code:expr) => {
        $code.map_or(0, |code| code.number())
    };
}

impl Put for Record {
    fn put(&self, out: &mut Back) {
        if let Some(sequence) = self.sequence {
            out.count(19, sequence);
        }
        out.text(18, NORMALISER_VERSION);
        out.all(17, &self.trace);
        out.text(16, &self.original_media_type);
        out.bytes(15, &self.original_sha256);
        out.all(14, &self.evidence);
        out.all(13, &self.narratives);
        match &self.body {
            Some(Body::Sighting(sighting)) => out.message(11, &**sighting),
            Some(Body::Contribution(contribution)) => out.message(12, &**contribution),
            None => {}
        }
        out.message(10, &self.marking);
        out.time(9, self.received_at);
        if let Some(time) = self.reported_at {
            out.time(8, time);
        }
        out.number(7, self.environment.number());
        out.some(6, self.supersedes.as_ref());
        out.number(5, self.action.number());
        out.number(4, self.revision);
        out.text(3, &self.report_id);
        out.text(2, &self.system);
        out.text(1, &self.nation);
    }
}

impl Put for record::Supersedes {
    fn put(&self, out: &mut Back) {
        out.number(2, self.revision);
        out.text(1, &self.report_id);
    }
}

impl Put for record::Marking {
    fn put(&self, out: &mut Back) {
        out.flag(7, self.mapping_verified);
        out.text(6, &self.originator_marking);
        out.texts(5, &self.special);
        out.texts(4, &self.group_codes);
        out.texts(3, &self.releasable_to);
        out.text(2, &self.policy);
        out.number(1, self.level.number());
    }
}

impl Put for record::Instant {
    fn put(&self, out: &mut Back) {
        out.flag(3, self.inferred);
        out.optional(2, self.precision_s);
        out.time(1, self.utc);
    }
}

impl Put for record::GeoPoint {
    fn put(&self, out: &mut Back) {
        out.text(10, &self.original_text);
        out.text(9, &self.source_crs);
        out.text(8, &self.transform_op);
        out.number(7, self.method.number());
        out.number(6, number!(self.vertical_datum));
        out.optional_fraction(5, self.height_m);
        out.number(4, number!(self.kind));
        out.optional_fraction(3, self.horizontal_uncertainty_m);
        out.fraction(2, self.longitude_deg);
        out.fraction(1, self.latitude_deg);
    }
}

impl Put for record::RelativePosition {
    fn put(&self, out: &mut Back) {
        out.fraction(5, self.sector_half_width_deg);
        out.fraction(4, self.azimuth_true_deg);
        out.fraction(3, self.distance_max_m);
        out.fraction(2, self.distance_min_m);
        out.text(1, &self.anchor);
    }
}

impl Put for record::Place {
    fn put(&self, out: &mut Back) {
        out.text(3, &self.control_status_as_reported);
        out.text(2, &self.gazetteer_id);
        out.text(1, &self.name_as_reported);
    }
}

impl Put for record::Count {
    fn put(&self, out: &mut Back) {
        out.number(3, self.qualifier.number());
        out.optional(2, self.max);
        out.optional(1, self.min);
    }
}

impl Put for record::Weapon {
    fn put(&self, out: &mut Back) {
        out.text(6, &self.original_text);
        out.flag(5, self.assessed);
        out.fractions(4, &self.calibre_mm);
        out.text(3, &self.model);
        out.text(2, &self.code_2525d);
        out.number(1, number!(self.class));
    }
}

impl Put for record::Observation {
    fn put(&self, out: &mut Back) {
        out.text(10, &self.original_text);
        out.number(9, number!(self.withdrawal_status));
        out.some(8, self.weapon.as_ref());
        out.optional_fraction(7, self.direction_half_width_deg);
        out.optional_fraction(6, self.direction_to_deg);
        out.optional_fraction(5, self.direction_from_deg);
        out.number(4, number!(self.phase));
        out.number(3, self.count_basis.number());
        out.some(2, self.count.as_ref());
        out.number(1, number!(self.kind));
    }
}

impl Put for record::Casualties {
    fn put(&self, out: &mut Back) {
        out.some(3, self.injured.as_ref());
        out.some(2, self.killed.as_ref());
        out.number(1, self.category.number());
    }
}

impl Put for record::Confidence {
    fn put(&self, out: &mut Back) {
        out.text(7, &self.original_term);
        out.text(6, &self.scale_id);
        out.optional(5, self.probability_hi_pct);
        out.optional(4, self.probability_lo_pct);
        out.optional(3, self.derived_pct);
        out.text(2, &self.credibility);
        out.text(1, &self.source_reliability);
    }
}

impl Put for record::Narrative {
    fn put(&self, out: &mut Back) {
        out.flag(4, self.is_machine_translation);
        out.flag(3, self.is_authoritative);
        out.text(2, &self.text);
        out.text(1, &self.lang);
    }
}

impl Put for record::Evidence {
    fn put(&self, out: &mut Back) {
        if let Some(time) = self.captured_at {
            out.time(4, time);
        }
        out.text(3, &self.uri);
        out.text(2, &self.media_type);
        out.bytes(1, &self.sha256);
    }
}

impl Put for record::TraceEntry {
    fn put(&self, out: &mut Back) {
        out.number(6, self.severity.number());
        out.text(5, &self.output);
        out.text(4, &self.input);
        out.number(3, self.rule_version);
        out.text(2, self.rule);
        out.text(1, &self.field);
    }
}

impl Put for record::Sighting {
    fn put(&self, out: &mut Back) {
        out.text(14, &self.coverage_note);
        out.message(13, &self.confidence);
        out.all(12, &self.casualties);
        out.all(11, &self.observations);
        out.some(10, self.place.as_ref());
        out.some(9, self.observer_position.as_ref());
        out.some(8, self.relative_location.as_ref());
        out.text(7, &self.location_unknown_reason);
        out.some(6, self.location.as_ref());
        out.codes(5, self.means.iter().map(|means| means.number()));
        out.some(4, self.observed_until.as_ref());
        out.message(3, &self.observed_from);
        out.number(2, self.verification_status.number());
        out.number(1, self.origin.number());
    }
}

impl Put for record::Personnel {
    fn put(&self, out: &mut Back) {
        out.optional(7, self.undisclosed);
        out.optional(6, self.male);
        out.optional(5, self.female);
        out.optional(4, self.effective);
        out.optional(3, self.deployed);
        out.optional(2, self.authorised);
        out.number(1, self.category.number());
    }
}

impl Put for record::Equipment {
    fn put(&self, out: &mut Back) {
        out.optional(6, self.quantity_nmc);
        out.optional(5, self.quantity_pmc);
        out.optional(4, self.quantity_fmc);
        out.optional(3, self.quantity_on_hand);
        out.optional(2, self.quantity_authorised);
        out.message(1, &self.equipment);
    }
}

impl Put for record::Sensor {
    fn put(&self, out: &mut Back) {
        out.optional_fraction(4, self.availability_pct);
        out.optional_fraction(3, self.range_m);
        out.text(2, &self.uas_class);
        out.text(1, &self.kind);
    }
}

impl Put for record::Sustainment {
    fn put(&self, out: &mut Back) {
        out.optional_fraction(4, self.medical_days);
        out.optional_fraction(3, self.rations_days);
        out.optional_fraction(2, self.water_days);
        out.optional_fraction(1, self.fuel_days);
    }
}

impl Put for record::Caveat {
    fn put(&self, out: &mut Back) {
        out.text(2, &self.text);
        out.number(1, number!(self.code));
    }
}

impl Put for record::Contribution {
    fn put(&self, out: &mut Back) {
        out.text(23, &self.point_of_contact_role);
        out.day(22, self.rotation_date);
        out.day(21, self.valid_until);
        out.day(20, Some(self.valid_from));
        out.all(19, &self.caveats);
        out.some(18, self.sustainment.as_ref());
        out.text(17, &self.area_of_responsibility_geojson);
        out.some(16, self.location.as_ref());
        out.optional(15, self.notice_to_move_h);
        out.number(14, self.operational_status.number());
        out.all(13, &self.sensors);
        out.all(12, &self.equipment);
        out.all(11, &self.personnel);
        out.text(10, &self.unit_symbol);
        out.text(9, &self.unit_size);
        out.text(8, &self.unit_name);
        out.number(7, self.stage.number());
        out.number(6, self.kind.number());
        out.text(5, &self.parent_contribution_id);
        out.text(4, &self.contribution_id);
        out.day(3, self.period_end);
        out.day(2, self.period_start);
        out.message(1, &self.as_of);
    }
}
