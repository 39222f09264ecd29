use super::*;
use crate::identity::Identity;

/// 9 January 2026, noon UTC.
fn received() -> Timestamp {
    "2026-01-09T12:00:00Z".parse().unwrap()
}

fn read_at(text: &str, zone: &str, at: Timestamp) -> Result<(String, bool), String> {
    let context = Context {
        identity: &Identity::parse("GBR/test").unwrap(),
        profile: &Profile::default(),
        received_at: at,
        original_sha256: [0; 32],
        original_media_type: Text::Borrowed("text/plain"),
    };
    let mut notes = Notes::new();
    let time = report::Time {
        text: text.to_owned(),
        utc: None,
        zone: zone.to_owned(),
    };
    let instant = instant(Some(&time), &context, "observed_from", &mut notes);
    match notes.finish() {
        Ok(_) => Ok(instant.map(|i| (i.utc.to_string(), i.inferred)).unwrap()),
        Err(violations) => Err(violations.list.first().map_or("", |v| v.rule).to_owned()),
    }
}

fn read(text: &str, zone: &str) -> Result<String, String> {
    // Late enough for every oracle.
    read_at(text, zone, "2027-01-01T00:00:00Z".parse().unwrap()).map(|(utc, _)| utc)
}

#[test]
fn wall_times_follow_their_zone() {
    for (wall, zone, utc) in [
        ("2026-01-06 20:30", "Europe/Kyiv", "2026-01-06T18:30:00Z"),
        ("2026-01-06 20:30", "Europe/Moscow", "2026-01-06T17:30:00Z"),
        ("2026-01-06 20:30", "Europe/Paris", "2026-01-06T19:30:00Z"),
        ("2026-01-06 20:30", "Europe/Warsaw", "2026-01-06T19:30:00Z"),
        ("2026-01-06 20:30", "Europe/London", "2026-01-06T20:30:00Z"),
        ("2026-07-06 20:30", "Europe/Kyiv", "2026-07-06T17:30:00Z"),
        ("2026-07-06 20:30", "Europe/Moscow", "2026-07-06T17:30:00Z"),
        ("2026-03-29 02:59", "Europe/Kyiv", "2026-03-29T00:59:00Z"),
        ("2026-03-29 02:59", "Europe/Moscow", "2026-03-28T23:59:00Z"),
    ] {
        assert_eq!(read(wall, zone), Ok(utc.to_owned()), "{wall} {zone}");
    }
    for (wall, zone, rule) in [
        ("2026-03-29 03:30", "Europe/Kyiv", "time.wall_gap"),
        ("2026-03-29 02:59", "Europe/Paris", "time.wall_gap"),
        ("2026-03-29 02:59", "Europe/Warsaw", "time.wall_gap"),
        ("2026-10-25 03:30", "Europe/Kyiv", "time.wall_ambiguous"),
        ("2026-01-06 20:30", "", "time.zone_missing"),
        ("2026-01-06 20:30", "Atlantis", "time.zone_unknown"),
    ] {
        assert_eq!(read(wall, zone), Err(rule.to_owned()), "{wall} {zone}");
    }
}

#[test]
fn an_ambiguous_wall_time_tells_both_offsets() {
    let written = wall::parse("2026-10-25 03:30", Months::of(&Profile::default())).unwrap();
    let fault = written
        .at(&TimeZone::get("Europe/Kyiv").unwrap(), "2026-10-25 03:30")
        .unwrap_err_or_panic();
    assert!(
        fault.message.contains("+03") && fault.message.contains("+02"),
        "{}",
        fault.message
    );
}

trait UnwrapErrOrPanic<E> {
    fn unwrap_err_or_panic(self) -> E;
}

impl<T, E> UnwrapErrOrPanic<E> for Result<T, E> {
    fn unwrap_err_or_panic(self) -> E {
        self.err().expect("a fault")
    }
}

