-- The ledger, version 3. `runs`, `redos`, `lines`, `events` and `balances` are what was told; `waiting` and `leases` are
-- of the moment; the rest follows from `events` alone (derive.py) and can be made anew from it at any time.
--
-- Version 2 added `held`, `waiting` and the index `attempts_in_flight`, version 3 `leases` and `balances`.

CREATE TABLE IF NOT EXISTS runs (
  id          TEXT PRIMARY KEY,
  recipe      TEXT NOT NULL,
  recipe_path TEXT NOT NULL,
  output      TEXT NOT NULL,
  date        TEXT NOT NULL,
  status      TEXT NOT NULL,
  started_at  TEXT NOT NULL,
  finished_at TEXT,
  plan        TEXT NOT NULL,
  options     TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS runs_of_recipe ON runs (recipe, output, started_at);

-- How often a step was asked for anew, by the key it had at first.
CREATE TABLE IF NOT EXISTS redos (
  key    TEXT PRIMARY KEY,
  number INTEGER NOT NULL
) WITHOUT ROWID;

-- What each step of a recipe was last made or reused with: its key, that key before any redo, and its own part of it.
CREATE TABLE IF NOT EXISTS lines (
  recipe TEXT NOT NULL,
  output TEXT NOT NULL,
  step   TEXT NOT NULL,
  key    TEXT NOT NULL,
  base   TEXT NOT NULL,
  own    TEXT NOT NULL,
  PRIMARY KEY (recipe, output, step)
) WITHOUT ROWID;

-- `seq` is the order of all events of all runs; `digest` (of kind and data) makes a step's event that is told twice one
-- event, and is NULL for what is no step's, since a run may well start twice within one tick of the clock.
CREATE TABLE IF NOT EXISTS events (
  seq     INTEGER PRIMARY KEY,
  run     TEXT NOT NULL,
  at      TEXT NOT NULL,
  kind    TEXT NOT NULL,
  step    TEXT,
  key     TEXT,
  attempt INTEGER,
  data    TEXT NOT NULL,
  digest  TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS events_once ON events (run, digest);

-- One row an attempt. The columns from `submitted` on hold the `seq` of the last event of that kind, or NULL.
-- Amounts are exact decimal texts.
CREATE TABLE IF NOT EXISTS attempts (
  run         TEXT NOT NULL,
  step        TEXT NOT NULL,
  key         TEXT NOT NULL,
  attempt     INTEGER NOT NULL,
  first       INTEGER NOT NULL,
  at          TEXT NOT NULL,
  provider    TEXT NOT NULL DEFAULT '',
  account     TEXT NOT NULL DEFAULT '',
  credits     TEXT NOT NULL DEFAULT '0',
  usd         TEXT,
  job_id      TEXT,
  charged     TEXT,
  refunded    TEXT,
  settled_usd TEXT,
  source      TEXT,
  started     INTEGER,
  submitted   INTEGER,
  refused     INTEGER,
  doubted     INTEGER,
  settled     INTEGER,
  succeeded   INTEGER,
  failed      INTEGER,
  PRIMARY KEY (key, run, step, attempt)
) WITHOUT ROWID;

-- An attempt is open until it was refused, succeeded or failed; `failed` is also that it was cancelled, or that
-- what it had made is gone. What nobody knows the outcome of stays open although its step failed in this run: its money is held until somebody says how it ended. What nobody charges for and no
-- service took is not pending: it is simply done again. What was paid and not delivered stays open too: `failed` is
-- NULL then.
CREATE INDEX IF NOT EXISTS attempts_open ON attempts (key) WHERE
  refused IS NULL AND succeeded IS NULL
  AND (failed IS NULL OR (doubted IS NOT NULL AND submitted IS NULL AND settled IS NULL))
  AND (submitted IS NOT NULL OR doubted IS NOT NULL OR (provider <> '' AND account <> ''));

-- What a service may be working on, or is just being asked: few rows, however long the ledger is.
CREATE INDEX IF NOT EXISTS attempts_in_flight ON attempts (account, at) WHERE
  refused IS NULL AND succeeded IS NULL AND failed IS NULL AND settled IS NULL AND started IS NOT NULL;

-- What is reserved, charged or of unknown outcome, by account and by the day (in UTC) and the quarter of an hour of the
-- reservation: of it every day, week and month of any time zone is made up. Amounts are exact decimal texts.
CREATE TABLE IF NOT EXISTS held (
  grain   TEXT NOT NULL,
  span    TEXT NOT NULL,
  account TEXT NOT NULL,
  credits TEXT NOT NULL,
  usd     TEXT NOT NULL,
  PRIMARY KEY (grain, span, account)
) WITHOUT ROWID;

-- Steps that wait for a place at an account whose every place is taken, so that runs get one in turn. A row that was
-- not renewed until `until` is of a process that has gone.
CREATE TABLE IF NOT EXISTS waiting (
  account TEXT NOT NULL,
  run     TEXT NOT NULL,
  step    TEXT NOT NULL,
  since   TEXT NOT NULL,
  until   TEXT NOT NULL,
  PRIMARY KEY (account, run, step)
) WITHOUT ROWID;

-- Who holds which name (a recipe with its output), where: the operating system's lock tells nothing across machines.
-- `boot` tells one life of a machine from every other, `token` one holder from the next; `run` is empty until it is
-- known, and `who` is what people call the holder. A lease that was not renewed until `until` has run out.
CREATE TABLE IF NOT EXISTS leases (
  name  TEXT PRIMARY KEY,
  who   TEXT NOT NULL,
  run   TEXT NOT NULL,
  host  TEXT NOT NULL,
  boot  TEXT NOT NULL,
  pid   INTEGER NOT NULL,
  token TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT NOT NULL
) WITHOUT ROWID;

-- What accounts had left whenever that was asked: an exact decimal text of credits. `asked` is the `seq` of the last
-- event before the question, `told` of the last one when the answer was there: by them, and not by any clock, is known
-- what each attempt may have to do with it.
CREATE TABLE IF NOT EXISTS balances (
  account TEXT NOT NULL,
  told    INTEGER NOT NULL,
  at      TEXT NOT NULL,
  asked   INTEGER NOT NULL,
  credits TEXT NOT NULL,
  PRIMARY KEY (account, told, at)
) WITHOUT ROWID;

-- Which key has which result: the `seq` of its last Succeeded.
CREATE TABLE IF NOT EXISTS results (
  key TEXT PRIMARY KEY,
  seq INTEGER NOT NULL
) WITHOUT ROWID;

-- Failures that repeating cannot cure: the `seq` of the key's last permanent Failed, unless it succeeded since.
CREATE TABLE IF NOT EXISTS standing (
  key TEXT PRIMARY KEY,
  seq INTEGER NOT NULL
) WITHOUT ROWID;
