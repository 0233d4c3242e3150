/* SPDX-License-Identifier: Apache-2.0 */
/* run/execution.h: one execution of a plan.
 *
 *   execute.c     the run from its folder to its last output
 *   segment.c     one segment: reductions, the last pass, what is checked before it counts
 *   decide.c      accumulators kept, and decisions taken on them once more
 *   content.c     what things are made of: hashes of inputs, keys of segments
 *   stands.c      whether all that is what it was
 *   content_settings.c   parameters, their files and components, and datasets as parts of keys
 *   compute.c     backends of stages with run
 *   outputs.c     files that are promoted when all has gone well
 *   parts.c       where their temporary files are
 *   whole.c       stages that take whole artifacts
 *   whole_inputs.c   what goes into them
 *   whole_given.c    the model that comes out, as it comes
 *   rehearse.c    what they take, found out before
 *   whole_verify.c   what they gave, held against what went in
 *   whole_keep.c  what they gave, kept and taken over by a later run
 *   require.c     what must hold before a segment counts
 *   leave.c       what the run leaves behind: report, lock
 *   explain.c     what would be done again, and why
 *   differs.c     what is otherwise than the last time
 *   tell.c        events
 */
#ifndef ADZE_RUN_EXECUTION_H
#define ADZE_RUN_EXECUTION_H

#include <stdatomic.h>

#include "pipeline/plan.h"
#include "run/folder.h"
#include "run/lock.h"
#include "run/pass.h"
#include "run/seen.h"
#include "run/sink.h"
#include "run/told.h"
#include "stage/networks.h"
#include "stage/observer.h"
#include "stage/run_hooks.h"

/* A file that is written and waits to be promoted. */
typedef struct adze_pending {
  adze_sink *sink;
  size_t output; /* of the pipeline */
  adze_key key;
  adze_value *facts;
  adze_hash128 journal;
} adze_pending;

/* What a stage with run gave to a port that is no model. */
typedef struct adze_given {
  char *port;
  struct adze_artifact *artifact;
} adze_given;

typedef struct adze_execution {
  adze_plan *plan;
  adze_run_options options;
  adze_folder *folder;
  adze_told *told;
  adze_seen *seen;
  atomic_bool *cancel;
  adze_hash128 *segment_keys; /* of those that are done */
  atomic_uint_fast64_t bytes_read; /* of the segment at hand, in all its passes */
  atomic_uint_fast64_t bytes_found; /* of it, too: what an earlier try had done */
  adze_pending *pending;      /* one a segment; SINK NULL: nothing waits */
  adze_given **given;         /* one list a stage */
  size_t *given_count;
  char *plan_identity;
  bool lock_stays; /* adze.lock cannot be written, which was said */
  adze_error *lost_events; /* why the run's own file of events is not whole; NULL: it is */
  adze_observation **observers; /* as many as were opened */
  size_t observer_count;
} adze_execution;

/* ---- execute.c */

/* LOOK: nothing is made or locked. Close either way. */
ADZE_MUST_CHECK adze_error *adze_execution_open (adze_plan *plan, const adze_run_options *options,
                                                 bool look, adze_execution *x);
void adze_execution_close (adze_execution *x);

/* ---- content.c */

/* Which files a model lies in, by identity, as a hash. */
void adze_identity_text (const adze_model *file, char text[ADZE_HASH_TEXT]);

/* The hash of what FILE holds now, all of which is read for it. */
ADZE_MUST_CHECK adze_error *adze_content_read (adze_runtime *runtime, const adze_model *file,
                                               adze_hash128 *hash);
/* The hash of what input NUMBER holds, where it was read once, by this run or an earlier one. */
ADZE_MUST_CHECK adze_error *adze_content_known (const adze_execution *x, size_t number, bool *known,
                                                adze_hash128 *hash);
/* The same; not known is, with --verify, what earlier runs have read, and with READ it is read now:
 * *KNOWN false when it was never read, and READ is not set. */
