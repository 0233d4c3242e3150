/* SPDX-License-Identifier: Apache-2.0 */
/* phase/clean.h: what a model's folder could do without. */
#ifndef ADZE_PHASE_CLEAN_H
#define ADZE_PHASE_CLEAN_H

#include "phase/state.h"
#include "phase/tree.h"

/* ---- junk.c: what is what. Each gives a few words for people, or NULL: it is none of that. */

const char *phase_junk_folder (const char *name);
const char *phase_junk_file (const char *name);
/* Is the file NAME of FOLDER, of the status FOUND, damaged? Only of kinds that can be told. */
const char *phase_junk_content (const phase_state *state, int folder, const char *name, const struct stat *found);

/* ---- clean.c: what would be deleted, and what would be left though its name says the same. */

typedef struct phase_junk {
  char *path; /* relative to the folder */
  char *why;
  bool folder;
  struct stat found;
} phase_junk;

typedef struct phase_left {
  char *path;
  char *why;
} phase_left;

typedef struct phase_sweep {
  phase_junk *junk; /* what lies in a folder stands before it */
  size_t junk_count;
  phase_left *left;
  size_t left_count;
  uint64_t bytes;
  bool failed; /* memory did not suffice */
} phase_sweep;

void phase_sweep_cleanup (phase_sweep *sweep);
#define PHASE_SWEEP __attribute__ ((cleanup (phase_sweep_cleanup))) phase_sweep

/* One more of either; words are copied. */
void phase_sweep_junk (phase_sweep *sweep, const char *path, const char *why, const struct stat *found);
void phase_sweep_leave (phase_sweep *sweep, const char *path, const char *why);

/* The folder of a domain, opened; *PATH is to be freed. */
int phase_clean_open (const phase_state *state, int64_t domain, char **path, int *folder, struct stat *found);

/* Looks for what a domain could do without, and keeps it as the listing that a deletion goes by. */
int phase_clean_list (const phase_state *state, int64_t domain, phase_sweep *sweep);

/* ---- delete.c: deletes what was listed last and is as it was. SWEEP gets what went, and what was left. */
int phase_clean_delete (const phase_state *state, int64_t domain, phase_sweep *sweep);

#endif
