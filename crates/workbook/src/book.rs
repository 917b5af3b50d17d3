//! The workbook in the making: the look of it, and how a table becomes one sheet or more.

use groma_model::Timestamp;
use groma_model::inventory::Severity;
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, IgnoreError, Workbook,
    Worksheet, XlsxError,
};

use crate::WorkbookError;
use crate::cell::{Cell, fit, fit_lines};

/// Rows a sheet takes beside its header: 1,048,576 in all.
pub(crate) const ROWS_MAX: u32 = 1_048_575;
/// Narrowest and widest column that follows its content, in characters.
const WIDTHS: (usize, usize) = (9, 38);
/// Width of a column of ids.
const ID_WIDTH: f64 = 14.0;
/// Wider than this on paper, in characters, a sheet is printed on A3; wider than that, only its first columns are.
const WIDE: (f64, f64) = (130.0, 250.0);
/// Height of a line in points, and how many lines a row shows at most.
const LINE: (f64, usize) = (15.0, 12);
/// Largest whole number a cell holds exactly.
pub(crate) const EXACT: u64 = 1 << 53;
/// Days from the first day of spreadsheets to 1970.
const EPOCH_DAYS: f64 = 25_569.0;
/// The first day all spreadsheets agree about, 1900-03-01, and the last one, in days of theirs.
const DAYS: std::ops::Range<f64> = 61.0..2_958_466.0;

/// One column.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    shape: Shape,
}

#[derive(Clone, Copy)]
enum Shape {
    /// As wide as its content.
    Fits,
    /// So wide, and text goes on in further lines.
    Wraps(u16),
    /// Narrow: people copy from it, nobody reads it.
    Ids,
}

/// A column as wide as its content.
pub(crate) const fn col(title: &'static str) -> Column {
    Column {
        title,
        shape: Shape::Fits,
    }
}

/// A column of sentences, `width` characters wide.
pub(crate) const fn wide(title: &'static str, width: u16) -> Column {
    Column {
        title,
        shape: Shape::Wraps(width),
    }
}

/// A column of ids.
pub(crate) const fn id(title: &'static str) -> Column {
    Column {
        title,
        shape: Shape::Ids,
    }
}

/// What is said of a table, and its columns.
pub(crate) struct Table<const N: usize> {
    /// Name of its sheet: at most 25 letters, so that a number fits behind it.
    pub(crate) name: &'static str,
    /// What it holds, for the list of sheets.
    pub(crate) about: &'static str,
    /// What stands there where nothing was found.
    pub(crate) none: &'static str,
    pub(crate) columns: [Column; N],
}

/// A table that was written.
pub(crate) struct Written {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) rows: usize,
    pub(crate) sheets: usize,
}

/// How cells look.
pub(crate) struct Look {
    head: Format,
    plain: Format,
    wrapped: Format,
    whole: Format,
    left: Format,
    port: Format,
    decimal: Format,
    moment: Format,
    none: Format,
    graves: [Format; 4],
    pub(crate) title: Format,
    pub(crate) section: Format,
}

/// The workbook in the making.
pub(crate) struct Book {
    workbook: Workbook,
    pub(crate) look: Look,
    rows_max: u32,
    /// Tables written so far.
    pub(crate) tables: Vec<Written>,
    generated: String,
}

impl Book {
    /// An empty one, made at `at`, with so many rows to a sheet.
    pub(crate) fn new(at: Timestamp, rows_max: u32) -> Self {
        let mut workbook = Workbook::new();
        let made = ExcelDateTime::from_timestamp(at.millis().div_euclid(1000))
            .or_else(|_| ExcelDateTime::from_ymd(1970, 1, 1))
            .expect("1970 is a year spreadsheets know");
        let properties = DocProperties::new()
            .set_title("groma: what there is, and what needs what")
            .set_creation_datetime(&made);
        workbook.set_properties(&properties);
        Self {
            workbook,
            look: Look::new(),
            rows_max,
            tables: Vec::new(),
            generated: at.minute(),
        }
    }

