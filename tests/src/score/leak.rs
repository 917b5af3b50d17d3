//! Secrets of the lab in what was printed: every one of them begins with the same four letters.

use std::collections::BTreeSet;

/// What base64 makes of their first letters.
const ENCODED: [&str; 2] = ["bGFiL", "TGFiL"];

/// The distinct canaries in `text`: `lab-NAME` or `Lab-NAME-2026` as a word of its own, also percent-encoded or in base64.
pub fn canaries(text: &str) -> BTreeSet<String> {
    let text = &text.replace("%2D", "-").replace("%2d", "-");
    let mut found = BTreeSet::new();
    for prefix in ENCODED {
        for (at, _) in text.match_indices(prefix) {
            let word = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
            let before = text[..at].chars().next_back();
            let secret: String = text[at..].chars().take_while(word).collect();
            if !before.is_some_and(|c| word(&c) && c != '=') && secret.len() > prefix.len() + 2 {
                found.insert(secret);
            }
        }
    }
    for prefix in ["lab-", "Lab-"] {
        for (at, _) in text.match_indices(prefix) {
            let before = text[..at].chars().next_back();
            let name: String = text[at + prefix.len()..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
                .collect();
            if !before.is_some_and(is_of_a_name) && !name.is_empty() {
                found.insert(format!("{prefix}{name}"));
            }
        }
    }
    found
}

/// True for what may stand inside a name: `groma-lab-x` is no secret.
fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_stands() {
        let text = "url=ldap://svc:lab-erp@ldap1 \"Lab-erp-2026\" pw:lab-erp";
        let expected = ["Lab-erp-2026", "lab-erp"].map(str::to_owned);
        assert_eq!(canaries(text), BTreeSet::from(expected));
    }

    #[test]
    fn an_encoded_secret_is_one_as_well() {
        let text = "ldap://svc:lab%2Derp@x PrivateKey = bGFiLXNlY3JldA==";
        let expected = ["bGFiLXNlY3JldA==", "lab-erp"].map(str::to_owned);
        assert_eq!(canaries(text), BTreeSet::from(expected));
        assert!(canaries("AbGFiLXNlY3JldA== bGFiL lab%20erp").is_empty());
    }

    #[test]
    fn other_words_with_these_letters_are_no_secrets() {
        assert!(canaries("groma-lab-one slab-a collab- lab- Lab- label").is_empty());
    }
}
