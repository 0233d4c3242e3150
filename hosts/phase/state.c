/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: the state in SQLite. It is written in transactions with a rollback journal and synced, so that it is
 * whole whenever the process is killed; there is one file to look after, and no second one but during a change. */
#define _GNU_SOURCE 1 /* asprintf */

#include "phase/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Raised with each change of the tables below; what an older one needs then is a case of open_schema. */
enum { SCHEMA_VERSION = 2, APPLICATION = 0x61647a70 /* "adzp" */, BUSY_MS = 5000 };

static const char schema[]
    = "CREATE TABLE phase ("
      " id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, note TEXT NOT NULL, created TEXT NOT NULL,"
      " status TEXT NOT NULL CHECK (status IN"
      "  ('planning', 'training', 'merging', 'compressing', 'deployed', 'failed')),"
      /* The newest build when the status was set: a newer one is what has come of it. */
      " begun INTEGER NOT NULL DEFAULT 0);"
      "CREATE TABLE domain ("
      " id INTEGER PRIMARY KEY, phase INTEGER NOT NULL REFERENCES phase, name TEXT NOT NULL,"
      " folder TEXT NOT NULL, description TEXT NOT NULL, keywords TEXT NOT NULL, profile TEXT NOT NULL,"
      " speed REAL NOT NULL, quality REAL NOT NULL,"
      " status TEXT NOT NULL CHECK (status IN ('pending', 'training', 'complete', 'failed')),"
      " UNIQUE (phase, name));"
      "CREATE TABLE metric ("
      " domain INTEGER NOT NULL REFERENCES domain, name TEXT NOT NULL, value REAL NOT NULL, at TEXT NOT NULL,"
      " PRIMARY KEY (domain, name));"
      /* What cleaning a domain's folder would delete, as it was when it was listed. */
      "CREATE TABLE listing ("
      " domain INTEGER PRIMARY KEY REFERENCES domain, device INTEGER NOT NULL, inode INTEGER NOT NULL,"
      " at TEXT NOT NULL);"
      "CREATE TABLE listed ("
      " domain INTEGER NOT NULL REFERENCES domain, number INTEGER NOT NULL, path BLOB NOT NULL,"
      " why TEXT NOT NULL, folder INTEGER NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,"
      " size INTEGER NOT NULL, seconds INTEGER NOT NULL, nanoseconds INTEGER NOT NULL,"
      " PRIMARY KEY (domain, number));"
      "CREATE TABLE build ("
      " phase INTEGER NOT NULL REFERENCES phase, number INTEGER NOT NULL, digest TEXT NOT NULL,"
      " bytes INTEGER NOT NULL, at TEXT NOT NULL, PRIMARY KEY (phase, number));"
      /* Deployments and rollbacks, written down before they are done: STATE is begun, done or broken. */
      "CREATE TABLE move ("
      " id INTEGER PRIMARY KEY, phase INTEGER NOT NULL REFERENCES phase, target TEXT NOT NULL,"
      " verb TEXT NOT NULL CHECK (verb IN ('deploy', 'rollback')), digest TEXT NOT NULL,"
      " number INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('begun', 'done', 'broken')),"
      " at TEXT NOT NULL);";

int
phase_state_broken (const phase_state *state, const char *what)
{
  adze_cli_refuse (state->cli, "%s: %s/state.sqlite: %s", what, state->root,
                   state->db ? sqlite3_errmsg (state->db) : "it cannot be opened");
  return ADZE_CLI_BROKEN;
}

void
phase_state_close (phase_state *state)
{
  if (state->db)
    sqlite3_close (state->db);
  if (state->lock >= 0)
    close (state->lock);
  free (state->root);
  *state = (phase_state){ .lock = -1 };
}

void
phase_statement_end (sqlite3_stmt **statement)
{
  sqlite3_finalize (*statement);
}

/* ---- Statements. */

static int
bind (sqlite3_stmt *statement, int index, char type, va_list *values)
{
  switch (type) {
  case 's': {
    const char *text = va_arg (*values, const char *);
    return text ? sqlite3_bind_text (statement, index, text, -1, SQLITE_TRANSIENT) : SQLITE_OK;
  }
  case 'i':
    return sqlite3_bind_int64 (statement, index, va_arg (*values, int64_t));
  case 'f':
    return sqlite3_bind_double (statement, index, va_arg (*values, double));
  default: {
    const void *bytes = va_arg (*values, const void *);
    return sqlite3_bind_blob64 (statement, index, bytes, va_arg (*values, size_t), SQLITE_TRANSIENT);
  }
  }
}

static int
prepare (const phase_state *state, sqlite3_stmt **statement, const char *sql, const char *types, va_list *values)
{
  int result = sqlite3_prepare_v2 (state->db, sql, -1, statement, NULL);
  for (int i = 0; result == SQLITE_OK && types[i]; i++)
    result = bind (*statement, i + 1, types[i], values);
  return result == SQLITE_OK ? ADZE_CLI_FINE : phase_state_broken (state, "cannot ask the state");
}

