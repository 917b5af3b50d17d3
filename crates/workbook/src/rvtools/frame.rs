//! The parts of a workbook that hold no rows (ECMA-376 Part 1, 12 and 18; Part 2 for the packaging), and what a text must not
//! hold in any of them.

use std::fmt::Write as _;

use groma_model::Timestamp;

/// Number of the style of ordinary cells.
pub(super) const PLAIN: u8 = 0;
/// Of the header.
pub(super) const HEAD: u8 = 1;
/// Of moments, as RVTools writes them.
pub(super) const DATE: u8 = 2;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const TYPES: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/// What the table of texts begins with.
pub(super) const TEXTS_HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
<sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">";

/// What a sheet ends with.
pub(super) const SHEET_TAIL: &str = "</sheetData></worksheet>";

/// Where the sheet with this number lies, counted from 1.
pub(super) fn sheet_path(number: usize) -> String {
    format!("xl/worksheets/sheet{number}.xml")
}

/// What a sheet begins with: its first row and column stay while one scrolls, its columns are as wide as their titles.
pub(super) fn sheet_head(titles: impl Iterator<Item = &'static str>, first: bool) -> String {
    let selected = if first { " tabSelected=\"1\"" } else { "" };
    let mut text = format!(
        "{XML}<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView{selected} workbookViewId=\"0\">\
<pane xSplit=\"1\" ySplit=\"1\" topLeftCell=\"B2\" activePane=\"bottomRight\" state=\"frozen\"/></sheetView></sheetViews>\
<sheetFormatPr defaultRowHeight=\"15\"/><cols>"
    );
    for (title, at) in titles.zip(1_usize..) {
        let width = title.len().max(9) + 2;
        let _ = write!(
            text,
            "<col min=\"{at}\" max=\"{at}\" width=\"{width}\" customWidth=\"1\"/>"
        );
    }
    text.push_str("</cols><sheetData>");
    text
}

/// Every part but the sheets and their texts, by its path. `names` are the sheets in their order.
pub(super) fn parts(names: &[String], made: Timestamp) -> [(&'static str, String); 6] {
    [
        ("[Content_Types].xml", content_types(names.len())),
        ("_rels/.rels", package()),
        ("docProps/core.xml", core(made)),
        ("xl/styles.xml", styles()),
        ("xl/workbook.xml", workbook(names)),
        ("xl/_rels/workbook.xml.rels", relationships(names.len())),
    ]
}

fn content_types(sheets: usize) -> String {
    let mut text = format!(
        "{XML}<Types xmlns=\"{PACKAGE}/content-types\">\
<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
<Default Extension=\"xml\" ContentType=\"application/xml\"/>\
<Override PartName=\"/docProps/core.xml\" ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/>\
<Override PartName=\"/xl/workbook.xml\" ContentType=\"{TYPES}.sheet.main+xml\"/>\
<Override PartName=\"/xl/styles.xml\" ContentType=\"{TYPES}.styles+xml\"/>\
<Override PartName=\"/xl/sharedStrings.xml\" ContentType=\"{TYPES}.sharedStrings+xml\"/>"
    );
    for number in 1..=sheets {
        let path = sheet_path(number);
        let _ = write!(
            text,
            "<Override PartName=\"/{path}\" ContentType=\"{TYPES}.worksheet+xml\"/>"
        );
    }
    text.push_str("</Types>");
    text
}

fn package() -> String {
    format!(
        "{XML}<Relationships xmlns=\"{PACKAGE}/relationships\">\
<Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/>\
<Relationship Id=\"rId2\" Type=\"{PACKAGE}/relationships/metadata/core-properties\" Target=\"docProps/core.xml\"/>\
</Relationships>"
    )
}

/// The date of the workbook is the date of the inventory. One that no calendar of spreadsheets knows is left out.
fn core(made: Timestamp) -> String {
    let known = crate::book::days(made).is_some();
    let date = known.then(|| {
        let seconds = Timestamp::from_seconds(made.millis().div_euclid(1000));
        format!("<dcterms:created xsi:type=\"dcterms:W3CDTF\">{seconds}</dcterms:created>")
    });
    format!(
        "{XML}<cp:coreProperties xmlns:cp=\"{PACKAGE}/metadata/core-properties\" \
xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:dcterms=\"http://purl.org/dc/terms/\" \
xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
<dc:title>groma: guests and hosts, in the layout of RVTools</dc:title>{}</cp:coreProperties>",
        date.unwrap_or_default()
    )
}

fn styles() -> String {
    let xf = |number: u8, font: u8, more: &str| {
        format!(
            "<xf numFmtId=\"{number}\" fontId=\"{font}\" fillId=\"0\" borderId=\"0\" xfId=\"0\"{more}/>"
        )
    };
    format!(
        "{XML}<styleSheet xmlns=\"{MAIN}\">\
<numFmts count=\"1\"><numFmt numFmtId=\"164\" formatCode=\"yyyy/mm/dd hh:mm:ss\"/></numFmts>\
<fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font><font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>\
<fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>\
<borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
<cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
<cellXfs count=\"3\">{}{}{}</cellXfs>\
<cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>",
        xf(0, 0, ""),
        xf(0, 1, " applyFont=\"1\""),
        xf(164, 0, " applyNumberFormat=\"1\""),
    )
}

fn workbook(names: &[String]) -> String {
    let mut text = format!(
        "{XML}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\">\
<bookViews><workbookView xWindow=\"240\" yWindow=\"15\" windowWidth=\"16095\" windowHeight=\"9660\"/></bookViews><sheets>"
    );
    for (name, number) in names.iter().zip(1_usize..) {
        let name = escaped(name);
        let _ = write!(
            text,
            "<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>"
        );
    }
    text.push_str("</sheets></workbook>");
    text
}

fn relationships(sheets: usize) -> String {
    let mut text = format!("{XML}<Relationships xmlns=\"{PACKAGE}/relationships\">");
    for number in 1..=sheets {
        let _ = write!(
            text,
            "<Relationship Id=\"rId{number}\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet{number}.xml\"/>"
        );
    }
    let (styles, texts) = (sheets + 1, sheets + 2);
    let _ = write!(
        text,
        "<Relationship Id=\"rId{styles}\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/>\
<Relationship Id=\"rId{texts}\" Type=\"{OFFICE}/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
    );
    text
}

/// `text`, which is [`crate::cell::fit`] already and so holds nothing that XML forbids, for an element or an attribute. A text
/// such as `_x0041_` would be read as the letter it names (ECMA-376 Part 1, 22.9.2.19): its own first dash is named so.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '_' if names_a_letter(text.as_bytes().get(at..at + 7)) => out.push_str("_x005F_"),
            c => out.push(c),
        }
    }
    out
}

/// True for `_x`, four digits, `_`.
fn names_a_letter(bytes: Option<&[u8]>) -> bool {
    let digits = bytes.and_then(|bytes| bytes.strip_prefix(b"_x")?.strip_suffix(b"_"));
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_no_element_and_names_no_letter() {
        assert_eq!(escaped("</t>\"&"), "&lt;/t&gt;&quot;&amp;");
        assert_eq!(escaped("a_x0041_b"), "a_x005F_x0041_b");
        assert_eq!(escaped("_x0041"), "_x0041");
        assert_eq!(escaped("_xдд_"), "_xдд_");
        assert_eq!(escaped("web_x86_64_"), "web_x86_64_");
    }
}
