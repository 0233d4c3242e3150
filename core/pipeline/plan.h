/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan.h: a pipeline resolved against its models: what will become of each tensor, which
 * stages run together, what that will take. No weight is read for it.
 *
 *   plan.c           opens what a pipeline names, and its stages
 *   plan_stage.c     rules matched, describe called, the model that a stage gives
 *   plan_word.c      whether it describes the same once it has decided
 *   plan_traits.c    what stays true of its tensors
 *   plan_segments.c  which stages run in one pass
 *   plan_outputs.c   whether formats can write what is to come
 *   plan_disk.c      and whether the disk can hold it
 *   plan_text.c      all of it for people and programs
 */
#ifndef ADZE_PIPELINE_PLAN_H
#define ADZE_PIPELINE_PLAN_H

#include "artifact/artifact.h"
#include "artifact/guard.h"
#include "pipeline/pipeline.h"
#include "stage/instance.h"

/* Where a tensor of a stage's output comes from. */
typedef struct adze_plan_source {
  size_t group;  /* of the stage's outline; SIZE_MAX: it passes through */
  size_t number; /* of the group's outputs, or of the tensors of port 0 */
} adze_plan_source;

/* A model as it will be. VIEW borrows metas and traits from files and outlines; its metadata are its
 * own. */
typedef struct adze_plan_model {
  adze_model view;
  adze_plan_source *sources; /* one a tensor; NULL: it is an input of the pipeline */
  adze_value **traits;       /* those that VIEW's tensors have and nobody else owns */
  adze_model_part *part;     /* that of VIEW where a stage has edited the network; NULL: those that came in */
  size_t stage;              /* that gives it; SIZE_MAX: an input */
  size_t input;              /* of the pipeline; SIZE_MAX: a stage's */
  bool known;                /* false: the stage has to run before anybody can tell */
  bool at_most;              /* some of it are bounds until a decision is taken */
  /* Where it lies: opened from a file, or, once a segment has written it, from there. */
  adze_model *file;
} adze_plan_model;

/* What a rule, or none, makes of a tensor that a port offers. */
typedef struct adze_plan_rule {
  size_t rule;    /* SIZE_MAX: none matches */
  size_t variant; /* of the parameters */
  bool skip;
} adze_plan_rule;

/* One model in-port of a stage. */
typedef struct adze_plan_port {
  adze_plan_model *model; /* NULL: bound to nothing */
  const char *name;
  adze_plan_rule *rules;      /* one a tensor of the model */
  adze_outline_tensor *shown; /* those that are not skipped */
  size_t *tensors;            /* numbers of the shown ones in the model */
  size_t *groups; /* of each tensor of the model, in the stage's outline; SIZE_MAX: in none */
} adze_plan_port;

typedef struct adze_plan_stage {
  const adze_pipeline_stage *stage;
  size_t number;
  adze_instance *instance;
  const adze_instance_facts *facts;
  adze_plan_port *ports; /* its model in-ports, in the order of its table */
  size_t port_count;
  adze_outline_port *outline_ports;
  adze_outline outline;
  bool described;
  bool told_keepers; /* adze_plan_tell_keepers has spoken */
  adze_value *lost; /* the traits that were told to be lost, as adze_plan_count_lost counts them */
  adze_value **variants; /* settings: the stage's own, then those of rules */
  size_t variant_count;
  size_t segment;
  adze_plan_model *output; /* NULL: it gives none */
  uint32_t delegates; /* nodes that ref does for it, its own work counted; 0 where that is not known yet */
} adze_plan_stage;

/* Neighbouring stages that run in one pass over the tensors, or one that takes whole artifacts. */
typedef struct adze_plan_segment {
  size_t first, count;     /* stages */
  adze_plan_model *source; /* port 0 of the first; NULL: it takes no model */
  adze_plan_model *result; /* what is to be kept of it; NULL: nothing but what was found out */
  size_t output; /* of the pipeline, that RESULT is written to at once; SIZE_MAX: to the store */
  bool whole;    /* a single stage with run */
  bool known;    /* what it takes of memory is; else only once it runs */
  bool spilled;  /* its source was written for the sake of a reduction in it */
  size_t reads;  /* passes over the source, at least */
  const char *why; /* it ends where it ends; for people */
  uint64_t source_bytes; /* that one pass reads */
  uint64_t memory;       /* of the largest unit, a lane */
  uint64_t accumulators; /* of all that observe, a lane */
  uint64_t structure;    /* of its units and what is noted of them, all lanes together */
  uint64_t journal;      /* of what is noted of them until the run ends */
  uint64_t sums;         /* on disk: what its stages have seen, at most as often as they are thought to look */
  uint64_t apart; /* of processes of isolated stages, and what is shared with them, a lane */
  uint64_t resident;     /* WHOLE: of the process, as its rehearsal has found; 0: there was none */
} adze_plan_segment;