int
phase_prepare (const phase_state *state, sqlite3_stmt **statement, const char *sql, const char *types, ...)
{
  va_list values;
  va_start (values, types);
  const int status = prepare (state, statement, sql, types, &values);
  va_end (values);
  return status;
}

int
phase_step (const phase_state *state, sqlite3_stmt *statement, bool *row)
{
  const int result = sqlite3_step (statement);
  *row = result == SQLITE_ROW;
  return *row || result == SQLITE_DONE ? ADZE_CLI_FINE : phase_state_broken (state, "cannot read or change the state");
}

int
phase_do (const phase_state *state, const char *sql, const char *types, ...)
{
  PHASE_STATEMENT *statement = NULL;
  va_list values;
  bool row;
  va_start (values, types);
  const int status = prepare (state, &statement, sql, types, &values);
  va_end (values);
  return status == ADZE_CLI_FINE ? phase_step (state, statement, &row) : status;
}

int
phase_print (const phase_state *state, const char *sql, int64_t id)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  int status = phase_prepare (state, &statement, sql, "i", id);
  if (status == ADZE_CLI_FINE)
    status = phase_step (state, statement, &row);
  if (status == ADZE_CLI_FINE)
    fprintf (adze_cli_out, "%s\n", phase_text (statement, 0));
  return status;
}

const char *
phase_text (sqlite3_stmt *statement, int column)
{
  const char *text = (const char *)sqlite3_column_text (statement, column);
  return text ? text : "";
}

/* ---- Opening. */

static int
pragma (const phase_state *state, const char *sql, int64_t *number)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  int status = phase_prepare (state, &statement, sql, "");
  if (status == ADZE_CLI_FINE)
    status = phase_step (state, statement, &row);
  if (number)
    *number = row ? sqlite3_column_int64 (statement, 0) : 0;
  return status;
}

