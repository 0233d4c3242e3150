/* SPDX-License-Identifier: Apache-2.0 */
/* phase/state.h: what adze-phase remembers, in ROOT/state.sqlite.
 *
 * Functions return 0, or an exit status whose reason has been said. */
#ifndef ADZE_PHASE_STATE_H
#define ADZE_PHASE_STATE_H

#include <sqlite3.h>

#include "cli/cli.h"

typedef struct phase_state {
  adze_cli *cli;
  char *root; /* absolute */
  sqlite3 *db;
  int lock; /* of the root's builds and deletions; -1: not held */
} phase_state;

void phase_state_close (phase_state *state);
#define PHASE_STATE __attribute__ ((cleanup (phase_state_close))) phase_state

void phase_statement_end (sqlite3_stmt **statement);
#define PHASE_STATEMENT __attribute__ ((cleanup (phase_statement_end))) sqlite3_stmt

/* The option --root of all verbs. */
#define PHASE_ROOT_OPTION \
  { "root", 0, false, "DIR", "the folder of the phases; adze-phases here unless given" }

/* Opens the state of --root. MAKE: begins one where there is none; otherwise that is refused. STATE is to be
 * closed either way. */
int phase_state_open (adze_cli *cli, const adze_cli_arguments *arguments, bool make, phase_state *state);

/* One build, or deletion, at a time: others are refused until the state is closed. */
int phase_state_lock (phase_state *state);

/* Prepares SQL and binds what follows by TYPES: s a text (NULL is none), i an int64_t, f a double, b a blob and its
 * size (size_t). */
int phase_prepare (const phase_state *state, sqlite3_stmt **statement, const char *sql, const char *types, ...);

/* The next row: *ROW false at the end. */
int phase_step (const phase_state *state, sqlite3_stmt *statement, bool *row);

/* Prepare, bind, and all steps of what gives no rows. */
int phase_do (const phase_state *state, const char *sql, const char *types, ...);

/* Prints the first row of SQL about the number ID, which is one text: a document in JSON. */
int phase_print (const phase_state *state, const char *sql, int64_t id);

/* Of the current row, never NULL. */
const char *phase_text (sqlite3_stmt *statement, int column);

/* What the state says is wrong, with WHAT could not be done. */
int phase_state_broken (const phase_state *state, const char *what);

/* The number of a phase, or of a domain of it. An unknown one is refused, with the name that is near. */
int phase_find (const phase_state *state, const char *name, int64_t *phase);
int phase_find_domain (const phase_state *state, int64_t phase, const char *name, int64_t *domain);

/* Names of phases and domains become names of files: a-z, 0-9, and behind the first of these . _ -; 64 at most. */
int phase_check_name (const adze_cli *cli, const char *what, const char *name);

/* In a query of the phase p: the build that its status is about, or NULL. A phase that is compressing and has one is
 * built; one that has none is at it, or was ended in the middle. */
#define PHASE_BUILT "(SELECT max (number) FROM build WHERE phase = p.id AND number > p.begun)"

/* Sets the status of a phase. */
int phase_set_status (const phase_state *state, int64_t phase, const char *status);

/* "ROOT/" and what the format says; NULL without memory, to be freed. */
char *phase_path (const phase_state *state, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

#endif
