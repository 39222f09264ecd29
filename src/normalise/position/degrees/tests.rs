use super::*;

fn plain(text: &str) -> Result<Written, Fault> {
    parse(text, Notation::default())
}

fn near(got: Result<Written, Fault>, lat: f64, lon: f64, text: &str) {
    let Written {
        lat_deg: a,
        lon_deg: b,
        ..
    } = got.unwrap_or_else(|fault| panic!("{text}: {}", fault.message));
    assert!(
        (a - lat).abs() < 1e-9 && (b - lon).abs() < 1e-9,
        "{text}: {a} {b}"
    );
}

#[test]
fn reads_all_the_ways_to_write_donetsk() {
    for text in [
        "48.0159 37.8029",
        "48.0159, 37.8029",
        "48.0159,37.8029",
        "48.0159; 37.8029",
        "48.0159/37.8029",
        "48.0159N 37.8029E",
        "48.0159 N, 37.8029 E",
        "N48.0159 E37.8029",
        "N 48.0159, E 37.8029",
        "37.8029E 48.0159N",
        "48.0159n,37.8029e",
        "+48.0159 +37.8029",
        "48°00'57.24\"N 37°48'10.44\"E",
        "48°00′57.24″ 37°48′10.44″",
        "48° 00' 57.24'' N, 37° 48' 10.44'' E",
        "N48°00'57.24\" E037°48'10.44\"",
        "48 00 57.24 N 37 48 10.44 E",
        "48 00 57.24 37 48 10.44",
        "48-00-57.24N 037-48-10.44E",
        "48:00:57.24 37:48:10.44",
        "48:00:57.24N, 37:48:10.44E",
        "48°00.954'N 37°48.174'E",
        "48 00.954 37 48.174",
        "48d00.954 37d48.174",
        "480057.24N0374810.44E",
        "480057.24N 0374810.44E",
        "4800.954N 03748.174E",
        "48.0159 пн.ш. 37.8029 сх.д.",
        "48.0159° пн. ш., 37.8029° сх. д.",
        "48.0159° с.ш. 37.8029° в.д.",
        "48.0159° с. ш., 37.8029° в. д.",
        "szer. 48.0159 dł. 37.8029",
        "szer. geogr. 48.0159 płn., dł. geogr. 37.8029 wsch.",
        "48.0159° szerokości geograficznej północnej, 37.8029° długości geograficznej wschodniej",
        "48.0159° північної широти, 37.8029° східної довготи",
        "48.0159° пн. широти 37.8029° сх. довготи",
        "48.0159° северной широты и 37.8029° восточной долготы",
        "48.0159 С 37.8029 В",
        "48.0159 Пн, 37.8029 Сх",
        "широта 48.0159, довгота 37.8029",
        "долгота 37.8029 широта 48.0159",
        "48.0159° de latitude nord et 37.8029° de longitude est",
        "latitude nord 48.0159, longitude est 37.8029",
        "48.0159° n. Br., 37.8029° ö. L.",
        "48.0159° nördlicher Breite und 37.8029° östlicher Länge",
        "Breite 48.0159 N; Länge 37.8029 Ost",
        "lat 48.0159 N lon 37.8029 E",
        "48.0159 NB 37.8029 OL",
        "48.0159 norte 37.8029 este",
        "480057.24С 0374810.44В",
        "N480057.24E0374810.44",
        "N4800.954E03748.174",
        "lat 48.0159 lon 37.8029",
        "lat: 48.0159, lon: 37.8029",
        "lon=37.8029 lat=48.0159",
        "lat: 48.0159 37.8029",
        "\u{a0}48.0159\u{a0}37.8029 ",
    ] {
        near(plain(text), 48.0159, 37.8029, text);
    }
    near(
        plain("480057N0374810E"),
        48.015_833_333_3,
        37.802_777_777_8,
        "packed",
    );
}

#[test]
fn a_comma_is_decimal_only_where_the_profile_says_so() {
    let french = Notation {
        decimal_comma: true,
        ..Notation::default()
    };
    for text in [
        "48,0159 37,8029",
        "48,0159, 37,8029",
        "48,0159; 37,8029",
        "48.0159,37.8029",
        "48°00'57,24\" N 37°48'10,44\" E",
    ] {
        near(parse(text, french), 48.0159, 37.8029, text);
    }
    assert!(plain("48,0159 37,8029").is_err());
    assert!(plain("48,0159, 37,8029").is_err());
    // Where a point is there, it is the decimal one, and the comma is none.
    near(parse("48,37.8029", french), 48.0, 37.8029, "whole degrees");
    // The comma stands between the angles, so 60 minutes are whole ones.
    assert!(parse("5d60, 10", french).is_err());
    // Not 48 degrees 1 minute.
    assert!(plain("48,01 37,50").is_err());
}

