/* SPDX-License-Identifier: Apache-2.0 */
/* run/pass.h: one pass over the tensors of a segment, on as many lanes as there are threads.
 *
 *   pass.c          items handed out to lanes, accumulators merged
 *   piece.c         one piece on its way: read, through the steps, written
 *   leaves.c        what of it is hashed and written
 *   pass_journal.c  what is kept of finished units, and found again
 *
 * Each lane takes the next item, an item being some pieces of a unit one after the other. What is
 * read is hashed on the way where the content of the source is not known yet; what is written is
 * hashed for the journal. */
#ifndef ADZE_RUN_PASS_H
#define ADZE_RUN_PASS_H

#include <stdatomic.h>

#include "artifact/coded.h"
#include "artifact/format.h"
#include "pipeline/units.h"
#include "run/folder.h"
#include "run/leaves.h"
#include "run/ledger.h"
#include "run/seen.h"
#include "run/sink.h"
#include "run/told.h"
#include "run/tree.h"
#include "run/verify.h"

/* What a stage that observes has seen in this pass. */
typedef struct adze_pass_observer {
  size_t stage;
  size_t size;
  bool by_group;
  adze_stock stock;
  adze_tree whole;       /* over its strands; by_group: not used */
  size_t strands;        /* observe steps of the pass that are its own */
  adze_ledger *ledger;   /* by_group: where those of groups go when they are complete */
} adze_pass_observer;

/* One observe step of one unit: its items are merged in a tree of their own. */
typedef struct adze_pass_strand {
  adze_pass_observer *observer;
  size_t number; /* among the strands of the observer */
  size_t group;
  adze_tree items;
} adze_pass_strand;

/* What became of one stage's tensors, in numbers. */
typedef struct adze_pass_effect {
  atomic_uint_fast64_t tensors, tensors_changed;
} adze_pass_effect;

typedef struct adze_pass_unit {
  size_t first_step;   /* number of its first step among all steps of the pass */
  size_t first_strand; /* likewise */
  size_t strand_count;
  atomic_uint_fast64_t items_left;
  bool finished; /* found in the journal */
  /* While it is under way: leaves of each value that is read or written; NULL for others. */
  adze_hash128 **hashes;
  adze_open_leaf *open; /* under the lock */
} adze_pass_unit;

typedef struct adze_pass {
  /* Given. */
  adze_plan *plan;
  const adze_plan_segment *segment;
  size_t observed; /* as in adze_units_make */
  adze_folder *folder;
  adze_hash128 journal; /* key of the segment in the journal */
  adze_sink *sink;      /* NULL: nothing is written */
  bool resumed;         /* the sink's files hold what the journal says */
  adze_seen *seen;      /* where accumulators of finished units are kept; NULL with SINK */
  adze_ledger **ledgers; /* one a stage of the segment, made when it first observes */
  adze_told *told;      /* a unit of a stage that fell back is not kept as finished */
  atomic_bool *cancel;
  /* Hashes of the source's tensors, to be filled in as they are read, and which are known; NULL: the
   * source's content is known. */
  adze_hash128 *source_hashes;
  bool *source_known;
  atomic_uint_fast64_t *bytes_read; /* summed up over all passes */
  atomic_uint_fast64_t *bytes_found_all; /* bytes_found, summed up likewise */
  size_t number, of; /* of the segment, for progress */
  unsigned lanes;

  /* What comes out. */
  adze_pass_effect *effects; /* one a stage of the segment */
  adze_pass_observer *observers;
  size_t observer_count;

  /* While it runs. */
  adze_units units;
  adze_pass_unit *state;
  adze_pass_strand *strands;
  size_t strand_count;
  atomic_bool *changed;      /* one a step */
  adze_promise *promises;    /* one an output of a step: first_output of the step + output */
  size_t *first_output;
  size_t step_count, output_count;
  pthread_mutex_t lock;
  pthread_mutex_t writing; /* one lane at a time */
  size_t next_unit;
  uint64_t next_item;
  uint64_t bytes_found; /* of units that an earlier try has done */
  atomic_uint_fast64_t bytes_done;
  int64_t told_ns;
  adze_error *error; /* the first; under the lock */
  atomic_bool stop;
} adze_pass;

/* Makes the units, finds out in the journal what is done, runs the rest, and leaves accumulators
 * and effects behind. Clean up either way. */
ADZE_MUST_CHECK adze_error *adze_pass_run (adze_pass *pass);
void adze_pass_cleanup (adze_pass *pass);

/* How many accumulators a stage that observes leaves behind. */
size_t adze_pass_entries (const adze_plan_stage *planned);

/* The observer of stage NUMBER; NULL: it did not observe. */
adze_pass_observer *adze_pass_observer_of (adze_pass *pass, size_t number);

/* ---- pass_journal.c: what is kept of a finished unit: the hashes of what was written and read,
 * which steps changed something, and its accumulators. */

ADZE_MUST_CHECK adze_error *adze_unit_note (adze_pass *pass, size_t number);
/* *FINISHED: an earlier try has done it, and all of that was found; the accumulators of its strands
 * are then the roots of their trees. */
ADZE_MUST_CHECK adze_error *adze_unit_recall (adze_pass *pass, size_t number, bool *finished);

/* Does the journal have all tensors of MODEL? */
bool adze_journal_is_complete (const adze_folder *folder, adze_hash128 segment,
                               const adze_model *model);
/* Does SINK hold what the journal says, all of it? */
ADZE_MUST_CHECK adze_error *adze_journal_verify (const adze_folder *folder, adze_hash128 segment,
                                                 const adze_sink *sink, const adze_model *model,
                                                 bool *sound);

uint64_t adze_leaf_count (const adze_tensor_meta *meta);

/* ---- For piece.c. */

typedef struct adze_lane {
  unsigned number;
  void **slots;
  size_t *sizes;
  size_t slot_count;
  void **data;  /* of each value of the unit */
  size_t data_room;
  void **accumulators; /* of the unit's strands, for the item under way */
  size_t accumulator_room;
} adze_lane;

void adze_lane_close (adze_lane *lane);
/* Piece number PIECE of a unit. */
ADZE_MUST_CHECK adze_error *adze_piece_run (adze_pass *pass, adze_lane *lane, size_t unit,
                                            uint64_t piece);

/* One element of a unit's value, before and after each stage of the plan that works on it: for `adze
 * why`. Nothing is written, and steps that work on what does not lie open are left out. Of PASS, plan,
 * segment and units are needed. */
typedef struct adze_element_trace {
  const char *goes_on; /* what the stage makes that is gone on with; NULL: nothing */
  bool seen;
  double before, after;
  adze_coded_number coded; /* what AFTER was taken from; not known: it is a plain number */
} adze_element_trace;
ADZE_MUST_CHECK adze_error *adze_piece_trace (adze_pass *pass, size_t unit, size_t value,
                                              uint64_t element, adze_element_trace *trace);

#endif