/* What an output takes on disk. */
typedef struct adze_plan_output {
  bool asked;     /* its format has laid all of it out, and had nothing against it */
  bool bounded;   /* BYTES are those of its tensors, at most */
  uint64_t bytes; /* of all its files; 0 where nobody can tell yet */
} adze_plan_output;

struct adze_plan {
  adze_pipeline *pipeline;
  adze_runtime *runtime;
  adze_plan_model **inputs; /* of the pipeline; NULL where it is no model */
  struct adze_artifact **artifacts; /* likewise, where it is none */
  adze_plan_stage *stages;
  size_t stage_count;
  adze_plan_segment *segments;
  size_t segment_count;
  adze_guard guard;          /* what no output is written over */
  adze_plan_output *outputs; /* one an output of the pipeline */
  unsigned lanes;
  uint64_t base; /* resident, as the first plan was made; 0: not asked yet */
  uint64_t peak; /* predicted resident memory, of the segments that are known */
};

/* A stage that is there to change something and VERB, all tensors WHAT. */
ADZE_MUST_CHECK adze_error *adze_plan_no_effect (const adze_plan *plan,
                                                 const adze_plan_stage *planned, const char *verb,
                                                 const char *what);
/* Calls describe of stage NUMBER, whose input models must be known, and composes what it gives. May
 * be called again: when an input has changed, or after decide (FINAL), which must not contradict what
 * was described of the same inputs BEFORE. */
ADZE_MUST_CHECK adze_error *adze_plan_describe (adze_plan *plan, size_t number, bool final);
ADZE_MUST_CHECK adze_error *adze_plan_check_word (const adze_plan_stage *planned,
                                                  const adze_outline *before);

/* CAUSE, taken over, with a place of the pipeline in front of it. */
ADZE_MUST_CHECK ADZE_PRINTF (4, 5) adze_error *adze_plan_error (const adze_plan *plan,
                                                                const adze_value *at,
                                                                adze_error *cause,
                                                                const char *format, ...);
/* The same for what describe said against a stage: at the parameter that the reason begins with,
 * "parameter 'a': ..." or "parameter 'a' of tensor 't': ..."; else at the stage. */
ADZE_MUST_CHECK adze_error *adze_plan_stage_error (const adze_plan *plan,
                                                   const adze_plan_stage *planned,
                                                   adze_error *error);
/* A stage that fell back COUNT times, the first time as FIRST says (NULL: no memory for it). */
ADZE_MUST_CHECK adze_error *adze_plan_fell_back (const adze_plan *plan,
                                                 const adze_pipeline_stage *stage, uint64_t count,
                                                 const char *first);
/* The same for an input that cannot be opened. */
ADZE_MUST_CHECK adze_error *adze_plan_input_error (const adze_plan *plan,
                                                   const adze_pipeline_input *input,
                                                   adze_error *error);

/* The same for an output that its format cannot write. */
ADZE_MUST_CHECK adze_error *adze_plan_output_error (const adze_plan *plan,
                                                    const adze_pipeline_output *output,
                                                    adze_error *error);

/* Asks the formats of outputs whose models are known, and that were not asked before, to lay them out:
 * what cannot be written is to be said before the work, and not after it. */
ADZE_MUST_CHECK adze_error *adze_plan_check_outputs (adze_plan *plan);

/* What a plan takes of one file system. */
typedef struct adze_plan_disk {
  char *folder; /* one that is there, on it */
  dev_t device;
  uint64_t outputs, kept; /* bytes of outputs, and of models in the store of results */
  uint64_t bounds;        /* how much of both may come to less */
  uint64_t sums;          /* of what stages sum up, in the run's folder and among results: at most */
  uint64_t free;
  size_t unknown; /* outputs and models whose size nobody can tell yet */
  size_t output;  /* one of the pipeline's that goes there */
} adze_plan_disk;

typedef struct adze_plan_disks {
  adze_plan_disk *disks;
  size_t count;
} adze_plan_disks;

void adze_plan_disks_cleanup (adze_plan_disks *disks);
/* What the segments from FIRST on still take. RUNS: the folder of runs; NULL: the pipeline's. */
ADZE_MUST_CHECK adze_error *adze_plan_disks_of (const adze_plan *plan, const char *runs,
                                                size_t first, adze_plan_disks *disks);
/* Refuses what cannot fit, and warns of what may not. */
ADZE_MUST_CHECK adze_error *adze_plan_check_disks (const adze_plan *plan,
                                                   const adze_plan_disks *disks);

/* Describes the stages from NUMBER on, as far as their inputs are known. */
ADZE_MUST_CHECK adze_error *adze_plan_describe_from (adze_plan *plan, size_t number);

