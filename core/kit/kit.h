/* SPDX-License-Identifier: Apache-2.0 */
/* kit/kit.h: the conformance kit from inside: a table of cases, each run in a process of its own.
 *
 * check.c is the side that starts the processes and reports; cases.c is the table; case_*.c are
 * the cases; samples.c makes what plugins are fed. worker_main.c is where a process begins.
 */
#ifndef ADZE_KIT_KIT_H
#define ADZE_KIT_KIT_H

#include "stage/feed.h"
#include "stage/observer.h"
#include "stage/remote.h"
#include "stage/worker.h"

typedef struct adze_case adze_case;
struct adze_case {
  const char *path;      /* the plugin's file, absolute */
  const char *component; /* NULL: the case is about the plugin as a whole */
  const char *kind;
  const char *worker; /* the program for a process within the process */
  bool remote;        /* drive the component from a host, in a worker */
  uint64_t seed;
  unsigned rounds;
  adze_worker_state *state; /* for adze_worker_tell */
  char skipped[200];        /* a case that does not apply says why */
};

/* A fact of an error: a value that was guessed for a mandatory parameter was refused. The case is
 * skipped, since nobody can guess what would be right. */
#define ADZE_CASE_GUESSED "guess"

typedef adze_error *(*adze_case_function) (adze_case *one);

/* Which cases there are for whom. */
enum {
  ADZE_CASE_PLUGIN = 1,    /* once a plugin */
  ADZE_CASE_TECHNIQUE = 2, /* once a technique */
  ADZE_CASE_OBSERVER = 4,  /* once an observer */
  ADZE_CASE_REMOTE = 8,    /* a second time with the component in a worker */
  ADZE_CASE_FORMAT = 16,   /* once a format */
  ADZE_CASE_SOURCE = 32    /* once a source */
};

typedef struct adze_case_entry {
  const char *name;
  adze_case_function function;
  unsigned scope;
} adze_case_entry;

extern const adze_case_entry adze_cases[]; /* ended by a NULL name */

/* The verb of a worker that runs one case. */
adze_error *adze_case_serve (adze_worker_state *state, const adze_value *request,
                             adze_value *reply);

/* The cases. */
adze_error *adze_case_elf (adze_case *one);
adze_error *adze_case_load (adze_case *one);
adze_error *adze_case_load_worker (adze_case *one);
adze_error *adze_case_load_again (adze_case *one);
adze_error *adze_case_manifest (adze_case *one);
adze_error *adze_case_descriptor_short (adze_case *one);
adze_error *adze_case_descriptor_long (adze_case *one);
adze_error *adze_case_descriptor_old (adze_case *one);
adze_error *adze_case_descriptor_future_minor (adze_case *one);
adze_error *adze_case_descriptor_future_major (adze_case *one);
adze_error *adze_case_defaults (adze_case *one);
adze_error *adze_case_random (adze_case *one);
adze_error *adze_case_same_again (adze_case *one);
adze_error *adze_case_bare_host (adze_case *one);
adze_error *adze_case_old_host (adze_case *one);
adze_error *adze_case_allocate (adze_case *one);
adze_error *adze_case_malloc (adze_case *one);
adze_error *adze_case_threads (adze_case *one);
adze_error *adze_case_leftovers (adze_case *one);
adze_error *adze_case_pieces (adze_case *one);
adze_error *adze_case_accumulators (adze_case *one);
adze_error *adze_case_recognise (adze_case *one);
adze_error *adze_case_garbage (adze_case *one);
adze_error *adze_case_garbage_allocate (adze_case *one);

/* The everyday host, with its eyes open. */
extern const adze_profile adze_case_watching;

/* From loading the plugin to ending it, with the presets, in a host like PROFILE. */
ADZE_MUST_CHECK adze_error *adze_case_life (const adze_case *one, const adze_profile *profile,
                                            uint64_t *sum);

/* What worker_main.c was lent; NULL: nothing. */
const adze_allocator *adze_kit_allocator (void);

/* ---- What plugins are fed. */

typedef struct adze_sample {
  const char *what; /* for messages */
  adze_tensor tensor;
  int64_t shape[4];
  int64_t strides[4];
  size_t size;
} adze_sample;

enum { ADZE_SAMPLE_COUNT = 14, ADZE_MODEL_SAMPLES = 5 };

/* Which samples make a model: float32, under names of their own. */
extern const size_t adze_model_samples[ADZE_MODEL_SAMPLES];

/* ---- A component at work, of whichever kind, here or in a worker. bench.c of the kit. */

typedef struct adze_bench {
  adze_runtime *runtime;
  adze_plugin_record *record;
  const adze_manifest_component *component;
  const adze_profile *profile;
  adze_instance *instance; /* of a technique */
  adze_watcher *watcher;   /* of an observer: one of the two */
  adze_remote *remote;
  unsigned lane; /* of the instance: which thread feeds */
  /* What a technique is made of once more when it has decided about other tensors. */
  const adze_case *one;
  adze_value *settings;
  bool used;
  bool brief; /* few tensors: the same is to be done hundreds of times */
  adze_sample *model;    /* several threads: what they all apply to */
  const adze_tensor *inputs[ADZE_MODEL_SAMPLES];
  adze_feeding *feeding;
} adze_bench;

/* Loads the plugin under PROFILE; no instance yet. */
ADZE_MUST_CHECK adze_error *adze_bench_open (const adze_case *one, const adze_profile *profile,
                                             adze_bench *bench);
/* SETTINGS: a table of parameters, NULL for the presets. */
ADZE_MUST_CHECK adze_error *adze_bench_create (adze_bench *bench, const adze_case *one,
                                               const adze_value *settings);
/* Everything that the kind can be fed, once each. SUM, when not NULL, is a fingerprint of what came
 * back. A refusal with a reason is an answer; what is not allowed is an error. */
ADZE_MUST_CHECK adze_error *adze_bench_feed (adze_bench *bench, uint64_t *sum);
/* Destroys the instance, and says what it kept or broke. */
ADZE_MUST_CHECK adze_error *adze_bench_destroy (adze_bench *bench);
void adze_bench_close (adze_bench *bench);

/* A technique fed a model of several tensors at once, as OPTIONS say. *REFUSED: it would not have
 * them, with a reason. Without SUM the same is done and forgotten. */
ADZE_MUST_CHECK adze_error *adze_bench_feed_model (adze_bench *bench,
                                                   const adze_feed_options *options,
                                                   uint64_t *sum, bool *refused);
/* The first half of it, for threads that share it. */
ADZE_MUST_CHECK adze_error *adze_bench_prepare (adze_bench *bench, bool *refused);
ADZE_MUST_CHECK adze_error *adze_bench_judge (adze_error *error, const char *what);


/* Fills in number INDEX; its data is to be freed. */
ADZE_MUST_CHECK adze_error *adze_sample_make (size_t index, adze_sample *sample);

/* Parameters that the table allows, drawn by SEED; those that PLUGIN says are meant to do harm
 * stay at their presets. NULL with a reason in WHY when one cannot be drawn. */
ADZE_MUST_CHECK adze_error *adze_sample_settings (const adze_manifest_component *component,
                                                  const adze_plugin *plugin, uint64_t seed,
                                                  adze_value **settings);

/* From here on the file "kit-file" is left as the case has written it. */
void adze_sample_keep_file (void);

/* A mandatory parameter needs a value even where the presets are wanted, and so may others that PLUGIN names. */
ADZE_MUST_CHECK adze_error *adze_sample_presets (const adze_manifest_component *component,
                                                 const adze_plugin *plugin, adze_value **settings);

#endif
