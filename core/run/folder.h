/* SPDX-License-Identifier: Apache-2.0 */
/* run/folder.h: what a run leaves behind, and finds again.
 *
 *   RUNS/                      "adze-runs" beside the pipeline's file, or where --runs says
 *     known.json               files whose content was hashed: identity -> hash
 *     results/KEY.json         a result: key parts, facts, and which files hold it
 *     results/KEY.NAME         its files
 *     0001-NAME/               a run
 *       run.json               state: running, failed, cancelled, finished; times, seed, version
 *       pipeline.toml          as it was, after --set
 *       plan.json
 *       journal                a line a tensor, each with its checksum
 *       events.jsonl decisions.jsonl metrics.json report.json
 *
 * All files but journal and the .jsonl are replaced whole. Who holds RUNS/lock runs; a second run
 * in the same folder is refused by name.
 */
#ifndef ADZE_RUN_FOLDER_H
#define ADZE_RUN_FOLDER_H

#include "run/key.h"

typedef struct adze_folder adze_folder;

typedef struct adze_folder_options {
  const char *runs;     /* the folder RUNS */
  const char *name;     /* of the pipeline */
  const char *identity; /* of the pipeline after --set: a run that was broken off is gone on with
                           when this is the same */
  const char *text;     /* becomes pipeline.toml */
  bool fresh;           /* begin a new run, and take no result from the store */
} adze_folder_options;

ADZE_MUST_CHECK adze_error *adze_folder_open (const adze_folder_options *options,
                                              adze_folder **folder);
void adze_folder_close (adze_folder *folder);
const char *adze_folder_path_of (const adze_folder *folder); /* RUNS/0001-NAME */
bool adze_folder_is_resumed (const adze_folder *folder);

/* A file of the run, whole. */
ADZE_MUST_CHECK adze_error *adze_folder_put (adze_folder *folder, const char *name,
                                             const adze_value *value);
/* A line to one of the .jsonl. Buffered; flushed by adze_folder_flush and close. */
ADZE_MUST_CHECK adze_error *adze_folder_add_line (adze_folder *folder, const char *name,
                                                  const adze_value *line);
ADZE_MUST_CHECK adze_error *adze_folder_flush (adze_folder *folder);
/* "running", "failed", "cancelled", "finished"; FAILURE may be NULL. */
ADZE_MUST_CHECK adze_error *adze_folder_state (adze_folder *folder, const char *state,
                                               const adze_error *failure);

/* ---- Journal: what was done inside a segment that is not finished. */

/* Tensor number TENSOR of the segment whose key is SEGMENT has been written, and has this hash.
 * What was written before is not repeated. Lines that a crash cut short are passed over. After
 * another boot than the one that wrote a line, *SURE is false: the bytes may not have reached the
 * disk, and are to be hashed again before they are believed. */
ADZE_MUST_CHECK adze_error *adze_journal_add (adze_folder *folder, adze_hash128 segment,
                                              uint64_t tensor, adze_hash128 hash);
bool adze_journal_has (const adze_folder *folder, adze_hash128 segment, uint64_t tensor,
                       adze_hash128 *hash, bool *sure);
/* Other facts of an unfinished segment, by name: an accumulator that was complete. */
ADZE_MUST_CHECK adze_error *adze_journal_note (adze_folder *folder, adze_hash128 segment,
                                               const char *name, const void *data, size_t size);
ADZE_MUST_CHECK adze_error *adze_journal_noted (const adze_folder *folder, adze_hash128 segment,
                                                const char *name, void **data, size_t *size);

/* ---- Results: finished segments, by key. Never failures. */

/* FACTS is copied. Files of the result were written under adze_result_path and synced before. */
ADZE_MUST_CHECK adze_error *adze_result_keep (adze_folder *folder, const adze_key *key,
                                              const adze_value *facts);
/* *FACTS (to be freed) stays NULL when there is no such result, or one of its files has gone or
 * changed. */
ADZE_MUST_CHECK adze_error *adze_result_find (adze_folder *folder, const adze_key *key,
                                              adze_value **facts);
/* Is there any result of this STAGE (part "stage")? Its parts, for --explain; the newest; to be
 * freed. *PARTS stays NULL when there is none. */
ADZE_MUST_CHECK adze_error *adze_result_last (adze_folder *folder, const char *stage,
                                              adze_value **parts);
/* "RUNS/results/KEY.NAME"; to be freed. */
ADZE_MUST_CHECK adze_error *adze_result_path (const adze_folder *folder, adze_hash128 key,
                                              const char *name, char **path);

/* ---- Files whose content is known. */

bool adze_known_get (const adze_folder *folder, const adze_file_identity *identity,
                     const char *what, adze_hash128 *hash);
ADZE_MUST_CHECK adze_error *adze_known_put (adze_folder *folder,
                                            const adze_file_identity *identity, const char *what,
                                            adze_hash128 hash);

/* ---- Looking back: what `adze runs` shows. */

/* A list of tables: number, name, path, state, started, finished, seed, metrics, parameters. */
ADZE_MUST_CHECK adze_error *adze_runs_read (const char *runs, adze_value **list);
/* All of one run: RUN is a path, a number, a name, or "last". */
ADZE_MUST_CHECK adze_error *adze_runs_find (const char *runs, const char *run, char **path);

#endif