    /// Makes the first sheet, to be filled at the end by [`Self::summary`].
    pub(crate) fn begin_summary(&mut self) -> Result<(), WorkbookError> {
        let sheet = self.workbook.add_worksheet();
        let named = sheet.set_name("summary").map(|_| ());
        named.map_err(|source| refused("summary", source))
    }

    /// Fills the first sheet.
    pub(crate) fn summary(
        &mut self,
        fill: impl FnOnce(&mut Worksheet, &Look, &[Written]) -> Result<(), XlsxError>,
    ) -> Result<(), WorkbookError> {
        let footer = footer(&self.generated, "");
        let sheet = self.workbook.worksheet_from_index(0);
        let filled = sheet.and_then(|sheet| {
            sheet.set_paper_size(9).set_print_fit_to_pages(1, 0);
            sheet.set_footer(&footer).set_screen_gridlines(false);
            fill(sheet, &self.look, &self.tables)
        });
        filled.map_err(|source| refused("summary", source))
    }

    /// Writes `rows` as one sheet, and what does not fit as further ones.
    pub(crate) fn table<R, const N: usize>(
        &mut self,
        table: &Table<N>,
        rows: impl IntoIterator<Item = R>,
        row: impl Fn(R) -> [Cell; N],
    ) -> Result<(), WorkbookError> {
        let mut cells = rows.into_iter().map(row).peekable();
        let (mut rows, mut sheets) = (0, 0);
        while sheets == 0 || cells.peek().is_some() {
            sheets += 1;
            let name = match sheets {
                1 => table.name.to_owned(),
                more => format!("{} {more}", table.name),
            };
            let written = self.sheet(&name, table, &mut cells);
            rows += written.map_err(|source| refused(&name, source))?;
        }
        self.tables.push(Written {
            name: table.name,
            about: table.about,
            rows,
            sheets,
        });
        Ok(())
    }

    /// One sheet with as many of `rows` as it takes; says how many.
    fn sheet<const N: usize>(
        &mut self,
        name: &str,
        table: &Table<N>,
        rows: &mut impl Iterator<Item = [Cell; N]>,
    ) -> Result<usize, XlsxError> {
        let sheet = self.workbook.add_worksheet();
        sheet.set_name(name)?;
        let mut widths = table.columns.map(|column| longest_word(column.title) + 3);
        sheet.set_row_height(0, 2.0 * LINE.0)?;
        for (at, column) in (0..).zip(&table.columns) {
            sheet.write_string_with_format(0, at, column.title, &self.look.head)?;
        }
        let mut written: u32 = 0;
        for cells in rows.take(usize::try_from(self.rows_max).unwrap_or(usize::MAX)) {
            written += 1;
            let places = (0..).zip(&cells).zip(&table.columns).zip(&mut widths);
            let mut lines = 1;
            for (((at, cell), column), width) in places {
                let room = write(sheet, &self.look, written, at, cell, *column)?;
                *width = room.width.max(*width);
                lines = room.lines.max(lines);
            }
            set_height(sheet, written, lines)?;
        }
        if written == 0 {
            sheet.write_string_with_format(1, 0, table.none, &self.look.none)?;
            sheet.set_tab_color(Color::RGB(0xC8_C8_C8));
        }
        self.dress(table, written.max(1), widths)?;
        Ok(usize::try_from(written).unwrap_or(usize::MAX))
    }

    /// Everything about the newest sheet but its cells.
    fn dress<const N: usize>(
        &mut self,
        table: &Table<N>,
        last: u32,
        widths: [usize; N],
    ) -> Result<(), XlsxError> {
        let at = self.workbook.worksheets().len().saturating_sub(1);
        let sheet = self.workbook.worksheet_from_index(at)?;
        let last_column = u16::try_from(N.saturating_sub(1)).unwrap_or(u16::MAX);
        let (mut wide, mut printed) = (0.0, 0);
        for ((at, column), width) in (0..).zip(&table.columns).zip(widths) {
            let width = column.width(width);
            sheet.set_column_width(at, width)?;
            if printed == at && wide + width <= WIDE.1 {
                wide += width;
                printed += 1;
            }
        }
        let on_paper = match usize::from(printed) {
            all if all >= N => String::new(),
            some => format!(" · columns 1 to {some} of {N}"),
        };
        sheet.set_print_area(0, 0, last, printed.clamp(1, last_column + 1) - 1)?;
        sheet.autofilter(0, 0, last, last_column)?;
        sheet.set_freeze_panes(1, 1)?;
        sheet.set_repeat_rows(0, 0)?;
        sheet.ignore_error_range(1, 0, last, last_column, IgnoreError::NumberStoredAsText)?;
        sheet.set_landscape();
        sheet.set_paper_size(if wide > WIDE.0 { 8 } else { 9 });
        sheet.set_margins(0.4, 0.4, 0.5, 0.6, 0.3, 0.3);
        sheet.set_print_fit_to_pages(1, 0);
        sheet.set_footer(footer(&self.generated, &on_paper));
        Ok(())
    }