ADZE_MUST_CHECK adze_error *adze_content_of_input (adze_execution *x, size_t number, bool read,
                                                   bool *known, adze_hash128 *hash);
/* The tensors that a pass has read have these hashes; the others are read now. Remembered. */
ADZE_MUST_CHECK adze_error *adze_content_settle (adze_execution *x, size_t number,
                                                 adze_hash128 *hashes, const bool *known,
                                                 adze_hash128 *hash);
/* All that SEGMENT's result depends on. BY_IDENTITY: files stand for their content: for the
 * journal, which is of no use once they are others. */
ADZE_MUST_CHECK adze_error *adze_content_key (adze_execution *x, const adze_plan_segment *segment,
                                              bool by_identity, adze_key *key);
/* What the file of output NUMBER of the pipeline, a model, depends on besides what is in it. */
ADZE_MUST_CHECK adze_error *adze_content_output (adze_execution *x, adze_key *key, size_t number);

/* ---- stands.c */

/* Has nobody written into the files of the inputs since they were opened? Content that is settled is
 * what was read, if SURE; else, as where several passes read and one was hashed, nobody can tell. */
ADZE_MUST_CHECK adze_error *adze_content_stands (const adze_execution *x, bool sure);
/* Are the files of the parameters of its stages what they were before the stages could read them, and
 * is what computes what the key says? */
ADZE_MUST_CHECK adze_error *adze_stages_stand (adze_execution *x,
                                               const adze_plan_segment *segment);
/* ERROR, which ended the segment, with what of that does not stand in front of it. Takes ERROR over. */
ADZE_MUST_CHECK adze_error *adze_stages_blame (adze_execution *x, const adze_plan_segment *segment,
                                               adze_error *error);
/* As adze_stages_stand, and is its journal's key still the one of BEFORE it ran? Else the journal is forgotten. */
ADZE_MUST_CHECK adze_error *adze_segment_stands (adze_execution *x,
                                                 const adze_plan_segment *segment,
                                                 const adze_key *before);
/* Of the copy of MODEL to output NUMBER, whose key it was BEFORE. */
ADZE_MUST_CHECK adze_error *adze_output_stands (adze_execution *x, size_t number,
                                                const adze_plan_model *model,
                                                const adze_key *before);
/* Finds out which builds are in use and what files of parameters hold, while those are there. */
ADZE_MUST_CHECK adze_error *adze_used_note (adze_execution *x);

/* ---- content_settings.c: parts of keys. PREFIX stands in front of their names, and a slash behind
 * it; NULL: nothing does. */

/* How people call the file at PATH: as seen from where the pipeline lies. */
const char *adze_content_name (const adze_execution *x, const char *path);
ADZE_MUST_CHECK adze_error *adze_content_add (adze_key *key, const char *prefix, const char *part,
                                              const char *value);
/* "KIND.NAME", as TOML has it. */
ADZE_MUST_CHECK adze_error *adze_content_value (adze_key *key, const char *prefix,
                                                const char *kind, const char *name,
                                                const adze_value *value);
/* The hash of what is in the file at PATH. */
ADZE_MUST_CHECK adze_error *adze_content_file (adze_execution *x, const char *path,
                                               adze_hash128 *hash);
/* Its id, version and build, and the libraries that it binds. */
ADZE_MUST_CHECK adze_error *adze_content_plugin (adze_execution *x, adze_key *key,
                                                 const char *prefix, adze_plugin_record *record);
/* The plugin that read FILE, an input, which PORT is given. */
ADZE_MUST_CHECK adze_error *adze_content_reader (adze_execution *x, adze_key *key,
                                                 const char *prefix, const char *port,
                                                 const adze_model *file);
/* PARTIAL: they are a rule's, and what they do not say is as the stage has it. */
ADZE_MUST_CHECK adze_error *adze_content_settings (adze_execution *x, adze_key *key,
                                                   const char *prefix,
                                                   const adze_manifest_component *component,
                                                   const adze_value *settings, bool partial);