#[test]
fn the_letter_o_needs_a_profile() {
    let with = |letter_o| Notation {
        letter_o: Some(letter_o),
        ..Notation::default()
    };
    near(parse("48.0N 37.8O", with(LetterO::East)), 48.0, 37.8, "Ost");
    near(
        parse("48.0N 37.8O", with(LetterO::West)),
        48.0,
        -37.8,
        "Ouest",
    );
    assert_eq!(
        plain("48.0N 37.8O").unwrap_err().rule.id,
        "position.letter_o"
    );
}

#[test]
fn axis_order_decides_where_no_letter_does() {
    let east_first = Notation {
        order: Some(AxisOrder::EastNorth),
        ..Notation::default()
    };
    near(
        parse("37.8029 48.0159", east_first),
        48.0159,
        37.8029,
        "lon lat",
    );
    near(
        parse("48.0159N 37.8029E", east_first),
        48.0159,
        37.8029,
        "letters win",
    );
}

#[test]
fn follows_geographiclib_on_sixty() {
    for text in ["garbage", "5d. 0", "5d70.0 10", "5d60 10", "5 61 0 10 0 0"] {
        assert!(plain(text).is_err(), "{text}");
    }
    near(plain("5d59 10"), 5.0 + 59.0 / 60.0, 10.0, "5d59 10");
    near(plain("5d60. 10"), 6.0, 10.0, "5d60. 10");
    near(plain("5d60.0 10"), 6.0, 10.0, "5d60.0 10");
    near(
        plain("30d30'30\" 30.50833"),
        30.508_333_333_3,
        30.508_33,
        "30d30'30\"",
    );
}

#[test]
fn refuses_what_has_two_meanings() {
    for text in [
        "",
        " ",
        "48.0159",
        "48.0159N",
        "48.0159N 37.8029N",
        "-48.0159S 37.8029E",
        "48.0159 37.8029 12",
        "48.5 30 37 20",
        "91N 37E",
        "48N 181E",
        "480057 0374810",
        "48.0159NE 37.8",
        "48°00'57\"N",
        "48.0.159 37.8",
        "--48.0159 37.8029",
        "48 -30, 37.8029",
        "NaN NaN",
        "inf inf",
        "1e1 2e1",
        "٤٨ ٣٧",
    ] {
        assert!(plain(text).is_err(), "{text:?} {:?}", plain(text).ok());
    }
}

#[test]
fn the_last_written_digit_bounds_the_position() {
    // Half the diagonal at 48 degrees north, metres: a degree of latitude is 111.13 km long,
    // one of longitude 74.36 km.
    for (text, unit, bound_m) in [
        ("48 37", "whole degrees", Some(66_860.0)),
        ("48.0 37.8", "degrees with 1 decimal", Some(6_686.0)),
        ("48.00 37.80", "degrees with 2 decimals", Some(668.6)),
        ("48.0000N 37.8000E", "degrees with 4 decimals", Some(6.686)),
        // The noughts of one angle were dropped; the other tells.
        ("48.0 37.8029", "degrees with 4 decimals", Some(6.686)),
        ("48.00000 37.80000", "degrees with 5 decimals", None),
        ("48°00'N 37°48'E", "whole minutes", Some(1_114.3)),
        ("48 00.5 37 48.0", "minutes with 1 decimal", Some(111.4)),
        ("480000N0374800E", "whole seconds", Some(18.57)),
        ("4800N03748E", "whole minutes", Some(1_114.3)),
        (
            "48 00 00.0 N 37 48 00.0 E",
            "seconds with 1 decimal",
            Some(1.857),
        ),
        (
            "48 00 00.01 N 37 48 00.02 E",
            "seconds with 2 decimals",
            None,
        ),
    ] {
        let written = plain(text).unwrap_or_else(|fault| panic!("{text}: {}", fault.message));
        assert_eq!(written.unit(), unit, "{text}");
        match (written.bound_m(), bound_m) {
            (Some(a), Some(b)) => assert!((a - b).abs() < b * 1e-3, "{text}: {a}"),
            (a, b) => assert_eq!(a, b, "{text}"),
        }
    }
}
