-- What was ever erased, and by whom; never what it was called. All under the site '*'.
-- watermark: the newest look there was, whose number is not given again. swept: 1 once the file holds nothing of it any more.
CREATE TABLE forgotten (
    site_id   TEXT    NOT NULL,
    number    INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    said_by   TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    traces    TEXT    NOT NULL,
    watermark INTEGER NOT NULL,
    swept     INTEGER NOT NULL,
    PRIMARY KEY (site_id, number)
) STRICT, WITHOUT ROWID;
