/* SPDX-License-Identifier: Apache-2.0 */
/* run/folder.h: what a run leaves behind, and finds again.
 *
 *   RUNS/                      "adze-runs" beside the pipeline's file, or where --runs says
 *     lock                     held while a run is under way: its process and its folder
 *     known.json               files whose content was hashed: identity -> hash
 *     results/KEY.json         a result: key parts, facts, and which files hold it
 *     results/KEY.NAME         its files
 *     0001-NAME/               a run
 *       run.json               state: running, failed, cancelled, finished; times, seed,
 *                              parameters, version
 *       pipeline.toml          as it was, after --set
 *       plan.json
 *       journal                a line a tensor, each with its checksum
 *       notes/                 what adze_journal_note was given
 *       parts.jsonl            where the temporary files of its outputs are
 *       results.jsonl          which results it used, with all that these depend on
 *       events.jsonl decisions.jsonl metrics.json report.json
 *
 * All files but journal and the .jsonl are replaced whole. Who holds RUNS/lock runs; a second run
 * in the same folder is refused, with the process of the first. A lock goes with its holder, however
 * that ended. All functions may be called from several threads.
 */
#ifndef ADZE_RUN_FOLDER_H
#define ADZE_RUN_FOLDER_H

#include "run/key.h"

typedef struct adze_folder adze_folder;

typedef struct adze_folder_options {
  const char *runs;     /* the folder RUNS */
  const char *name;     /* of the pipeline */
  const char *identity; /* of the pipeline after --set: the newest run of this identity is gone on
                           with when it did not finish; NULL: never */
  const char *text;     /* becomes pipeline.toml; NULL: no such file */
  bool fresh;           /* begin a new run, and take no result from the store but its own */
  bool look;            /* for `--explain`: nothing is made, locked or written; results, known files
                           and the journal of the run that would be gone on with can be asked */
} adze_folder_options;

ADZE_MUST_CHECK adze_error *adze_folder_open (const adze_folder_options *options,
                                              adze_folder **folder);
/* What is buffered is written; adze_folder_flush says whether that went well. */
void adze_folder_close (adze_folder *folder);
/* RUNS/0001-NAME; NULL when only looking, and there is no run to be gone on with. */
const char *adze_folder_path_of (const adze_folder *folder);
bool adze_folder_is_resumed (const adze_folder *folder);

/* For run.json, from where `adze runs` has them: the seed, and parameters as a table, flat
 * ("clip.percentile" -> 99.9) or one table a stage; copied. Written with the next state. */
ADZE_MUST_CHECK adze_error *adze_folder_describe (adze_folder *folder, uint64_t seed,
                                                  const adze_value *parameters);
/* A file of the run, whole. */
ADZE_MUST_CHECK adze_error *adze_folder_put (adze_folder *folder, const char *name,
                                             const adze_value *value);
/* A line to one of the .jsonl. Buffered; written by adze_folder_flush and close, and, but for
 * "events.jsonl", before the next line of the journal: what is known of a tensor that will not be
 * repeated must not be lost. A piece of work that is repeated adds its lines again; the later ones
 * count. */
ADZE_MUST_CHECK adze_error *adze_folder_add_line (adze_folder *folder, const char *name,
                                                  const adze_value *line);
ADZE_MUST_CHECK adze_error *adze_folder_flush (adze_folder *folder);
/* "running", "failed", "cancelled", "finished"; FAILURE may be NULL. A run is "running" once it is
 * open. */
ADZE_MUST_CHECK adze_error *adze_folder_state (adze_folder *folder, const char *state,
                                               const adze_error *failure);

/* ---- Journal: what was done inside a segment that is not finished. */

/* Tensor number TENSOR of the segment whose key is SEGMENT has been written, and has this hash.
 * What was written before is not repeated. Lines that a crash cut short are passed over. After
 * another boot than the one that wrote a line, *SURE is false: the bytes may not have reached the
 * disk, and are to be hashed again before they are believed.
 *
 * Nothing has to be synced for a process that is killed: what was written is in the kernel's hands.
 * For the power cut the journal is synced about once a second, so that it is not further behind
 * than that. */
ADZE_MUST_CHECK adze_error *adze_journal_add (adze_folder *folder, adze_hash128 segment,
                                              uint64_t tensor, adze_hash128 hash);
bool adze_journal_has (const adze_folder *folder, adze_hash128 segment, uint64_t tensor,
                       adze_hash128 *hash, bool *sure);
/* Other facts of an unfinished segment, by name: an accumulator that was complete. On the disk when
 * it returns. */
ADZE_MUST_CHECK adze_error *adze_journal_note (adze_folder *folder, adze_hash128 segment,
                                               const char *name, const void *data, size_t size);
/* *DATA (to be freed) stays NULL when there is none, or it is damaged. */
ADZE_MUST_CHECK adze_error *adze_journal_noted (const adze_folder *folder, adze_hash128 segment,
                                                const char *name, void **data, size_t *size);
