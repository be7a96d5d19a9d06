-- cloister: results and audit log of document processing, schema version 2.
--
-- For whoever opens this file with a SQLite tool of their own. Begin with the
-- views: v_documents, v_results, v_evidence, v_summaries, v_dropped, v_chunks,
-- v_findings and v_review_queue show the newest row of each path and policy; v_history
-- shows all of them; v_events shows the audit log. The tables below are append-only: a
-- row is added, never changed and never deleted, and every row is vouched for by
-- exactly one event whose digest is linked to the event before it.
--
-- SQLite keeps a statement from its first word to its semicolon: comments stand inside,
-- so that every file carries them.
--
-- Paths are kept as the exact bytes of the file system (path) and as readable text
-- (path_text: bytes that are not UTF-8 shown as U+FFFD). Digests are SHA-256, 32 bytes.
-- Byte ranges are half-open and count bytes of UTF-8. Times are milliseconds since
-- 1970-01-01 UTC; modified_ns counts nanoseconds.

PRAGMA application_id = 0x636c7374; -- "clst"

-- ---- who asked what --------------------------------------------------------------

CREATE TABLE identity (
    -- All that decides a result besides the document's bytes. sha256 is taken of policy
    -- name and digest, encoder and model digest, arithmetic version and settings;
    -- titles and file names decide nothing and are kept for people.
    identity           INTEGER PRIMARY KEY,
    sha256             BLOB    NOT NULL UNIQUE CHECK (length(sha256) = 32),
    policy_name        TEXT    NOT NULL,
    policy_title       TEXT    NOT NULL,
    policy_revision    INTEGER NOT NULL,
    policy_sha256      BLOB    NOT NULL CHECK (length(policy_sha256) = 32),
    encoder_name       TEXT,
    encoder_sha256     BLOB    CHECK (length(encoder_sha256) = 32),
    model_name         TEXT,
    model_sha256       BLOB    CHECK (length(model_sha256) = 32),
    arithmetic_version INTEGER NOT NULL,
    settings           TEXT    NOT NULL
) STRICT;

CREATE TABLE run (
    -- One start of the program. facts is a JSON object about the machine and the build;
    -- it decides nothing.
    run             INTEGER PRIMARY KEY,
    identity        INTEGER NOT NULL REFERENCES identity,
    started_ms      INTEGER NOT NULL,
    program_version TEXT    NOT NULL,
    program_sha256  BLOB    NOT NULL CHECK (length(program_sha256) = 32),
    operator        TEXT    NOT NULL,
    host            TEXT    NOT NULL,
    kernel          TEXT    NOT NULL,
    facts           TEXT    NOT NULL
) STRICT;

