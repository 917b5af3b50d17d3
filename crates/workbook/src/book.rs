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
const WIDTHS: (usize, usize) = (9, 44);
/// Width of a column of ids.
const ID_WIDTH: f64 = 14.0;
/// Wider than this on paper, a sheet is printed on A3.
const WIDE: f64 = 170.0;
/// Largest whole number a cell holds exactly.
const EXACT: u64 = 1 << 53;
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
        let footer = footer(&self.generated);
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
        let mut widths = table.columns.map(|column| column.title.chars().count() + 3);
        for (at, column) in (0..).zip(&table.columns) {
            sheet.write_string_with_format(0, at, column.title, &self.look.head)?;
        }
        let mut written: u32 = 0;
        for cells in rows.take(usize::try_from(self.rows_max).unwrap_or(usize::MAX)) {
            written += 1;
            let places = (0..).zip(&cells).zip(&table.columns).zip(&mut widths);
            for (((at, cell), column), width) in places {
                let wide = write(sheet, &self.look, written, at, cell, *column)?;
                *width = wide.max(*width);
            }
        }
        if written == 0 {
            sheet.write_string_with_format(1, 0, table.none, &self.look.none)?;
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
        let footer = footer(&self.generated);
        let sheet = self.workbook.worksheet_from_index(at)?;
        let mut width_all = 0.0;
        for ((at, column), width) in (0..).zip(&table.columns).zip(widths) {
            let width = column.width(width);
            width_all += width;
            sheet.set_column_width(at, width)?;
        }
        let last_column = u16::try_from(N.saturating_sub(1)).unwrap_or(u16::MAX);
        sheet.autofilter(0, 0, last, last_column)?;
        sheet.set_freeze_panes(1, 1)?;
        sheet.set_repeat_rows(0, 0)?;
        sheet.ignore_error_range(1, 0, last, last_column, IgnoreError::NumberStoredAsText)?;
        sheet.set_landscape();
        sheet.set_paper_size(if width_all > WIDE { 8 } else { 9 });
        sheet.set_margins(0.4, 0.4, 0.5, 0.6, 0.3, 0.3);
        sheet.set_print_fit_to_pages(1, 0).set_footer(&footer);
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
}

/// Writes one cell and says how wide it wants to be, in characters.
fn write(
    sheet: &mut Worksheet,
    look: &Look,
    row: u32,
    at: u16,
    cell: &Cell,
    column: Column,
) -> Result<usize, XlsxError> {
    let mut string = |text: &str, format: &Format| {
        sheet
            .write_string_with_format(row, at, text, format)
            .map(|_| text.chars().count() + 1)
    };
    let wraps = matches!(column.shape, Shape::Wraps(_));
    match cell {
        Cell::Empty => Ok(0),
        Cell::Text(found) if wraps => string(&fit(found), &look.wrapped),
        Cell::Text(found) => string(&fit(found), &look.plain),
        Cell::Lines(found) => string(&fit_lines(found), &look.wrapped),
        Cell::Grave(severity) => string(crate::words::severity(*severity), look.grave(*severity)),
        Cell::Whole(number) if *number > EXACT => string(&number.to_string(), &look.plain),
        Cell::Whole(number) => number_cell(sheet, row, at, *number as f64, &look.whole),
        Cell::Round(number) => number_cell(sheet, row, at, *number, &look.whole),
        Cell::Decimal(number) if !number.is_finite() => string("not a number", &look.plain),
        Cell::Decimal(number) => number_cell(sheet, row, at, *number, &look.decimal),
        Cell::Moment(moment) => match days(*moment) {
            Some(days) => number_cell(sheet, row, at, days, &look.moment),
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
) -> Result<usize, XlsxError> {
    sheet.write_number_with_format(row, at, number, format)?;
    Ok(17)
}

/// A moment as spreadsheets count: days, with the seconds behind the point. `None` outside of what they know.
pub(crate) fn days(moment: Timestamp) -> Option<f64> {
    let seconds = moment.millis().div_euclid(1000) as f64;
    let days = seconds / 86_400.0 + EPOCH_DAYS;
    DAYS.contains(&days).then_some(days)
}

fn footer(generated: &str) -> String {
    format!("&L&8groma · &A&C&8{generated} UTC&R&8&P / &N")
}

fn refused(sheet: &str, source: XlsxError) -> WorkbookError {
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

    /// Writes `cell` at a place of a sheet without columns of its own; sentences go on in further lines.
    pub(crate) fn put(
        &self,
        sheet: &mut Worksheet,
        row: u32,
        at: u16,
        cell: &Cell,
    ) -> Result<(), XlsxError> {
        write(sheet, self, row, at, cell, wide("", 0)).map(|_| ())
    }
}
