//! The section of guests: what stands in the way first, and nothing where no platform told of any.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod markup;
mod sample;

use groma_model::EntityId;
use groma_model::inventory::Inventory;
use markup::assert_clean;
use proptest::prelude::*;
use sample::{guests, office};

#[test]
fn the_section_says_how_many_where_and_what_stands_in_the_way() {
    let (html, markdown) = (
        groma_report::html(&guests()),
        groma_report::markdown(&guests()),
    );
    assert_clean(&html);
    assert!(
        html.contains("<a href=\"#guests\">"),
        "it stands in the contents"
    );
    for part in [
        "5 guests on 2 hosts",
        "1 with something critical in its way",
        "1 looked at from inside",
        "1 that may be a machine already known",
        "Hard disk 2: Its blocks lie outside of any datastore.",
        "disks take 40\u{a0}GiB",
        "disks take 260\u{a0}GiB at most",
        "Proxmox VE: cold, stands still 12–40 min",
        "VMware vSphere: live, stands still",
        "256\u{a0}GiB free",
        "37 % busy",
        "1.0\u{a0}TiB (25 %)",
        "another SMBIOS UUID",
        "on esx1.corp.example",
    ] {
        assert!(html.contains(part), "{part} is not on the page");
        let plain = part.replace('#', "\\#");
        assert!(markdown.contains(&plain), "{part} is not in the document");
    }
    let (db, web) = (
        html.find("<b>db1.corp.example"),
        html.find("<b>web1.corp.example"),
    );
    assert!(
        db.unwrap() < web.unwrap(),
        "what has something critical in its way stands first"
    );
    assert!(
        !markdown.contains("golden |"),
        "a template does not move as a machine does"
    );
    assert!(html.contains("live, warm, cold"), "the words are explained");
}

/// The same estate a second time at another site, where the hosts have other names.
fn at_two_sites() -> Inventory {
    let mut inventory = guests();
    let mut second = inventory.entities.clone();
    for entity in &mut second {
        entity.id = EntityId::new(format!("{}-b", entity.id));
        entity.site = groma_model::SiteId::new("minsk");
        if let Some(host) = &mut entity.attributes.hypervisor {
            entity.name = format!("minsk-{}", entity.name);
            host.name = entity.name.as_str().into();
        }
    }
    let mut rows = inventory.guests.clone();
    for row in &mut rows {
        row.entity = EntityId::new(format!("{}-b", row.entity));
    }
    inventory.entities.extend(second);
    inventory.guests.extend(rows);
    inventory
}

#[test]
fn two_sites_with_a_platform_of_one_name_share_no_host() {
    let (one, two) = (
        groma_report::markdown(&guests()),
        groma_report::markdown(&at_two_sites()),
    );
    assert!(two.contains("on esx1.corp.example") && two.contains("on minsk-esx1.corp.example"));
    let row = |text: &str, name: &str| {
        let lines = text.lines();
        let found = lines.filter(|line| line.contains(name) && line.contains("running"));
        found.map(str::to_owned).collect::<Vec<_>>()
    };
    let (alone, beside) = (row(&one, "| esx1"), row(&two, "| esx1"));
    assert_eq!(alone.len(), 1, "{alone:?}");
    assert_eq!(alone, beside, "guests of the other site are not on it");
}

#[test]
fn an_estate_without_guests_has_no_such_section() {
    for page in [
        groma_report::html(&office()),
        groma_report::markdown(&office()),
    ] {
        assert!(!page.contains("## Virtual machines") && !page.contains("id=\"guests\""));
        assert!(!page.contains("#guests"));
    }
    assert!(!groma_report::json(&office()).contains("\"guests\""));
}

#[test]
fn no_order_of_the_inventory_changes_the_section() {
    let mut turned = guests();
    turned.entities.reverse();
    turned.guests.reverse();
    turned.measurements.reverse();
    let section = |inventory: &Inventory| {
        let page = groma_report::markdown(inventory);
        let at = page.find("## Virtual machines").unwrap();
        page[at..].split("\n## ").next().unwrap().to_owned()
    };
    assert_eq!(section(&guests()), section(&turned));
}

/// As many guests, each with everything in its way.
fn many(guests_wanted: usize) -> Inventory {
    let mut inventory = guests();
    let db = "ent-db1";
    let entity = inventory
        .entities
        .iter()
        .find(|e| e.id.as_str() == db)
        .unwrap()
        .clone();
    let row = inventory
        .guests
        .iter()
        .find(|r| r.entity.as_str() == db)
        .unwrap()
        .clone();
    for number in 0..guests_wanted {
        let (mut entity, mut row) = (entity.clone(), row.clone());
        entity.id = EntityId::new(format!("ent-many{number}"));
        row.entity = entity.id.clone();
        entity.name = format!("guest{number}.corp.example");
        inventory.entities.push(entity);
        inventory.guests.push(row);
    }
    inventory
}

#[test]
fn ten_thousand_guests_are_cut_with_the_number_told_and_stay_small() {
    let html = groma_report::html(&many(10_000));
    let at = html.find("id=\"guests\"").unwrap();
    let section = html[at..].split("</section>").next().unwrap();
    assert!(
        section.contains("1\u{202f}000"),
        "how many of them are shown"
    );
    assert!(section.contains("10\u{202f}005"), "of how many");
    assert!(section.len() < 1_200_000, "{} bytes", section.len());
}

/// `text` wherever a platform lets people write.
fn written_everywhere(text: &str) -> Inventory {
    let mut inventory = guests();
    for entity in &mut inventory.entities {
        entity.name = text.to_owned();
        entity.attributes.not_joined = vec![text.to_owned()];
        if let Some(host) = entity.attributes.hypervisor.as_deref_mut() {
            host.name = text.into();
            host.product = Some(text.to_owned());
        }
        if let Some(store) = entity.attributes.datastore.as_deref_mut() {
            store.product = Some(text.to_owned());
        }
    }
    for row in &mut inventory.guests {
        for blocker in &mut row.blockers {
            (blocker.what, blocker.because, blocker.remedy) =
                (text.to_owned(), text.to_owned(), text.to_owned());
        }
        for way in &mut row.ways {
            way.exceeds = vec![text.to_owned()];
            way.downtime_minutes = Some([f64::NAN, f64::INFINITY]);
        }
    }
    inventory
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_name_of_a_guest_becomes_an_element_or_hides(text in "[<>&\"'/|=a-z -]{0,20}|(?s:.{0,30})") {
        let inventory = written_everywhere(&text);
        let html = groma_report::html(&inventory);
        assert_clean(&html);
        let markdown = groma_report::markdown(&inventory);
        for page in [html, markdown] {
            assert!(!page.contains(['\u{1b}', '\u{202e}', '\u{7}', '\r', '\u{200b}']));
        }
    }
}