CREATE TABLE run_input (
    -- The paths that were asked for, in the order given.
    run       INTEGER NOT NULL REFERENCES run,
    ordinal   INTEGER NOT NULL,
    path      BLOB    NOT NULL,
    path_text TEXT    NOT NULL,
    PRIMARY KEY (run, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_end (
    -- How a run ended. A run without a row here was broken off hard, or is still going.
    -- documents: met; done: recorded by this run; skipped: done before.
    run       INTEGER PRIMARY KEY REFERENCES run,
    ended_ms  INTEGER NOT NULL,
    why       TEXT    NOT NULL,
    documents INTEGER NOT NULL,
    done      INTEGER NOT NULL,
    skipped   INTEGER NOT NULL
) STRICT;

-- ---- what was found --------------------------------------------------------------

CREATE TABLE document (
    -- One result of reading one file under one identity. outcome says how it ended;
    -- sha256 is NULL when the bytes could not be read, bytes and pages when unknown.
    -- duplicate_of names the document with the same bytes that carries the results.
    -- The four counts say that nothing was dropped in silence: extracted = hidden left
    -- out + chunked, and chunked = seen, or the outcome says why.
    -- summary_reason says why a summary that was written is not the one that is kept.
    document        INTEGER PRIMARY KEY,
    run             INTEGER NOT NULL REFERENCES run,
    identity        INTEGER NOT NULL REFERENCES identity,
    path            BLOB    NOT NULL CHECK (length(path) > 0),
    path_text       TEXT    NOT NULL,
    sha256          BLOB    CHECK (length(sha256) = 32),
    bytes           INTEGER CHECK (bytes >= 0),
    modified_ns     INTEGER NOT NULL,
    media_type      TEXT    NOT NULL,
    dialect         TEXT    NOT NULL,
    metadata        TEXT,
    pages           INTEGER CHECK (pages >= 0),
    outcome         TEXT    NOT NULL CHECK (outcome <> ''),
    reason          TEXT    NOT NULL,
    duplicate_of    INTEGER REFERENCES document,
    extracted_bytes INTEGER NOT NULL CHECK (extracted_bytes >= 0),
    hidden_bytes    INTEGER NOT NULL CHECK (hidden_bytes >= 0),
    chunked_bytes   INTEGER NOT NULL CHECK (chunked_bytes >= 0),
    seen_bytes      INTEGER NOT NULL CHECK (seen_bytes >= 0),
    decision        TEXT    NOT NULL,
    summary_reason  TEXT    NOT NULL,
    parse_ms        INTEGER NOT NULL
) STRICT;
CREATE INDEX document_by_path ON document (path, document);
CREATE INDEX document_by_sha256 ON document (sha256, identity);

CREATE TABLE section (
    -- A page of a PDF (kind page), an element of an XML file (element), or all (whole).
    document   INTEGER NOT NULL REFERENCES document,
    section    INTEGER NOT NULL CHECK (section >= 1),
    kind       TEXT    NOT NULL,
    label      TEXT    NOT NULL,
    title      TEXT    NOT NULL,
    text_bytes INTEGER NOT NULL CHECK (text_bytes >= 0),
    PRIMARY KEY (document, section)
) STRICT, WITHOUT ROWID;

CREATE TABLE hidden (
    -- Text a reader of the page cannot see, and why it counts as hidden.
    document INTEGER NOT NULL REFERENCES document,
    ordinal  INTEGER NOT NULL,
    section  INTEGER NOT NULL,
    start    INTEGER NOT NULL CHECK (start >= 0),
    "end"    INTEGER NOT NULL CHECK ("end" >= start),
    why      TEXT    NOT NULL,
    text     TEXT    NOT NULL,
    PRIMARY KEY (document, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE chunk (
    -- The text that the model saw; the only place where it is kept. Evidence, summary
    -- and findings point into it by (chunk, offset, bytes).
    id          INTEGER PRIMARY KEY,
    document    INTEGER NOT NULL REFERENCES document,
    chunk       INTEGER NOT NULL CHECK (chunk >= 1),
    section     INTEGER NOT NULL,
    start       INTEGER NOT NULL CHECK (start >= 0),
    end_section INTEGER NOT NULL CHECK (end_section >= section),
    "end"       INTEGER NOT NULL CHECK ("end" >= 0),
    tokens      INTEGER NOT NULL CHECK (tokens >= 0),
    text        TEXT    NOT NULL,
    UNIQUE (document, chunk)
) STRICT;

-- The words of all chunks, for searching; holds no copy of the text.
CREATE VIRTUAL TABLE chunk_search USING fts5 (
    text, content = 'chunk', content_rowid = 'id', tokenize = 'unicode61'
);

CREATE TABLE task (
    -- The answer to one question of the policy. When undecided is 1 the label is still
    -- the best one, but its probability lies below the policy's threshold, or commanded
    -- is 1: the answer hangs on sentences that try to instruct the reader. Where there
    -- are such sentences (findings of commanding_text), plain_label, plain_probability
    -- and plain_undecided are the answer without them; NULL when nothing else is left.
    -- answered_by is encoder or model. prior, of an answer by the model, is the digest
    -- of the file of priors that was subtracted from its scores, or neutral: a text
    -- that says nothing stood in for it. first_label and first_probability are what the
    -- encoder had answered where the model gave this answer.
    document    INTEGER NOT NULL REFERENCES document,
    ordinal     INTEGER NOT NULL,
    task        TEXT    NOT NULL,
    label       TEXT    NOT NULL,
    probability REAL    NOT NULL,
    undecided   INTEGER NOT NULL CHECK (undecided IN (0, 1)),
    runner_up   TEXT    NOT NULL,
    answered_by TEXT    NOT NULL,
    prior             TEXT,
    first_label       TEXT,
    first_probability REAL,
    commanded         INTEGER NOT NULL CHECK (commanded IN (0, undecided)),
    plain_label       TEXT,
    plain_probability REAL,
    plain_undecided   INTEGER CHECK (plain_undecided IN (0, 1)),
    CHECK ((first_probability IS NULL) = (first_label IS NULL)),
    PRIMARY KEY (document, ordinal),
    UNIQUE (document, task)
) STRICT, WITHOUT ROWID;

CREATE TABLE score (
    -- Every label of a task with its score and its probability.
    document    INTEGER NOT NULL,
    task        INTEGER NOT NULL,
    ordinal     INTEGER NOT NULL,
    label       TEXT    NOT NULL,
    score       REAL    NOT NULL,
    probability REAL    NOT NULL,
    PRIMARY KEY (document, task, ordinal),
    FOREIGN KEY (document, task) REFERENCES task (document, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE evidence (
    -- The words that weighed most in a task's answer.
    document    INTEGER NOT NULL,
    task        INTEGER NOT NULL,
    ordinal     INTEGER NOT NULL,
    section     INTEGER NOT NULL,
    start       INTEGER NOT NULL,
    end_section INTEGER NOT NULL,
    "end"       INTEGER NOT NULL,
    chunk       INTEGER NOT NULL,
    offset      INTEGER NOT NULL CHECK (offset >= 0),
    bytes       INTEGER NOT NULL CHECK (bytes >= 0),
    weight      REAL    NOT NULL,
    PRIMARY KEY (document, task, ordinal),
    FOREIGN KEY (document, task) REFERENCES task (document, ordinal),
    FOREIGN KEY (document, chunk) REFERENCES chunk (document, chunk)
) STRICT, WITHOUT ROWID;

CREATE TABLE summary (
    -- The sentences of the summary, in their order. kind verbatim: the source's own
    -- words. kind written: a model's words, in written; the place is that of the
    -- source's words they rest on, which hold every number, date and name in them.
    document    INTEGER NOT NULL REFERENCES document,
    ordinal     INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    written     TEXT    CHECK ((written IS NULL) = (kind <> 'written')),
    section     INTEGER NOT NULL,
    start       INTEGER NOT NULL,
    end_section INTEGER NOT NULL,
    "end"       INTEGER NOT NULL,
    chunk       INTEGER NOT NULL,
    offset      INTEGER NOT NULL CHECK (offset >= 0),
    bytes       INTEGER NOT NULL CHECK (bytes >= 0),
    weight      REAL    NOT NULL,
    PRIMARY KEY (document, ordinal),
    FOREIGN KEY (document, chunk) REFERENCES chunk (document, chunk)
) STRICT, WITHOUT ROWID;

CREATE TABLE dropped (
    -- Sentences that a model wrote and the summary does not take, in the order they
    -- were written: why, and what, when it can be named, is the word or number that the
    -- source does not bear out. Nothing in text can be relied on.
    document INTEGER NOT NULL REFERENCES document,
    ordinal  INTEGER NOT NULL,
    why      TEXT    NOT NULL CHECK (why <> ''),
    what     TEXT    NOT NULL,
    text     TEXT    NOT NULL,
    PRIMARY KEY (document, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE finding (
    -- What the policy's detectors found. masked, when there, is what to show instead of
    -- the words: their shape.
    document    INTEGER NOT NULL REFERENCES document,
    ordinal     INTEGER NOT NULL,
    detector    TEXT    NOT NULL,
    score       REAL    NOT NULL,
    masked      TEXT,
    section     INTEGER NOT NULL,
    start       INTEGER NOT NULL,
    end_section INTEGER NOT NULL,
    "end"       INTEGER NOT NULL,
    chunk       INTEGER NOT NULL,
    offset      INTEGER NOT NULL CHECK (offset >= 0),
    bytes       INTEGER NOT NULL CHECK (bytes >= 0),
    weight      REAL    NOT NULL,
    PRIMARY KEY (document, ordinal),
    FOREIGN KEY (document, chunk) REFERENCES chunk (document, chunk)
) STRICT, WITHOUT ROWID;

-- ---- what was done ---------------------------------------------------------------

CREATE TABLE event (
    -- The audit log. Numbers run from 1 without a gap. body is JSON with sorted keys,
    -- integers and strings, and never holds text of a document or of a model. With
    -- le64(n) a number as eight bytes, least significant first, and str(s) =
    -- le64(bytes of s) followed by s:
    --
    --   sha256 = SHA-256(str("cloister event 1") le64(event) le64(time_ms) str(type)
    --                    le64(run or 0) le64(document or 0) str(body) rows_sha256
    --                    previous)
    --
    -- previous is the sha256 of the event before, 32 zero bytes for the first.
    -- rows_sha256 is the SHA-256 of str("cloister rows 1") and of the rows vouched for:
    --   run_started  identity, run, run_input
    --   document     document, section, hidden, chunk, task, score, evidence, summary,
    --                dropped, finding
    --   run_ended    run_end
    -- each table as "T" str(name), its rows in the order of their primary key as "R"
    -- le64(number of columns) and the columns in their order above: "N" for NULL,
    -- "I" le64 for an integer, "F" and the eight bytes of the IEEE 754 double, least
    -- significant first, for a real, "S" str for text, "B" str for a blob.
    event       INTEGER PRIMARY KEY,
    time_ms     INTEGER NOT NULL,
    type        TEXT    NOT NULL,
    run         INTEGER REFERENCES run,
    document    INTEGER REFERENCES document,
    body        TEXT    NOT NULL,
    rows_sha256 BLOB    NOT NULL CHECK (length(rows_sha256) = 32),
    previous    BLOB    NOT NULL CHECK (length(previous) = 32),
    sha256      BLOB    NOT NULL CHECK (length(sha256) = 32)
) STRICT;
CREATE INDEX event_by_document ON event (document);

-- ---- for people ------------------------------------------------------------------

CREATE VIEW v_history AS
-- Every row ever recorded; current is 1 for the newest of its path and policy name.
SELECT d.document,
       d.path_text AS path,
       lower(hex(d.path)) AS path_hex,
       nullif(lower(hex(d.sha256)), '') AS sha256,
       d.media_type, d.pages, d.outcome, d.reason, d.decision, d.duplicate_of,
       d.dialect, d.bytes,
       strftime('%Y-%m-%dT%H:%M:%SZ', d.modified_ns / 1000000000, 'unixepoch')
           AS modified,
       d.extracted_bytes, d.hidden_bytes, d.chunked_bytes, d.seen_bytes, d.metadata,
       i.policy_name AS policy, i.policy_revision, d.run, d.summary_reason,
       NOT EXISTS (SELECT 1 FROM document AS newer
                   JOIN identity AS ni ON ni.identity = newer.identity
                   WHERE newer.path = d.path AND newer.document > d.document
                     AND ni.policy_name = i.policy_name) AS current
FROM document AS d JOIN identity AS i ON i.identity = d.identity;

CREATE VIEW v_documents AS
SELECT document, path, path_hex, sha256, media_type, pages, outcome, reason, decision,
       duplicate_of, dialect, bytes, modified, extracted_bytes, hidden_bytes,
       chunked_bytes, seen_bytes, metadata, policy, policy_revision, run,
       summary_reason
FROM v_history WHERE current;

CREATE VIEW v_results AS
SELECT d.document, d.path, t.task, t.label, t.probability, t.undecided, t.runner_up,
       t.answered_by, d.outcome, d.decision, d.policy, t.commanded,
       t.plain_label, t.plain_probability, t.plain_undecided,
       t.prior, t.first_label, t.first_probability
FROM v_documents AS d JOIN task AS t ON t.document = d.document;

CREATE VIEW v_evidence AS
SELECT e.document, t.task, e.section, e.start, e.end_section, e."end",
       CAST(substr(CAST(c.text AS BLOB), e.offset + 1, e.bytes) AS TEXT) AS text,
       e.weight, e.ordinal
FROM v_documents AS d
JOIN evidence AS e ON e.document = d.document
JOIN task AS t ON t.document = e.document AND t.ordinal = e.task
JOIN chunk AS c ON c.document = e.document AND c.chunk = e.chunk;

CREATE VIEW v_summaries AS
-- text is what the summary says; source_text the document's own words in that range,
-- the same when kind is verbatim.
SELECT document, ordinal, section, start, end_section, "end",
       coalesce(written, source_text) AS text, kind, source_text
FROM (SELECT s.*,
             CAST(substr(CAST(c.text AS BLOB), s.offset + 1, s.bytes) AS TEXT)
                 AS source_text
      FROM v_documents AS d
      JOIN summary AS s ON s.document = d.document
      JOIN chunk AS c ON c.document = s.document AND c.chunk = s.chunk);

CREATE VIEW v_dropped AS
SELECT w.document, w.ordinal, w.why, w.what, w.text
FROM v_documents AS d JOIN dropped AS w ON w.document = d.document;

CREATE VIEW v_chunks AS
SELECT c.document, c.chunk, c.section, c.start, c.end_section, c."end", c.tokens, c.text
FROM v_documents AS d JOIN chunk AS c ON c.document = d.document;

CREATE VIEW v_findings AS
-- text is NULL for a masked finding: the policy says that its words are not shown.
SELECT f.document, f.detector, f.section, f.start, f.end_section, f."end", f.masked,
       CASE WHEN f.masked IS NULL
            THEN CAST(substr(CAST(c.text AS BLOB), f.offset + 1, f.bytes) AS TEXT)
       END AS text,
       f.score, f.ordinal
FROM v_documents AS d
JOIN finding AS f ON f.document = d.document
JOIN chunk AS c ON c.document = f.document AND c.chunk = f.chunk;

CREATE VIEW v_words_for_people AS
-- Words that mark a decision as one a person must look into. Policies name their
-- decisions as they like; one that holds none of these words is taken to stand alone.
SELECT column1 AS word FROM (VALUES ('review'), ('withhold'), ('lawyer'), ('counsel'),
                                    ('person'), ('manual'), ('escalate'));

CREATE VIEW v_review_queue AS
-- What a person must look at, one row a reason: an outcome other than ok and duplicate,
-- an undecided task, an answer that is another one without the sentences that try to
-- instruct the reader, such sentences by themselves, a decision whose name holds a word
-- for people.
SELECT document, path, 'outcome: ' || outcome AS why, NULL AS task, NULL AS label,
       NULL AS probability, reason, policy
FROM v_documents WHERE outcome NOT IN ('ok', 'duplicate')
UNION ALL
SELECT r.document, r.path, 'undecided', r.task, r.label, r.probability,
       'the runner-up is ' || r.runner_up, r.policy
FROM v_results AS r WHERE r.undecided
UNION ALL
SELECT r.document, r.path, 'commanding text', r.task, r.label, r.probability,
       CASE WHEN r.plain_label IS NULL THEN 'there is no other text'
            ELSE 'without it ' || r.plain_label
                 || printf(' at %.1f %%', 100 * r.plain_probability)
                 || iif(r.plain_undecided, ', undecided', '') END, r.policy
FROM v_results AS r WHERE r.commanded
UNION ALL
SELECT d.document, d.path, 'commanding text', NULL, NULL, NULL,
       printf('%d sentence%s to instruct the reader', count(*),
              iif(count(*) = 1, ' tries', 's try')), d.policy
FROM v_documents AS d JOIN finding AS f ON f.document = d.document
WHERE f.detector = 'commanding_text' GROUP BY d.document
UNION ALL
SELECT document, path, 'decision: ' || decision, NULL, NULL, NULL, '', policy
FROM v_documents
WHERE EXISTS (SELECT 1 FROM v_words_for_people
              WHERE decision LIKE '%' || word || '%');

CREATE VIEW v_events AS
SELECT event,
       strftime('%Y-%m-%dT%H:%M:%S', time_ms / 1000, 'unixepoch')
           || printf('.%03dZ', time_ms % 1000) AS time,
       type, document, lower(hex(sha256)) AS digest, run, body,
       lower(hex(rows_sha256)) AS rows_digest, lower(hex(previous)) AS previous
FROM event;

CREATE VIEW v_runs AS
SELECT r.run, i.policy_name AS policy, i.policy_title, i.policy_revision,
       lower(hex(i.policy_sha256)) AS policy_sha256,
       i.encoder_name, nullif(lower(hex(i.encoder_sha256)), '') AS encoder_sha256,
       i.model_name, nullif(lower(hex(i.model_sha256)), '') AS model_sha256,
       i.arithmetic_version, i.settings,
       strftime('%Y-%m-%dT%H:%M:%SZ', r.started_ms / 1000, 'unixepoch') AS started,
       strftime('%Y-%m-%dT%H:%M:%SZ', e.ended_ms / 1000, 'unixepoch') AS ended,
       e.why, e.documents, e.done, e.skipped, r.program_version,
       lower(hex(r.program_sha256)) AS program_sha256, r.operator, r.host, r.kernel,
       r.facts
FROM run AS r
JOIN identity AS i ON i.identity = r.identity
LEFT JOIN run_end AS e ON e.run = r.run;