    /// The bytes.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, WorkbookError> {
        self.workbook
            .save_to_buffer()
            .map_err(WorkbookError::Together)
    }
}

impl Column {
    /// In characters, for content as wide as `content`.
    fn width(self, content: usize) -> f64 {
        match self.shape {
            Shape::Fits => {
                let width = content.clamp(WIDTHS.0, WIDTHS.1);
                f64::from(u32::try_from(width).unwrap_or(u32::MAX))
            }
            Shape::Wraps(width) => f64::from(width),
            Shape::Ids => ID_WIDTH,
        }
    }

    /// The room that `text` wants in it.
    fn room(self, text: &str) -> Room {
        let lines = text.split('\n');
        match self.shape {
            Shape::Wraps(width) => {
                let letters = usize::from(width).saturating_sub(1).max(1);
                let lines = lines.map(|line| line.chars().count().div_ceil(letters).max(1));
                Room {
                    width: 0,
                    lines: lines.sum(),
                }
            }
            Shape::Fits | Shape::Ids => Room {
                width: text.chars().count() + 2,
                lines: lines.count(),
            },
        }
    }
}

/// How much room a cell wants: characters, and lines in a column as wide as its is.
struct Room {
    width: usize,
    lines: usize,
}

/// Writes one cell and says how much room it wants.
fn write(
    sheet: &mut Worksheet,
    look: &Look,
    row: u32,
    at: u16,
    cell: &Cell,
    column: Column,
) -> Result<Room, XlsxError> {
    let mut string = |text: &str, format: &Format| {
        sheet
            .write_string_with_format(row, at, text, format)
            .map(|_| column.room(text))
    };
    let wraps = matches!(column.shape, Shape::Wraps(_));
    match cell {
        Cell::Empty => Ok(Room { width: 0, lines: 1 }),
        Cell::Text(found) if wraps => string(&fit(found), &look.wrapped),
        Cell::Text(found) => string(&fit(found), &look.plain),
        Cell::Lines(found) => string(&fit_lines(found), &look.wrapped),
        Cell::Grave(severity) => string(crate::words::severity(*severity), look.grave(*severity)),
        Cell::Whole(number) if *number > EXACT => string(&number.to_string(), &look.plain),
        Cell::Whole(number) => number_cell(sheet, row, at, *number as f64, &look.whole),
        Cell::Port(port) => number_cell(sheet, row, at, f64::from(*port), &look.port),
        Cell::Round(number) => number_cell(sheet, row, at, *number, &look.whole),
        Cell::Decimal(number) if !number.is_finite() => string("not a number", &look.plain),
        Cell::Decimal(number) => number_cell(sheet, row, at, *number, &look.decimal),
        Cell::Moment(moment) => match days(*moment) {
            Some(days) => {
                sheet.write_number_with_format(row, at, days, &look.moment)?;
                Ok(Room {
                    width: 17,
                    lines: 1,
                })
            }
            None => string(&moment.to_string(), &look.plain),
        },
    }
}

fn number_cell(
    sheet: &mut Worksheet,
    row: u32,
    at: u16,
    number: f64,
    format: &Format,
) -> Result<Room, XlsxError> {
    sheet.write_number_with_format(row, at, number, format)?;
    // Digits, a comma between each three of them, and what stands behind the point.
    let digits = format!("{number:.0}").len();
    let width = digits + digits / 3 + 4;
    Ok(Room { width, lines: 1 })
}

