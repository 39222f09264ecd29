use super::*;

fn read(text: &str, decimal_comma: bool) -> Option<(Option<u32>, Option<u32>, &'static str)> {
    in_words(text, decimal_comma).map(|c| (c.min, c.max, c.qualifier.name()))
}

#[test]
fn reads_counts_in_words() {
    for (text, min, max, qualifier) in [
        ("9", Some(9), Some(9), "EXACT"),
        ("about 640", Some(640), Some(640), "ABOUT"),
        ("8–10", Some(8), Some(10), "EXACT"),
        ("8 to 10", Some(8), Some(10), "EXACT"),
        ("about 50-100", Some(50), Some(100), "ABOUT"),
        ("at least 14", Some(14), None, "AT_LEAST"),
        ("fewer than 30", None, Some(29), "AT_MOST"),
        ("over 20", Some(21), None, "AT_LEAST"),
        ("up to 7", None, Some(7), "AT_MOST"),
        ("environ 5", Some(5), Some(5), "ABOUT"),
        ("3 од.", Some(3), Some(3), "EXACT"),
        ("не менее 12", Some(12), None, "AT_LEAST"),
        ("понад 20", Some(21), None, "AT_LEAST"),
        ("co najmniej 4", Some(4), None, "AT_LEAST"),
        ("etwa 15 Stück", Some(15), Some(15), "ABOUT"),
        ("1 100", Some(1_100), Some(1_100), "EXACT"),
        ("1\u{a0}100", Some(1_100), Some(1_100), "EXACT"),
        ("1,021", Some(1_021), Some(1_021), "EXACT"),
        ("seven", Some(7), Some(7), "EXACT"),
        ("numerous", None, None, "UNQUANTIFIED"),
        ("кілька", None, None, "UNQUANTIFIED"),
    ] {
        assert_eq!(read(text, false), Some((min, max, qualifier)), "{text}");
    }
    assert_eq!(
        read("1.021", true),
        Some((Some(1_021), Some(1_021), "EXACT"))
    );
}

#[test]
fn refuses_what_is_no_count() {
    for text in [
        "",
        "lots",
        "5 km",
        "-3",
        "2.5",
        "1,5",
        "5 or 6",
        "fewer than 0",
        "at least 3-5",
        "1e3",
        "NaN",
        "99999999999999999999",
        "10-",
    ] {
        assert_eq!(read(text, false), None, "{text}");
    }
}

#[test]
fn typed_counts_agree_with_their_qualifier() {
    let judge = |min, max, qualifier| {
        let mut notes = Notes::new();
        let given = report::Count {
            text: String::new(),
            min,
            max,
            qualifier,
        };
        let read = count(&given, &Profile::default(), "count", &mut notes);
        (
            read.map(|c| (c.min, c.max, c.qualifier.name())),
            notes.violation_count(),
        )
    };
    assert_eq!(
        judge(Some(4), None, 0),
        (Some((Some(4), Some(4), "EXACT")), 0)
    );
    assert_eq!(
        judge(None, Some(4), 0),
        (Some((None, Some(4), "AT_MOST")), 0)
    );
    assert_eq!(judge(None, None, 0), (None, 0));
    assert_eq!(judge(Some(5), Some(4), 1), (None, 1));
    assert_eq!(judge(Some(5), Some(6), 3), (None, 1));
    assert_eq!(judge(None, None, 9), (None, 1));
    assert_eq!(judge(Some(u32::MAX), None, 0), (None, 1));
}

#[test]
fn reads_calibres_and_never_snaps() {
    let read = |text: &str| {
        let mut notes = Notes::new();
        let found = calibres(text, "weapon", &mut notes);
        (found, notes.finish().expect("no violation"))
    };
    for (text, expected) in [
        ("MLRS (BM-21 Grad, 122mm)", vec![122.0]),
        ("152 мм", vec![152.0]),
        ("7,62 мм", vec![7.62]),
        ("82-міліметрові мінометні міни", vec![82.0]),
        ("either 7.62mm or 5.45mm", vec![7.62, 5.45]),
        ("D-30, 2A65", vec![]),
        ("obusier 155 millimètres", vec![155.0]),
        ("10 cm", vec![100.0]),
        ("155mm", vec![155.0]),
    ] {
        let (found, trace) = read(text);
        assert_eq!(found, expected, "{text}");
        assert!(trace.is_empty(), "{text}");
    }
    let (found, trace) = read("BM-21 Grad, 122m");
    assert!(found.is_empty());
    assert_eq!(
        trace.first().map(|t| t.rule),
        Some("quantity.calibre_unit_suspect")
    );
    let (found, trace) = read("123mm");
    assert_eq!(found, [123.0]);
    assert_eq!(
        trace.first().map(|t| t.rule),
        Some("quantity.calibre_unknown")
    );
}
