//! A diff as one page.

use askama::Template;

use super::STYLE;
use super::policy::policy;
use crate::change::{Change, Changes, Class};
use crate::plain::plain;
use crate::text::{below, heading_of, side};

#[derive(Template)]
#[template(path = "diff.html")]
struct Page {
    policy: String,
    style: &'static str,
    before: String,
    after: String,
    heading: String,
    tiles: Vec<(&'static str, &'static str, usize)>,
    places: Vec<Place>,
}

struct Place {
    name: String,
    changes: Vec<Line>,
}

struct Line {
    class: &'static str,
    mark: char,
    word: &'static str,
    area: &'static str,
    says: String,
    below: Vec<String>,
    act: Option<String>,
}

/// The changes as one self-contained page: no script, no request.
pub fn html(changes: &Changes) -> String {
    let classes = [
        Class::Moved,
        Class::Removed,
        Class::Added,
        Class::Changed,
        Class::NotSeen,
    ];
    let count = |class| changes.changes.iter().filter(|c| c.class == class).count();
    let page = Page {
        policy: policy(STYLE),
        style: STYLE,
        before: side(&changes.before),
        after: side(&changes.after),
        heading: heading_of(changes),
        tiles: classes
            .map(|class| (css(class), class.word(), count(class)))
            .to_vec(),
        places: places(&changes.changes),
    };
    page.render().expect("writing into a string cannot fail")
}

fn places(changes: &[Change]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let mut on: Option<&str> = None;
    for change in changes {
        if on != Some(change.on.as_str()) {
            on = Some(&change.on);
            places.push(Place {
                name: plain(&change.on),
                changes: Vec::new(),
            });
        }
        if let Some(place) = places.last_mut() {
            place.changes.push(line(change));
        }
    }
    places
}

fn line(change: &Change) -> Line {
    Line {
        class: css(change.class),
        mark: change.class.mark(),
        word: change.class.word(),
        area: change.area.word(),
        says: plain(&change.says),
        below: below(change),
        act: change.act.as_deref().map(plain),
    }
}

fn css(class: Class) -> &'static str {
    match class {
        Class::Moved => "moved",
        Class::Removed => "removed",
        Class::Added => "added",
        Class::Changed => "changed",
        Class::NotSeen => "not-seen",
    }
}
