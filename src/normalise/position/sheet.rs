//! Sheets of the Soviet map series as anchors of map squares: where their middle lies, and how far
//! they reach from it, in kilometres of the 6-degree grid.

use super::datum::{self, Datum};
use super::plane::Plane;
use super::square::Anchor;

/// A sheet of the Soviet map series: `M-37-136` (1:100 000) or `M-37-XXIV` (1:200 000); letters of
/// its quarters may follow and say nothing that is needed here.
pub(super) fn anchor(text: &str, datum: Datum) -> Option<Anchor> {
    let mut parts = text.split(['-', '\u{2010}', '\u{2011}', '\u{2013}', ' ']);
    let south_deg = match parts.next()? {
        "K" | "k" | "К" | "к" => 40.0,
        "L" | "l" | "Л" | "л" => 44.0,
        "M" | "m" | "М" | "м" => 48.0,
        "N" | "n" => 52.0,
        _ => return None,
    };
    let column: u8 = parts.next()?.parse().ok()?;
    let zone = column.checked_sub(30)?;
    let plane = Plane::of_zone(datum, zone)?;
    let number = parts.next()?;
    // Sheets to a side, and the sheet's number from the north-west, row by row.
    let (side, number) = match number.parse::<u8>() {
        Ok(number @ 1..=144) => (12_u8, number),
        Ok(_) => return None,
        Err(_) => (6, roman(number)?),
    };
    let quarters = parts.all(|part| part.chars().count() == 1);
    if !quarters {
        return None;
    }
    let (row, column) = ((number - 1) / side, (number - 1) % side);
    let (height_deg, width_deg) = (4.0 / f64::from(side), 6.0 / f64::from(side));
    let middle_lat = south_deg + 4.0 - (f64::from(row) + 0.5) * height_deg;
    let west_deg = plane.meridian_deg() - 3.0;
    let middle_lon = west_deg + (f64::from(column) + 0.5) * width_deg;
    let grid = |lat, lon| datum::gauss_krueger_from_wgs84(datum, plane.meridian_min, lat, lon);
    let (middle_x, middle_off) = grid(middle_lat, middle_lon)?;
    let (mut x_reach, mut y_reach) = (0.0_f64, 0.0_f64);
    for (up, right) in [(0.5, 0.5), (0.5, -0.5), (-0.5, 0.5), (-0.5, -0.5)] {
        let (x, off) = grid(middle_lat + up * height_deg, middle_lon + right * width_deg)?;
        x_reach = x_reach.max((x - middle_x).abs());
        y_reach = y_reach.max((off - middle_off).abs());
    }
    Some(Anchor::Near {
        x_km: kilometres(middle_x)?,
        y_km: kilometres(middle_off + f64::from(plane.false_easting_m))?,
        // The edge may cut a square.
        x_reach_km: kilometres(x_reach)? + 1,
        y_reach_km: kilometres(y_reach)? + 1,
    })
}

fn kilometres(metres: f64) -> Option<u16> {
    let kilometres = (metres / 1_000.0).floor();
    if !(0.0..=f64::from(u16::MAX)).contains(&kilometres) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and in range, as just checked"
    )]
    Some(kilometres as u16)
}

/// A number of the map series, I to XXXVI.
fn roman(text: &str) -> Option<u8> {
    const ONES: [&str; 10] = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
    const TENS: [&str; 4] = ["", "X", "XX", "XXX"];
    let plain: String = text
        .chars()
        .flat_map(char::to_uppercase)
        .map(|c| match c {
            'І' => 'I',
            'Х' => 'X',
            _ => c,
        })
        .take(8)
        .collect();
    (1..=36).find(|number| {
        let tens = TENS.get(usize::from(number / 10)).copied();
        let ones = ONES.get(usize::from(number % 10)).copied();
        tens.zip(ones)
            .and_then(|(tens, ones)| plain.strip_prefix(tens)?.strip_prefix(ones))
            == Some("")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_are_where_the_series_has_them() {
        // The sheet of 1:200 000 around Donetsk holds that of 1:100 000.
        assert!(anchor("M-37-XXXII", Datum::Sk42).is_some());
        for text in [
            "M-37",
            "M-37-0",
            "M-37-145",
            "M-37-XXXVII",
            "H-37-1",
            "M-30-1",
            "M-37-136-AB",
        ] {
            assert_eq!(anchor(text, Datum::Sk42), None, "{text}");
        }
        for (text, number) in [
            ("IV", Some(4)),
            ("XIX", Some(19)),
            ("ХХХІІ", Some(32)),
            ("XXXVI", Some(36)),
            ("XXXVII", None),
            ("IIX", None),
            ("", None),
        ] {
            assert_eq!(roman(text), number, "{text}");
        }
    }
}
