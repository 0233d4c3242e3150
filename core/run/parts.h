/* SPDX-License-Identifier: Apache-2.0 */
/* run/parts.h: the temporary files of outputs, which lie beside them and not in the run folder: a run
 * keeps in parts.jsonl where, so that they go when it does. */
#ifndef ADZE_RUN_PARTS_H
#define ADZE_RUN_PARTS_H

#include "run/folder.h"

/* What the names of temporary files of OUTPUT have in them that hold what KEY stands for: a later attempt
 * at the same, by a run in the same folder of runs, finds them. */
ADZE_MUST_CHECK adze_error *adze_part_tag (const adze_folder *folder, adze_hash128 key,
                                           const char *output, char tag[ADZE_HASH_TEXT]);

/* The run is about to make the temporary file PATH, or to go on with it. On the disk when it
 * returns. */
ADZE_MUST_CHECK adze_error *adze_part_note (adze_folder *folder, const char *path);
/* Those that the run in RUNS/RUN made and that are still there, absolute; free with
 * adze_names_free. */
ADZE_MUST_CHECK adze_error *adze_parts_of (const char *runs, const char *run, char ***paths,
                                           size_t *count);

/* Removes those of the failed runs of the pipeline NAME (or, with OWN, of FOLDER's alone), and of FOLDER's
 * where it is finished, that no run which was broken off or cancelled can go on with. *BYTES is what they took. */
ADZE_MUST_CHECK adze_error *adze_parts_drop (const adze_folder *folder, const char *name, bool own,
                                             uint64_t *bytes);

#endif
