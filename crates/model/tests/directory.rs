//! What of a directory's names may be told.

use groma_model::directory::without_persons;

/// Units, organisations and places are no persons; whoever stands below them may be one.
#[test]
fn a_name_is_told_from_its_last_unit_on() {
    let told = [
        ("ou=people,dc=example,dc=org", "ou=people,dc=example,dc=org"),
        ("uid=alice, ou=people, o=Example", "…,ou=people,o=Example"),
        ("cn=alice,l=Basel,st=BS,c=CH", "…,l=Basel,st=BS,c=CH"),
        ("OU=Staff,O=Example", "OU=Staff,O=Example"),
        ("ou=a+cn=alice,dc=org", "…,dc=org"),
        (r"cn=Smith\, ou=alice,dc=org", "…,dc=org"),
    ];
    for (base, expected) in told {
        assert_eq!(without_persons(base), expected, "{base}");
    }
}

/// The older forms quote and part at semicolons: a person may stand where a unit seems to.
#[test]
fn what_is_written_in_an_older_form_is_left_out_whole() {
    for base in [
        r#"ou="people,cn=alice",dc=org"#,
        "ou=people;cn=alice,dc=org",
        "<GUID=0123>",
    ] {
        assert_eq!(without_persons(base), "…", "{base}");
    }
}