/* Fills the sets of parameters in: the stage's own, and those of its rules. */
ADZE_MUST_CHECK adze_error *adze_plan_variants (adze_plan_stage *planned);

ADZE_MUST_CHECK adze_error *adze_plan_cut (adze_plan *plan);
/* Does a segment write this output at once? A model that goes to another one is copied in the end. */
bool adze_plan_is_a_segments (const adze_plan *plan, size_t output);

/* Does group GROUP of a stage make something else of its tensors whatever their bytes: another name,
 * type or shape, several of one, one of several of the model, or one that the model did not have? */
bool adze_plan_group_edits (const adze_plan_stage *planned, size_t group);
/* How much its apply sees of large tensors: what its groups say, else its table. */
uint32_t adze_plan_grain (const adze_plan_stage *planned);

/* Traits of OUT that the stage has made of IN with the traits FROM (NULL: none). Those that are
 * verified stay until they are found broken; others stay only where the technique claims it, since
 * nobody could check. With the SAME_BYTES all stay. But what is about places is no trait of a tensor
 * of another shape. */
ADZE_MUST_CHECK adze_error *adze_plan_inherit (const adze_plan_stage *planned,
                                               const adze_value *from,
                                               const adze_tensor_meta *in,
                                               const adze_tensor_meta *out, bool same_bytes,
                                               adze_value **into);

/* Who may inherit of one tensor. */
typedef struct adze_plan_heirs {
  const adze_tensor_meta *const *metas;
  size_t count;
  bool same_bytes;
} adze_plan_heirs;

/* Refuses a stage that makes other bytes of what is a part of codes. */
ADZE_MUST_CHECK adze_error *adze_plan_check_codes (const adze_plan *plan,
                                                   const adze_plan_stage *planned);

/* Refuses a stage that claims to preserve one of the traits FROM of IN, which none of the heirs can
 * have by its shape; a frozen tensor everybody is to preserve who does not say otherwise. */
ADZE_MUST_CHECK adze_error *adze_plan_check_claims (const adze_plan *plan,
                                                    const adze_plan_stage *planned,
                                                    const adze_value *from,
                                                    const adze_tensor_meta *in,
                                                    const adze_plan_heirs *heirs);

/* Adds one to LOST, a table, under each id in FROM that KEPT does not have; both may be NULL. */
ADZE_MUST_CHECK adze_error *adze_plan_count_lost (const adze_value *from, const adze_value *kept,
                                                  adze_value *lost);
/* Warns of them. */
ADZE_MUST_CHECK adze_error *adze_plan_tell_lost (const adze_plan *plan,
                                                 const adze_plan_stage *planned,
                                                 const adze_value *lost);
/* Of a stage that was just described and gives a model: refuses what would change a frozen tensor
 * without having said that it does so, and claims that cannot be; warns, once, of traits that are
 * lost. */
ADZE_MUST_CHECK adze_error *adze_plan_check_traits (const adze_plan *plan,
                                                    adze_plan_stage *planned);

/* The parameter of the stage's technique that keeps TRAIT of the tensors that it names; NULL: there is none. */
const char *adze_plan_keeper (const adze_plan_stage *planned, const char *trait);
/* Warns, once, and as soon as the model that comes in is known, where a tensor of it has a trait that a parameter
 * would keep, and that parameter does not name it. */
ADZE_MUST_CHECK adze_error *adze_plan_tell_keepers (const adze_plan *plan,
                                                    adze_plan_stage *planned);

/* The model that a binding means. */
adze_plan_model *adze_plan_bound (const adze_plan *plan, const adze_binding *binding);

/* All of it as a tree, to be written while the plan is there: its tensors are made then, since those of
 * a large model would take more memory than all else. NULL without memory. */
adze_value *adze_plan_value (const adze_plan *plan);

adze_plan_model *adze_plan_model_new (void); /* NULL without memory */
/* Takes all out of it, and leaves the struct: others point at it. */
void adze_plan_model_empty (adze_plan_model *model);
void adze_plan_model_free (adze_plan_model *model);

/* Predicts the memory that each segment takes, gives up lanes where the pipeline's max-rss asks for
 * it, and refuses what cannot fit. */
ADZE_MUST_CHECK adze_error *adze_plan_fit (adze_plan *plan);
/* "what 'train' and 'evaluate' need is known once they run": stages that the predicted peak says
 * nothing of. False, and nothing is written: it is that of all. */
bool adze_plan_unknown_text (const adze_plan *plan, adze_buffer *into);
/* " at most" where the peak is a bound, or "". */
const char *adze_plan_memory_word (const adze_plan *plan);
/* The peak as KEY, and those stages as KEY-unknown. */
void adze_plan_memory_value (const adze_plan *plan, const char *key, adze_value *into);

#endif