ADZE_MUST_CHECK adze_error *adze_content_data (adze_execution *x, adze_key *key, const char *stage,
                                               const char *port, const adze_pipeline_data *data);

/* ---- compute.c */

/* Its own, or the run's. */
const char *adze_compute_backend (const adze_plan *plan, const adze_plan_stage *planned);
/* For hooks of a run: what a worker would compute with. */
void adze_compute_wish (const adze_plan *plan, const adze_plan_stage *planned, bool rehearses,
                        adze_run_compute *compute);
ADZE_MUST_CHECK adze_error *adze_compute_open (const adze_plan *plan,
                                               const adze_plan_stage *planned,
                                               adze_networks **networks);
/* Nothing for a stage without run. */
ADZE_MUST_CHECK adze_error *adze_compute_key (adze_execution *x, adze_key *key,
                                              const adze_plan_stage *planned);
ADZE_MUST_CHECK adze_error *adze_compute_lock (const adze_plan *plan,
                                               const adze_plan_stage *planned,
                                               adze_lock_uses *uses);

/* ---- decide.c */

/* Lets stage NUMBER decide on what the pass has seen, which its ledger then has. */
ADZE_MUST_CHECK adze_error *adze_decide (adze_execution *x, adze_pass *pass, size_t number,
                                         bool *again);
/* Lets it decide on what was noted. *ENOUGH false: there is more to be observed. */
ADZE_MUST_CHECK adze_error *adze_decide_again (adze_plan *plan, size_t number,
                                               const adze_ledger *ledger, bool *enough);

/* ---- segment.c, whole.c */

ADZE_MUST_CHECK adze_error *adze_segment_run (adze_execution *x, size_t number);
ADZE_MUST_CHECK adze_error *adze_whole_run (adze_execution *x, size_t number);
/* The result of a segment that was found among the results. */
ADZE_MUST_CHECK adze_error *adze_segment_recall (adze_execution *x, size_t number,
                                                 const adze_key *key, const adze_value *facts);

/* A stage that is there to change something and changed nothing: an error, or a warning where the
 * pipeline says so. */
ADZE_MUST_CHECK adze_error *adze_nothing_changed (adze_execution *x,
                                                  const adze_plan_stage *planned);

/* ---- whole_inputs.c */

typedef struct adze_whole_inputs {
  const adze_plan *plan;
  const adze_plan_stage *planned;
  const adze_execution *x;          /* NULL: none runs, so that no stage has given anything */
  struct adze_artifact **artifacts; /* one a port of the component */
  size_t count;
} adze_whole_inputs;

/* Clean up either way. */
ADZE_MUST_CHECK adze_error *adze_whole_inputs_open (const adze_plan *plan,
                                                    const adze_plan_stage *planned,
                                                    const adze_execution *x,
                                                    adze_whole_inputs *inputs);
void adze_whole_inputs_cleanup (adze_whole_inputs *inputs);
/* NULL where nothing is bound. It belongs to INPUTS, to the plan or to X. */
ADZE_MUST_CHECK adze_error *adze_whole_input (adze_whole_inputs *inputs, const char *port,
                                              struct adze_artifact **artifact);

/* ---- whole_given.c */

typedef struct adze_whole_given {
  adze_model *model; /* NULL: nothing was given so far */
  char *path;        /* of the file that its tensors lie in */
  int fd;            /* -1: none is open */
  uint64_t end;
} adze_whole_given;

void adze_whole_given_cleanup (adze_whole_given *given);
/* Has the stage an out-port of this name, for a model or for bytes? */
ADZE_MUST_CHECK adze_error *adze_whole_port (const adze_plan_stage *planned, const char *port,
                                             bool model);
/* Its model and file must be there. */
ADZE_MUST_CHECK adze_error *adze_whole_given_tensor (adze_whole_given *given,
                                                     const adze_tensor_meta *meta,
                                                     const void *data);