#[test]
fn date_time_groups_follow_their_letters() {
    for (text, utc) in [
        ("061830ZJAN26", "2026-01-06T18:30:00Z"),
        ("061830Z JAN 26", "2026-01-06T18:30:00Z"),
        ("06 1830Z JAN 2026", "2026-01-06T18:30:00Z"),
        ("061830zjan26", "2026-01-06T18:30:00Z"),
        ("06183015ZJAN26", "2026-01-06T18:30:15Z"),
        ("062030BJAN26", "2026-01-06T18:30:00Z"),
        ("062130CJUL26", "2026-07-06T18:30:00Z"),
        ("062130A JAN 26", "2026-01-06T20:30:00Z"),
        ("311930YDEC25", "2026-01-01T07:30:00Z"),
        ("010530MJAN26", "2025-12-31T17:30:00Z"),
        ("062400ZJAN26", "2026-01-07T00:00:00Z"),
    ] {
        assert_eq!(read(text, ""), Ok(utc.to_owned()), "{text}");
    }
    for (text, rule) in [
        ("061830JJAN26", "time.zone_missing"),
        ("06183060ZJAN26", "time.impossible"),
        ("062401ZJAN26", "time.impossible"),
        ("061860ZJAN26", "time.impossible"),
        ("300000ZFEB26", "time.impossible"),
        ("061830ZXYZ26", "time.unreadable"),
        ("061830ZJAN226", "time.unreadable"),
        ("061830Z26", "time.unreadable"),
        ("061830JAN26", "time.unreadable"),
    ] {
        assert_eq!(read(text, ""), Err(rule.to_owned()), "{text}");
    }
    assert_eq!(
        read("062030JJAN26", "Europe/Kyiv"),
        Ok("2026-01-06T18:30:00Z".to_owned())
    );
}

#[test]
fn what_is_missing_of_a_date_is_inferred_within_limits() {
    let at = |text: &str| read_at(text, "Europe/Kyiv", received());
    assert_eq!(at("061830Z"), Ok(("2026-01-06T18:30:00Z".to_owned(), true)));
    assert_eq!(at("261830Z"), Ok(("2025-12-26T18:30:00Z".to_owned(), true)));
    assert_eq!(at("091204Z"), Ok(("2026-01-09T12:04:00Z".to_owned(), true)));
    assert_eq!(at("091206Z"), Err("time.inferred".to_owned()));
    assert_eq!(at("201830Z"), Err("time.inferred".to_owned()));
    assert_eq!(
        at("061830ZJAN"),
        Ok(("2026-01-06T18:30:00Z".to_owned(), true))
    );
    assert_eq!(
        at("301830ZDEC"),
        Ok(("2025-12-30T18:30:00Z".to_owned(), true))
    );
    assert_eq!(
        at("6-Jan, 20:41"),
        Ok(("2026-01-06T18:41:00Z".to_owned(), true))
    );
    assert_eq!(at("3-Sep, 20:41"), Err("time.inferred".to_owned()));
}

#[test]
fn reads_written_times() {
    for (text, utc) in [
        ("2026-01-06T18:30:00Z", "2026-01-06T18:30:00Z"),
        ("2026-01-06t18:30:00z", "2026-01-06T18:30:00Z"),
        ("2026-01-06T20:30:00.25+02:00", "2026-01-06T18:30:00.25Z"),
        ("2026-01-06 13:30-0500", "2026-01-06T18:30:00Z"),
        ("06.01.2026 20:30", "2026-01-06T18:30:00Z"),
        ("6.1.26 20:30", "2026-01-06T18:30:00Z"),
        ("06.01.2026, 20:30:15", "2026-01-06T18:30:15Z"),
        ("06-Jan-2026, 20:41", "2026-01-06T18:41:00Z"),
        ("6 January 2026 20:41", "2026-01-06T18:41:00Z"),
        ("06.01.2026 18:30 UTC", "2026-01-06T18:30:00Z"),
        ("06.01.2026 о 20:30", "2026-01-06T18:30:00Z"),
        ("6 Jan 2026 20h30", "2026-01-06T18:30:00Z"),
        ("06.01.2026 24:00", "2026-01-06T22:00:00Z"),
        ("06.01.2026, 20:41 Uhr", "2026-01-06T18:41:00Z"),
        ("6.1.2026 9:05", "2026-01-06T07:05:00Z"),
        ("06.01.2026 20.30", "2026-01-06T18:30:00Z"),
        ("06 Jan 2026 2030", "2026-01-06T18:30:00Z"),
        ("06 Jan 2026 2030hrs", "2026-01-06T18:30:00Z"),
        ("6 Jan 2026 20 h 30", "2026-01-06T18:30:00Z"),
        ("January 6, 2026 8:30 PM", "2026-01-06T18:30:00Z"),
        ("Jan 6th, 2026, 12:30 am", "2026-01-05T22:30:00Z"),
        ("06.01.2026 р. о 20:30", "2026-01-06T18:30:00Z"),
        ("06.01.2026 20:30 год.", "2026-01-06T18:30:00Z"),
    ] {
        assert_eq!(read(text, "Europe/Kyiv"), Ok(utc.to_owned()), "{text}");
    }
    for text in [
        "",
        " ",
        "now",
        "06/01/2026 20:30",
        "2026-01-06",
        "20:30",
        "2026-13-06 20:30",
        "2026-01-06T18:30:60Z",
        "2026-01-06T25:30:00Z",
        "2026-01-06T18:30:00+99:00",
        "2026-01-06 20:30 XYZ",
        "2026-01-06 13:30 pm",
        "2026-01-06 0:30 am",
        "2026-01-06 203",
        "99999999999999999999",
        "061830Z\u{0}",
    ] {
        assert!(
            read(text, "Europe/Kyiv").is_err(),
            "{text:?} {:?}",
            read(text, "Europe/Kyiv")
        );
    }
}