/// Makes a row as high as `lines`, or as many of them as a row shows.
fn set_height(sheet: &mut Worksheet, row: u32, lines: usize) -> Result<(), XlsxError> {
    if lines > 1 {
        let lines = u32::try_from(lines.min(LINE.1)).unwrap_or(1);
        sheet.set_row_height(row, f64::from(lines) * LINE.0)?;
    }
    Ok(())
}

/// Letters of the longest word of a title.
fn longest_word(title: &str) -> usize {
    let words = title.split(' ').map(|word| word.chars().count());
    words.max().unwrap_or(0)
}

/// A moment as spreadsheets count: days, with the seconds behind the point. `None` outside of what they know.
pub(crate) fn days(moment: Timestamp) -> Option<f64> {
    let seconds = moment.millis().div_euclid(1000) as f64;
    let days = seconds / 86_400.0 + EPOCH_DAYS;
    DAYS.contains(&days).then_some(days)
}

/// What stands below each page. The blank keeps the year from being read as part of the size of the letters.
fn footer(generated: &str, on_paper: &str) -> String {
    format!("&L&8groma · &A{on_paper}&C&8 {generated} UTC&R&8&P / &N")
}

pub(crate) fn refused(sheet: &str, source: XlsxError) -> WorkbookError {
    WorkbookError::Sheet {
        sheet: sheet.to_owned(),
        source,
    }
}

impl Look {
    fn new() -> Self {
        let plain = Format::new().set_align(FormatAlign::Top);
        let number = |format: &str| plain.clone().set_num_format(format);
        let grave = |back: u32, text: u32| {
            let format = plain.clone().set_bold();
            format
                .set_background_color(Color::RGB(back))
                .set_font_color(Color::RGB(text))
        };
        let ink = Color::RGB(0x1F_3A_4D);
        Self {
            head: Format::new()
                .set_bold()
                .set_font_color(Color::White)
                .set_background_color(ink)
                .set_align(FormatAlign::VerticalCenter)
                .set_text_wrap()
                .set_border_bottom(FormatBorder::Thin),
            wrapped: plain.clone().set_text_wrap(),
            whole: number("#,##0"),
            port: number("0"),
            left: number("#,##0").set_align(FormatAlign::Left),
            decimal: number("#,##0.00"),
            moment: number("yyyy-mm-dd hh:mm").set_align(FormatAlign::Left),
            none: plain
                .clone()
                .set_italic()
                .set_font_color(Color::RGB(0x59_59_59)),
            graves: [
                grave(0xF8_D0_CF, 0x8A_11_11),
                grave(0xFB_E0_C8, 0x7A_3B_00),
                grave(0xFD_F2_C7, 0x5C_4A_00),
                grave(0xE6_EC_F0, 0x2F_3F_4A),
            ],
            title: Format::new()
                .set_bold()
                .set_font_size(18)
                .set_font_color(ink),
            section: Format::new()
                .set_bold()
                .set_font_size(12)
                .set_font_color(ink)
                .set_border_bottom(FormatBorder::Thin),
            plain,
        }
    }

    fn grave(&self, severity: Severity) -> &Format {
        let [critical, high, medium, low] = &self.graves;
        match severity {
            Severity::Critical => critical,
            Severity::High => high,
            Severity::Medium => medium,
            Severity::Low => low,
        }
    }

    /// Writes `cells` as a row of a sheet without columns of its own. Sentences go on in further lines, numbers stand left.
    pub(crate) fn put<const N: usize>(
        &self,
        sheet: &mut Worksheet,
        row: u32,
        cells: &[Cell; N],
        widths: [u16; N],
    ) -> Result<(), XlsxError> {
        let mut lines = 1;
        for ((at, cell), width) in (0..).zip(cells).zip(widths) {
            let room = write(sheet, self, row, at, cell, wide("", width))?;
            if let Cell::Whole(number) = cell {
                sheet.write_number_with_format(row, at, *number as f64, &self.left)?;
            }
            lines = room.lines.max(lines);
        }
        set_height(sheet, row, lines)
    }
}
