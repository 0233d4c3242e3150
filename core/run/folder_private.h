/* SPDX-License-Identifier: Apache-2.0 */
/* run/folder_private.h: a run folder's inside, shared by folder.c, journal.c, results.c, last.c,
 * known.c and those that look back. */
#ifndef ADZE_RUN_FOLDER_PRIVATE_H
#define ADZE_RUN_FOLDER_PRIVATE_H

#include <pthread.h>

#include "base/json.h"
#include "run/append.h"
#include "run/folder.h"
#include "run/run_lock.h"

/* Whatever a run.json or a result's record holds, it is no larger than this. */
enum { ADZE_RECORD_MOST = 64 << 20 };

/* In the current folder, when nobody said otherwise. */
#define ADZE_RUNS_DEFAULT "adze-runs"

/* A .jsonl of the run. */
typedef struct adze_lines {
  char *name;
  adze_append file;
  adze_buffer pending;
} adze_lines;

typedef struct adze_journal_entry {
  uint64_t tensor;
  adze_hash128 hash;
  uint32_t segment; /* its place among the segments, from 1; 0: nothing here */
  bool sure;
} adze_journal_entry;

typedef struct adze_journal_fact {
  size_t segment; /* likewise */
  adze_hash128 name;
  adze_hash128 hash;
  uint64_t size;
} adze_journal_fact;

typedef struct adze_journal_segment {
  adze_hash128 key;
  bool forgotten;
} adze_journal_segment;

typedef struct adze_journal {
  adze_append file;
  uint64_t boot; /* which start of the machine this is; 0: nobody knows */
  adze_journal_segment *segments;
  size_t segment_count;
  adze_journal_fact *facts;
  size_t fact_count;
  adze_journal_entry *entries; /* open addressing; CAPACITY is a power of two */
  size_t entry_count;
  size_t capacity;
  int64_t synced_ns;
  bool syncing; /* somebody is at it, without the mutex */
} adze_journal;

typedef struct adze_known_entry {
  adze_file_identity identity;
  adze_hash128 hash;
  char *what;
  bool ours; /* learnt by this process */
} adze_known_entry;

typedef struct adze_known {
  adze_known_entry *entries; /* oldest first */
  size_t count;
  size_t capacity;
  bool changed;
  int64_t saved_ns;
} adze_known;

struct adze_folder {
  /* Everything below that changes is read and written under it. */
  pthread_mutex_t mutex;
  char *runs; /* absolute */
  char *path; /* NULL when only looking, and there is no run to be gone on with */
  char *name;
  char *identity; /* NULL: none */
  uint64_t number;
  bool resumed;
  bool fresh;
  bool look;
  adze_run_lock lock;
  adze_value *record; /* what becomes run.json */
  int64_t opened_ns;
  double seconds_before; /* of the run, before it was gone on with */
  adze_lines *lines;
  size_t line_count;
  adze_journal journal;
  adze_known known;
  adze_hash128 *used; /* results that this process kept or found */
  size_t used_count;
};

static inline void
adze_mutex_unlock_cleanup (pthread_mutex_t **mutex)
{
  pthread_mutex_unlock (*mutex);
}
static inline pthread_mutex_t *
adze_mutex_locked (pthread_mutex_t *mutex)
{
  pthread_mutex_lock (mutex);
  return mutex;
}
/* Until the end of the scope. */
#define ADZE_HOLDING(folder) \
  __attribute__ ((cleanup (adze_mutex_unlock_cleanup), unused)) pthread_mutex_t *held_ \
      = adze_mutex_locked ((pthread_mutex_t *)&(folder)->mutex)

int64_t adze_monotonic_ns (void);

/* A JSON document that must be a table. *FOUND: there is such a file. */
ADZE_MUST_CHECK adze_error *adze_record_read (const char *path, adze_document *document,
                                              bool *found);
ADZE_MUST_CHECK adze_error *adze_record_write (const char *path, const adze_value *record);
/* NULL when there is none, or it is of another type. */
const char *adze_record_text (const adze_value *record, const char *key);
/* Puts VALUE, which it takes over, in the place of whatever KEY had. */
ADZE_MUST_CHECK adze_error *adze_record_set (adze_value *record, const char *key,
                                             adze_value *value);

/* ---- Records of results. */

char *adze_result_record_path (const adze_folder *folder, adze_hash128 key);
/* Reads a record. *SOUND: it is one, and of KEY unless that is NULL; if not, WHY says what it is,
 * unless there is none. */
ADZE_MUST_CHECK adze_error *adze_result_read (const char *path, const char *key,
                                              adze_document *document, bool *sound,
                                              adze_buffer *why);

/* ---- For folder.c, with the mutex held. */

/* PATH: of the run. LOOK: reads what there is, and opens nothing for writing. */
ADZE_MUST_CHECK adze_error *adze_journal_open (adze_journal *journal, const char *path, bool look);
ADZE_MUST_CHECK adze_error *adze_journal_sync (adze_journal *journal);
void adze_journal_close (adze_journal *journal);

ADZE_MUST_CHECK adze_error *adze_known_read (adze_folder *folder);
ADZE_MUST_CHECK adze_error *adze_known_save (adze_folder *folder);
void adze_known_close (adze_known *known);

ADZE_MUST_CHECK adze_error *adze_lines_add (adze_folder *folder, const char *name,
                                            const adze_value *line);
/* EVENTS: those of "events.jsonl", too. */
ADZE_MUST_CHECK adze_error *adze_lines_flush (adze_folder *folder, bool events);
void adze_lines_close (adze_folder *folder);

/* ---- Results that runs used. */

typedef struct adze_use {
  adze_hash128 key;
  adze_value *parts; /* of the key; empty where they are not known */
} adze_use;

typedef struct adze_uses {
  adze_use *items; /* in the order of their use; a key may be there more than once */
  size_t count;
} adze_uses;

void adze_uses_cleanup (adze_uses *uses);
/* PARTS are taken over. */
ADZE_MUST_CHECK adze_error *adze_uses_add (adze_uses *uses, adze_hash128 key, adze_value *parts);
/* Adds those of the run whose folder in RUNS is called RUN. */
ADZE_MUST_CHECK adze_error *adze_uses_read (const char *runs, const char *run, adze_uses *uses);

/* ---- Folders of runs. */

typedef struct adze_run_name {
  uint64_t number;
  char *folder; /* the name of the folder: "0001-small" */
} adze_run_name;

/* The name of a pipeline as a part of a folder's name; NULL without memory. */
char *adze_run_name_part (const char *pipeline);

/* The metrics that several stages have, as a table of stages; nothing where there are none. METRICS may be NULL. */
ADZE_MUST_CHECK adze_error *adze_runs_show_stages (const adze_value *metrics, adze_buffer *into);

/* Is the folder of that name one of a run of that pipeline? */
ADZE_MUST_CHECK adze_error *adze_run_is_of (const char *run, const char *pipeline, bool *is);

/* A folder of runs that somebody named is there: what is missing is no folder without runs, but a
 * slip. */
ADZE_MUST_CHECK adze_error *adze_runs_check_named (const char *runs);

/* The folders in RUNS that are named like a run's, lowest number first; none when there is no
 * RUNS. */
ADZE_MUST_CHECK adze_error *adze_run_names (const char *runs, adze_run_name **names,
                                            size_t *count);
void adze_run_names_free (adze_run_name *names, size_t count);

#endif