#[test]
fn refuses_the_future_and_the_far_past() {
    let at = |text: &str| read_at(text, "", received()).map(|_| ());
    assert_eq!(at("2026-01-09T12:05:00Z"), Ok(()));
    assert_eq!(at("2026-01-09T12:05:01Z"), Err("time.future".to_owned()));
    assert_eq!(at("061830ZJAN27"), Err("time.future".to_owned()));
    assert_eq!(at("2001-01-06T18:30:00Z"), Err("time.past".to_owned()));
}

#[test]
fn reads_days() {
    let day = |text: &str| {
        let mut notes = Notes::new();
        let day = date(text, &Profile::default(), "valid_from", &mut notes);
        (day.map(|d| d.to_string()), notes.violation_count())
    };
    let good = (Some("2026-01-06".to_owned()), 0);
    for text in [
        "2026-01-06",
        "06.01.2026",
        "06-Jan-2026",
        "6 Jan 2026",
        "06JAN26",
    ] {
        assert_eq!(day(text), good, "{text}");
    }
    assert_eq!(day(""), (None, 0));
    for text in [
        "2026-02-30",
        "06/01/2026",
        "6 Jan",
        "3026-01-06",
        "tomorrow",
        "2026-01-06 x",
    ] {
        assert_eq!(day(text), (None, 1), "{text}");
    }
}

#[test]
fn a_date_with_slashes_needs_a_nation_that_says_what_comes_first() {
    let rules = crate::normalise::Rules::default();
    let notation = crate::normalise::Notation {
        slashed_day_first: true,
        ..Default::default()
    };
    let nation = crate::identity::NationCode::parse("FRA").unwrap();
    let french = Profile::compile(nation, &notation, &rules).unwrap();
    let read = |profile| wall::parse_date("15/01/2026", Months::of(profile));
    assert_eq!(read(&french), Ok(jiff::civil::date(2026, 1, 15)));
    assert!(read(&Profile::default()).is_err());
}

/// A profile that writes in these languages, with these months of its own.
fn writing(nation: &str, languages: &[&str], months: &[(&str, u8)]) -> Profile {
    let notation = crate::normalise::Notation {
        languages: languages.iter().map(|&l| l.to_owned()).collect(),
        months: months
            .iter()
            .map(|&(name, number)| (name.to_owned(), number))
            .collect(),
        ..Default::default()
    };
    let nation = crate::identity::NationCode::parse(nation).unwrap();
    Profile::compile(nation, &notation, &crate::normalise::Rules::default()).unwrap()
}

#[test]
fn the_names_of_months_are_the_nations() {
    const CROATIAN: &[(&str, u8)] = &[("lip", 6), ("lipanj", 6), ("lis", 10), ("listopad", 10)];
    const CZECH: &[(&str, u8)] = &[("listopad", 11), ("listopadu", 11), ("lis", 11)];
    for (profile, rows) in [
        (
            writing("POL", &["pl"], &[]),
            vec![
                ("061830Z LIP 26", 7),
                ("061830ZLIS26", 11),
                ("6 stycznia 2026 r. godz. 20:30", 1),
                ("6 października 2026 20:30", 10),
            ],
        ),
        (
            writing("HRV", &["en"], CROATIAN),
            vec![
                ("061830Z LIP 26", 6),
                ("061830ZLIS26", 10),
                ("6. listopad 2026 20:30", 10),
            ],
        ),
        (
            writing("CZE", &["en"], CZECH),
            vec![("061830ZLIS26", 11), ("6. listopadu 2026 20:30", 11)],
        ),
        (
            writing("UKR", &["uk", "ru"], &[]),
            vec![
                ("061830Z ЛИП 26", 7),
                ("061830Zлис26", 11),
                ("6 січня 2026 року о 20:30", 1),
                ("6 серпня 2026 р. о 20:30", 8),
                ("6 ноября 2026 г. в 20:30", 11),
            ],
        ),
        (
            writing("FRA", &["fr"], &[]),
            vec![
                ("061830ZJUIN26", 6),
                ("061830Z JUIL 26", 7),
                ("1er août 2026 à 20h30", 8),
                ("6 déc. 2026 20:30", 12),
            ],
        ),
        (
            writing("DEU", &["de"], &[]),
            vec![
                ("061830ZMRZ26", 3),
                ("061830ZMAI26", 5),
                ("061830ZOKT26", 10),
                ("061830ZDEZ26", 12),
                ("6. März 2026, 20:41 Uhr", 3),
            ],
        ),
    ] {
        for (text, month) in rows {
            let months = Months::of(&profile);
            let written = if dtg::looks_like(text) {
                dtg::parse(text, months)
            } else {
                wall::parse(text, months)
            };
            let written = written.unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(written.month, Some(month), "{text}");
            assert_eq!(written.year, Some(2026), "{text}");
        }
    }
    // Of another nation's months nothing is known.
    let english = writing("GBR", &["en"], &[]);
    assert!(dtg::parse("061830ZLIS26", Months::of(&english)).is_err());
}