/* From the version FROM, 0 being nothing at all, to that of today. */
static int
change_schema (const phase_state *state, int64_t from, const char *change)
{
  char settings[96];
  snprintf (settings, sizeof settings, "PRAGMA user_version = %d; PRAGMA application_id = %d", SCHEMA_VERSION,
            APPLICATION);
  if (sqlite3_exec (state->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
    return phase_state_broken (state, "cannot begin, or bring up to date, the state");
  int64_t version = 0; /* somebody else may have done it since */
  int status = pragma (state, "PRAGMA user_version", &version);
  if (status == ADZE_CLI_FINE && version == from
      && (sqlite3_exec (state->db, change, NULL, NULL, NULL) != SQLITE_OK
          || sqlite3_exec (state->db, settings, NULL, NULL, NULL) != SQLITE_OK))
    status = phase_state_broken (state, "cannot begin, or bring up to date, the state");
  if (status == ADZE_CLI_FINE && sqlite3_exec (state->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
    status = phase_state_broken (state, "cannot begin, or bring up to date, the state");
  return status;
}

static int
open_schema (const phase_state *state)
{
  int64_t version = 0, application = 0, tables = 0;
  int status = pragma (state, "PRAGMA user_version", &version);
  if (status == ADZE_CLI_FINE)
    status = pragma (state, "PRAGMA application_id", &application);
  if (status == ADZE_CLI_FINE)
    status = pragma (state, "SELECT count(*) FROM sqlite_master", &tables);
  if (status != ADZE_CLI_FINE)
    return status;
  if (version == 0 && application == 0 && tables == 0)
    return change_schema (state, 0, schema);
  if (application != APPLICATION)
    return adze_cli_refuse (state->cli,
                            "%s/state.sqlite is a database of another program; name another folder with --root",
                            state->root);
  if (version == 1) /* phases did not know which builds are older than their status */
    return change_schema (state, 1, "ALTER TABLE phase ADD COLUMN begun INTEGER NOT NULL DEFAULT 0");
  if (version != SCHEMA_VERSION)
    return adze_cli_refuse (state->cli,
                            "%s/state.sqlite has version %lld, and this adze-phase knows version %d; use the one that "
                            "wrote it, or a newer one",
                            state->root, (long long)version, SCHEMA_VERSION);
  return ADZE_CLI_FINE;
}

static int
find_root (phase_state *state, const char *given, bool make)
{
  const char *folder = given ? given : "adze-phases";
  if (make && mkdir (folder, 0777) != 0 && errno != EEXIST)
    return adze_cli_broken (state->cli, "cannot make the folder %s", folder);
  state->root = realpath (folder, NULL);
  if (!state->root && errno != ENOENT)
    return adze_cli_broken (state->cli, "cannot use the folder %s", folder);
  char *path = state->root ? phase_path (state, "state.sqlite") : NULL;
  struct stat found = { 0 };
  const bool there = path && lstat (path, &found) == 0;
  free (path);
  if (there && !S_ISREG (found.st_mode))
    return adze_cli_refuse (state->cli, "%s/state.sqlite is no file", state->root);
  if (there || (make && state->root))
    return ADZE_CLI_FINE;
  return adze_cli_refuse (state->cli,
                          "there are no phases in %s: it has no state.sqlite; adze phase create NAME begins one, and "
                          "--root names another folder",
                          folder);
}

int
phase_state_open (adze_cli *cli, const adze_cli_arguments *arguments, bool make, phase_state *state)
{
  *state = (phase_state){ .cli = cli, .lock = -1 };
  int status = find_root (state, adze_cli_value (arguments, "root"), make);
  if (status != ADZE_CLI_FINE)
    return status;
  ADZE_CLI_FREE char *path = phase_path (state, "state.sqlite");
  if (!path)
    return adze_cli_no_memory (cli);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | (make ? SQLITE_OPEN_CREATE : 0);
  if (sqlite3_open_v2 (path, &state->db, flags, NULL) != SQLITE_OK)
    return phase_state_broken (state, "cannot open the state");
  sqlite3_busy_timeout (state->db, BUSY_MS);
  if (sqlite3_exec (state->db, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF", NULL,
                    NULL, NULL)
      != SQLITE_OK)
    return phase_state_broken (state, "cannot open the state");
  return open_schema (state);
}

int
phase_state_lock (phase_state *state)
{
  ADZE_CLI_FREE char *path = phase_path (state, "lock");
  if (!path)
    return adze_cli_no_memory (state->cli);
  state->lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (state->lock < 0)
    return adze_cli_broken (state->cli, "cannot open %s", path);
  if (flock (state->lock, LOCK_EX | LOCK_NB) == 0)
    return ADZE_CLI_FINE;
  if (errno != EWOULDBLOCK)
    return adze_cli_broken (state->cli, "cannot lock %s", path);
  return adze_cli_refuse (state->cli, "another adze phase is building or cleaning in %s; wait for it", state->root);
}

/* ---- Names. */

int
phase_check_name (const adze_cli *cli, const char *what, const char *name)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  const size_t size = strlen (name);
  bool fine = size > 0 && size <= 64 && strchr (letters, name[0]);
  for (size_t i = 1; fine && i < size; i++)
    fine = strchr (letters, name[i]) || strchr ("._-", name[i]);
  if (fine)
    return ADZE_CLI_FINE;
  return adze_cli_misuse (cli,
                          "'%s' cannot be the name of a %s, since it becomes that of a file: needed are 1 to 64 of a-z, "
                          "0-9 and, behind the first, '.', '_' and '-'",
                          name, what);
}

enum { NAMES_MOST = 256 };

/* Looks NAME up by a query that gives names and numbers. */
static int
find_name (const phase_state *state, sqlite3_stmt *statement, const char *what, const char *name, int64_t *number)
{
  char *names[NAMES_MOST];
  size_t count = 0;
  bool row = true, found = false;
  int status = ADZE_CLI_FINE;
  while (!found && (status = phase_step (state, statement, &row)) == ADZE_CLI_FINE && row) {
    found = strcmp (phase_text (statement, 0), name) == 0;
    *number = sqlite3_column_int64 (statement, 1);
    if (!found && count < NAMES_MOST && (names[count] = strdup (phase_text (statement, 0))))
      count++;
  }
  if (status == ADZE_CLI_FINE && !found) {
    const char *meant = adze_cli_nearest (name, (const char *const *)names, count);
    status = adze_cli_refuse (state->cli, "there is no %s '%s'%s%s%s", what, name, meant ? "; did you mean '" : "",
                              meant ? meant : "", meant ? "'?" : "");
  }
  while (count > 0)
    free (names[--count]);
  return status;
}

int
phase_find (const phase_state *state, const char *name, int64_t *phase)
{
  PHASE_STATEMENT *statement = NULL;
  int status = phase_prepare (state, &statement, "SELECT name, id FROM phase ORDER BY name", "");
  return status == ADZE_CLI_FINE ? find_name (state, statement, "phase", name, phase) : status;
}

int
phase_find_domain (const phase_state *state, int64_t phase, const char *name, int64_t *domain)
{
  PHASE_STATEMENT *statement = NULL;
  int status
      = phase_prepare (state, &statement, "SELECT name, id FROM domain WHERE phase = ? ORDER BY name", "i", phase);
  return status == ADZE_CLI_FINE ? find_name (state, statement, "domain", name, domain) : status;
}

int
phase_set_status (const phase_state *state, int64_t phase, const char *status)
{
  return phase_do (state,
                   "UPDATE phase SET status = ?1, begun = iif (?1 = 'deployed', begun,"
                   " (SELECT ifnull (max (number), 0) FROM build WHERE phase = ?2)) WHERE id = ?2",
                   "si", status, phase);
}

char *
phase_path (const phase_state *state, const char *format, ...)
{
  va_list values;
  char *tail = NULL, *path = NULL;
  va_start (values, format);
  if (vasprintf (&tail, format, values) < 0)
    tail = NULL;
  va_end (values);
  if (tail && asprintf (&path, "%s/%s", state->root, tail) < 0)
    path = NULL;
  free (tail);
  return path;
}