/* ---- rehearse.c */

/* What segment NUMBER takes, where it is a stage with run that can be rehearsed. */
ADZE_MUST_CHECK adze_error *adze_rehearse_segment (adze_plan *plan, size_t number);

/* ---- whole_verify.c */

/* Holds GIVEN against the model that went into stage NUMBER: *CHANGED is whether they differ. Its
 * tensors get the traits of those that went in which hold still; one that is broken is an error,
 * unless the technique says so. */
ADZE_MUST_CHECK adze_error *adze_whole_verify (adze_execution *x, size_t number,
                                               adze_model *given, bool *changed);

/* ---- whole_keep.c */

/* GIVEN: the model, as the stage gave it, which is settled; NULL: it gives none. CHANGED: it did
 * something. */
ADZE_MUST_CHECK adze_error *adze_whole_keep (adze_execution *x, size_t segment,
                                             const adze_key *key, const adze_model *given,
                                             bool changed);
/* Is what FACTS promise still to be had? If not, *FACTS becomes NULL, and WHY says so for people. */
ADZE_MUST_CHECK adze_error *adze_whole_check (adze_execution *x, size_t segment,
                                              const adze_key *key, adze_value **facts,
                                              adze_buffer *why);
ADZE_MUST_CHECK adze_error *adze_whole_recall (adze_execution *x, size_t segment,
                                               const adze_key *key, const adze_value *facts);
/* FILE, taken over, becomes the model that the stage gives, with the metadata and parts of the one
 * that went in: a technique that trains keeps the graph. */
ADZE_MUST_CHECK adze_error *adze_whole_settle (adze_plan_stage *planned, adze_model *file);

/* ---- outputs.c, require.c */

/* Promotes what waits, and writes the outputs that are no segment's own. */
ADZE_MUST_CHECK adze_error *adze_outputs_write (adze_execution *x);
/* What the copy of MODEL to output NUMBER depends on. */
ADZE_MUST_CHECK adze_error *adze_output_key (adze_execution *x, size_t number,
                                             const adze_plan_model *model, adze_key *key);
void adze_pending_close (adze_pending *pending, bool keep);
ADZE_MUST_CHECK adze_error *adze_format_options_of (adze_plan *plan, size_t output,
                                                    adze_format_options *options);

/* Requirements of the stages of a segment. */
ADZE_MUST_CHECK adze_error *adze_requirements_check (adze_execution *x,
                                                     const adze_plan_segment *segment);
/* Fallbacks that were told. MADE: the segment was run, and not found: those that its stages told while
 * they were created and described are told now. */
ADZE_MUST_CHECK adze_error *adze_fallbacks_check (adze_execution *x,
                                                  const adze_plan_segment *segment, bool made);

/* ---- leave.c */

/* run.json, where the pipeline came from, its plan. */
ADZE_MUST_CHECK adze_error *adze_leave_beginning (adze_execution *x);
/* Metrics, decisions, the report. */
ADZE_MUST_CHECK adze_error *adze_leave_report (adze_execution *x);
/* Before there is a folder: can the lock be read, and, for --locked, does it say what is used? And
 * after a run that went well, without --locked. */
ADZE_MUST_CHECK adze_error *adze_lock_compare (adze_execution *x);
ADZE_MUST_CHECK adze_error *adze_lock_renew (adze_execution *x);

/* ---- tell.c */

/* Keeps all events from now on in the run folder. */
ADZE_MUST_CHECK adze_error *adze_tell_open (adze_execution *x);
void adze_tell_close (adze_execution *x);

/* The observers that the pipeline names watch from now on. One that fails later is told of, and does
 * not bring down the run. */
ADZE_MUST_CHECK adze_error *adze_observers_open (adze_execution *x);
/* Once they have seen all that was emitted. */
void adze_observers_close (adze_execution *x);

void adze_tell (adze_execution *x, const char *source, const char *id, const adze_field *fields,
                uint32_t count);

#endif
