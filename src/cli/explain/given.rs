//! What a nation gave and what stands in the record, each on a few words. Judges nothing.

use crate::record::{
    self, AngleUnit, AxisOrder, Coded, CountQualifier, GeoPoint, NorthReference, UncertaintyKind,
};
use crate::report;

/// Parts that are there, with blanks between.
pub(super) fn joined<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut out = String::new();
    for part in parts {
        let part = part.as_ref().trim();
        if !part.is_empty() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(part);
        }
    }
    out
}

pub(super) fn code<T: Coded>(number: i32) -> String {
    match (number, T::of_number(number)) {
        (0, _) => String::new(),
        (_, Some(value)) => value.code_name().to_owned(),
        (unknown, None) => format!("code {unknown}"),
    }
}

pub(super) fn term<T: Coded>(term: Option<&report::Term>) -> String {
    term.map_or_else(String::new, |term| {
        joined([term.text.clone(), code::<T>(term.code)])
    })
}

pub(super) fn name<T: Coded>(value: Option<T>) -> String {
    value
        .map_or("kept as text", |value| value.code_name())
        .to_owned()
}

pub(super) fn time(time: Option<&report::Time>) -> String {
    let Some(time) = time else {
        return String::new();
    };
    let utc = time.utc.and_then(report::WireTime::timestamp);
    let utc = utc.map_or_else(String::new, |utc| utc.to_string());
    joined([&time.text, &time.zone, &utc])
}

pub(super) fn instant(instant: record::Instant) -> String {
    let precision = instant
        .precision_s
        .map_or_else(String::new, |s| format!("±{s} s"));
    let inferred = if instant.inferred { "inferred" } else { "" };
    joined([instant.utc.to_string().as_str(), &precision, inferred])
}

pub(super) fn location(at: Option<&report::Location>) -> String {
    let Some(at) = at else {
        return String::new();
    };
    let point = at.wgs84.map_or_else(String::new, |point| {
        format!("{} {}", point.latitude_deg, point.longitude_deg)
    });
    let from = at.relative.as_ref().map_or_else(String::new, |from| {
        format!("{} {} of {}", from.distance, from.direction, from.anchor)
    });
    let sure = at.horizontal_uncertainty_m;
    let sure = sure.map_or_else(String::new, |m| format!("±{m} m"));
    let order = code::<AxisOrder>(at.axis_order);
    let height = at
        .height_m
        .map_or_else(String::new, |m| format!("height {m} m"));
    joined([
        &at.text,
        &at.reference_system,
        &order,
        &point,
        &from,
        &sure,
        &height,
    ])
}

pub(super) fn point(at: &GeoPoint) -> String {
    let sure = match (at.horizontal_uncertainty_m, at.kind) {
        (Some(m), Some(UncertaintyKind::CellBound)) => format!("within {m} m"),
        (Some(m), _) => format!("±{m} m"),
        (None, _) => "uncertainty unknown".to_owned(),
    };
    let height = match (at.height_m, at.vertical_datum) {
        (Some(m), Some(datum)) => format!("height {m} m {}", datum.name()),
        _ => String::new(),
    };
    let degrees = format!("{:.6} {:.6}", at.latitude_deg, at.longitude_deg);
    joined([&degrees, &sure, &height])
}

pub(super) fn count_given(count: Option<&report::Count>) -> String {
    let Some(count) = count else {
        return String::new();
    };
    let ends = ends(count.min, count.max);
    joined([&count.text, &ends, &code::<CountQualifier>(count.qualifier)])
}

pub(super) fn count(count: Option<record::Count>) -> String {
    let Some(count) = count else {
        return String::new();
    };
    joined([ends(count.min, count.max).as_str(), count.qualifier.name()])
}

fn ends(min: Option<u32>, max: Option<u32>) -> String {
    match (min, max) {
        (Some(min), Some(max)) if min == max => min.to_string(),
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("up to {max}"),
        (None, None) => String::new(),
    }
}

pub(super) fn bearing(bearing: Option<&report::Bearing>) -> String {
    let Some(bearing) = bearing else {
        return String::new();
    };
    let value = bearing
        .value
        .map_or_else(String::new, |value| value.to_string());
    let unit = code::<AngleUnit>(bearing.unit);
    joined([
        &bearing.text,
        &value,
        &unit,
        &code::<NorthReference>(bearing.north),
    ])
}

pub(super) fn direction(degrees: Option<f64>, half_width: Option<f64>) -> String {
    let Some(degrees) = degrees else {
        return String::new();
    };
    let width = half_width.map_or_else(String::new, |width| format!(" ±{width}°"));
    format!("{degrees}° true{width}")
}

pub(super) fn weapon_given(weapon: Option<&report::Weapon>) -> String {
    let Some(weapon) = weapon else {
        return String::new();
    };
    let code = code::<record::WeaponClass>(weapon.code);
    joined([
        &weapon.text,
        &code,
        &weapon.model,
        &calibres(&weapon.calibre_mm),
    ])
}

pub(super) fn weapon(weapon: Option<&record::Weapon>) -> String {
    let Some(weapon) = weapon else {
        return String::new();
    };
    let assessed = if weapon.assessed { "assessed" } else { "" };
    joined([
        name(weapon.class).as_str(),
        &weapon.code_2525d,
        &weapon.model,
        &calibres(&weapon.calibre_mm),
        assessed,
    ])
}

fn calibres(millimetres: &[f64]) -> String {
    let list: Vec<_> = millimetres.iter().map(|mm| format!("{mm} mm")).collect();
    list.join(" or ")
}

pub(super) fn number(number: Option<u32>, what: &str) -> String {
    number.map_or_else(String::new, |number| format!("{number} {what}"))
}