/* The same of a FILE on this file system that may be too large to be held: it becomes the note, at *PATH (to
 * be freed, also when it fails). HASH, of SIZE bytes, is for whoever looks whether it is whole. */
ADZE_MUST_CHECK adze_error *adze_journal_note_file (adze_folder *folder, adze_hash128 segment,
                                                    const char *name, const char *file,
                                                    adze_hash128 hash, uint64_t size, char **path);
/* *PATH (to be freed) stays NULL when there is none; whether it is whole is not looked at. */
ADZE_MUST_CHECK adze_error *adze_journal_noted_file (const adze_folder *folder,
                                                     adze_hash128 segment, const char *name,
                                                     adze_hash128 *hash, uint64_t *size,
                                                     char **path);
/* What the journal says of a segment holds no more: it is finished, or what it wrote has gone. */
ADZE_MUST_CHECK adze_error *adze_journal_forget (adze_folder *folder, adze_hash128 segment);

/* ---- Results: finished segments, by key. Never failures. */

/* FACTS is copied. Files of the result were written under adze_result_path (or where an output
 * belongs), synced, and named in FACTS by adze_result_add_file before. */
ADZE_MUST_CHECK adze_error *adze_result_keep (adze_folder *folder, const adze_key *key,
                                              const adze_value *facts);
/* Notes in FACTS, a table, that the file at PATH (an absolute one) holds the result, or a part of
 * it: its list "files" gets { path, device, inode, size, mtime_ns, ctime_ns }. To be called when
 * the file has its final name, since renaming changes ctime. */
ADZE_MUST_CHECK adze_error *adze_result_add_file (adze_value *facts, const char *path);
/* *FACTS (to be freed) stays NULL when there is no such result, or one of its files has gone or
 * changed. */
ADZE_MUST_CHECK adze_error *adze_result_find (adze_folder *folder, const adze_key *key,
                                              adze_value **facts);
/* The same, and why there is none, for people: "its file /a/b.onnx has gone"; INTO stays empty
 * when there never was one. */
ADZE_MUST_CHECK adze_error *adze_result_find_why (adze_folder *folder, const adze_key *key,
                                                  adze_value **facts, adze_buffer *into);
/* Is there, or may there be, any result of just these STAGES (part "stage")? */
ADZE_MUST_CHECK adze_error *adze_result_any (const adze_folder *folder, const char *stages,
                                             bool *any);
/* Is STAGE one of those that the result with these PARTS is about? */
bool adze_result_names (const adze_value *parts, const char *stage);
/* For --explain: the parts, a table each, of all results that the last run used, be they kept still or
 * not: of the runs of a pipeline of this name that finished the one that did so last, else its newest
 * one. What was used last comes first. A list, to be freed; *RECORDS stays NULL where there was no such
 * run. *FINISHED false: it may not have come to all of its stages. */
ADZE_MUST_CHECK adze_error *adze_last_run (const adze_folder *folder, adze_value **records,
                                           bool *finished);
/* Where there was none: the parts of the newest result that any pipeline's run left of any of STAGES, the
 * keys of a table; to be freed. *PARTS stays NULL where there is none. */
ADZE_MUST_CHECK adze_error *adze_result_newest (const adze_folder *folder,
                                                const adze_value *stages, adze_value **parts);
/* "RUNS/results/KEY.NAME", absolute; to be freed. */
ADZE_MUST_CHECK adze_error *adze_result_path (const adze_folder *folder, adze_hash128 key,
                                              const char *name, char **path);

/* ---- Files whose content is known: WHAT of it has this hash. The oldest beyond 10,000 are
 * forgotten. Several processes may do this at once. */

bool adze_known_get (const adze_folder *folder, const adze_file_identity *identity,
                     const char *what, adze_hash128 *hash);
ADZE_MUST_CHECK adze_error *adze_known_put (adze_folder *folder,
                                            const adze_file_identity *identity, const char *what,
                                            adze_hash128 hash);

/* ---- Looking back: what `adze runs` shows. */

/* A list of tables, oldest first: number, name, path, state, started, finished, seconds, seed,
 * metrics and parameters (flat), failure. A run that died has state "broken off", and one whose
 * run.json cannot be read "damaged". One whose metrics cannot be read has none, and says why. */
#define ADZE_RUN_UNREAD "metrics-damaged"
ADZE_MUST_CHECK adze_error *adze_runs_read (const char *runs, adze_value **list);
/* The same of one run, by its folder. */
ADZE_MUST_CHECK adze_error *adze_run_read (const char *path, adze_value **run);
/* Adds to RUN what came out otherwise than it was asked for, as lists of lines for people where there
 * are any: "achieved", "fallbacks", "warnings". */
ADZE_MUST_CHECK adze_error *adze_run_noted (const char *folder, adze_value *run);
/* The folder of one run, to be freed: RUN is a path, a number, a name, or "last". */
ADZE_MUST_CHECK adze_error *adze_runs_find (const char *runs, const char *run, char **path);

#endif