#[test]
fn zones_that_prose_names_are_wall_clocks() {
    for (text, zone, utc) in [
        ("06-Jan-2026, 20:41 EET", "", "2026-01-06T18:41:00Z"),
        // OSCE writes EET all the year round and means the clock in Kyiv.
        ("06-Jul-2026, 20:41 EET", "", "2026-07-06T17:41:00Z"),
        (
            "2026-07-06 20:30 (Eastern European Time)",
            "",
            "2026-07-06T17:30:00Z",
        ),
        ("2026-07-06 20:30", "EET", "2026-07-06T17:30:00Z"),
        (
            "2026-01-06 20:30",
            "Eastern European Time",
            "2026-01-06T18:30:00Z",
        ),
        (
            "06.01.2026 20:30 за київським часом",
            "Europe/Kyiv",
            "2026-01-06T18:30:00Z",
        ),
        ("06.07.2026 20:30 МСК", "", "2026-07-06T17:30:00Z"),
        ("06.01.2026 20:30 CET", "", "2026-01-06T19:30:00Z"),
        ("06.07.2026 20:30 CEST", "", "2026-07-06T18:30:00Z"),
        // The offset that tells the two apart.
        ("2026-10-25 03:30 EEST", "", "2026-10-25T00:30:00Z"),
        (
            "2026-10-25 03:30+03:00",
            "Europe/Kyiv",
            "2026-10-25T00:30:00Z",
        ),
        (
            "2026-10-25 03:30 +02:00",
            "Europe/Kyiv",
            "2026-10-25T01:30:00Z",
        ),
    ] {
        assert_eq!(read(text, zone), Ok(utc.to_owned()), "{text} {zone}");
    }
    for (text, zone, rule) in [
        ("2026-10-25 03:30 EET", "", "time.wall_ambiguous"),
        ("2026-03-29 03:30 EET", "", "time.wall_gap"),
        ("2026-03-29 03:30 EEST", "", "time.wall_gap"),
        ("2026-10-25 03:30 +02:5", "", "time.unreadable"),
        ("2026-10-25 03:30 +02:60", "", "time.unreadable"),
        ("06.07.2026 20:30 CET", "", "time.zone_abbreviation"),
        ("06.01.2026 20:30 EEST", "", "time.zone_abbreviation"),
        (
            "06.01.2026 20:30 EET",
            "Europe/Moscow",
            "time.zone_conflict",
        ),
    ] {
        assert_eq!(read(text, zone), Err(rule.to_owned()), "{text} {zone}");
    }
}

/// Every letter of domain.md 3.1: A to M without J east, N to Y west, Z nought.
#[test]
fn every_letter_is_its_fixed_offset() {
    let mut hours = 0;
    for letter in "ABCDEFGHIKLM".chars() {
        hours += 1;
        let expected = format!("2026-07-06T{:02}:00:00Z", 18 - hours);
        let text = format!("061800{letter}JUL26");
        assert_eq!(read(&text, ""), Ok(expected), "{text}");
    }
    hours = 0;
    for letter in "NOPQRSTUVWXY".chars() {
        hours += 1;
        let text = format!("060600{letter}JUL26");
        let expected = format!("2026-07-06T{:02}:00:00Z", 6 + hours);
        assert_eq!(read(&text, ""), Ok(expected), "{text}");
    }
    assert_eq!(
        read("060600ZJUL26", ""),
        Ok("2026-07-06T06:00:00Z".to_owned())
    );
}
