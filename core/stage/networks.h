/* SPDX-License-Identifier: Apache-2.0 */
/* stage/networks.h: what a stage with run computes with: a backend, and all that was opened on it.
 *   networks.c       the backend, opened when it is first needed; graphs of a run
 *   eval_service.c   adze.eval/1
 *   tap_service.c    adze.tap/1
 *   train_service.c  adze.train/1
 */
#ifndef ADZE_STAGE_NETWORKS_H
#define ADZE_STAGE_NETWORKS_H

#include <adze/draft/tap.h>
#include <adze/draft/train.h>

#include "artifact/model.h"
#include "graph/executable.h"

typedef struct adze_networks adze_networks;

/* What becomes of nodes that the backend does not claim. */
typedef enum adze_delegation {
  ADZE_DELEGATE_ALLOW = 0,
  ADZE_DELEGATE_WARN = 1,
  ADZE_DELEGATE_ERROR = 2
} adze_delegation;

/* Strings must outlive it. BACKEND NULL: "ref". */
ADZE_MUST_CHECK adze_error *adze_networks_open (adze_runtime *runtime, const char *stage,
                                                const char *backend, adze_delegation delegation,
                                                adze_networks **networks);
/* With everything that is still open, the youngest first. */
void adze_networks_close (adze_networks *networks);

/* ---- A rehearsal: all is made ready, and nothing is computed with it. */

/* What is found out by getting ready. */
typedef struct adze_networks_needs {
  uint64_t peak;      /* the most memory that this process would have had: what it has, and what was laid
                         out and takes none yet */
  uint32_t delegated; /* nodes that are left to ref, of what has the most of them: of a training its
                         steps, in which more is computed than the network */
  uint32_t workers;   /* that would do jobs, each of which takes this process' peak at most; 0: there are none */
} adze_networks_needs;

/* From now on it is one. NEEDS must outlive NETWORKS. */
void adze_networks_rehearse (adze_networks *networks, adze_networks_needs *needs);
bool adze_networks_rehearses (const adze_networks *networks);
/* Looks how much it is now. */
void adze_networks_look (adze_networks *networks);
/* So many workers would do what is made ready here. */
void adze_networks_share_out (adze_networks *networks, unsigned workers);

/* The backends of it, in options for adze_graph_compile. */
ADZE_MUST_CHECK adze_error *adze_networks_options (adze_networks *networks,
                                                   adze_compile_options *options);
/* Warns of nodes that another backend computes, once a stage, where that was asked for. */
void adze_networks_tell (adze_networks *networks, const adze_executable_facts *facts);
void adze_networks_facts (const adze_networks *networks, const adze_executable_facts *from,
                          adze_eval_facts *facts);

/* Of what is drawn at random in this stage, a function of the run's seed. */
uint64_t adze_networks_seed (const adze_networks *networks);

/* OBJECT is freed with the run, or by adze_networks_drop; by FREE at once where this fails. */
ADZE_MUST_CHECK adze_error *adze_networks_keep (adze_networks *networks, void *object,
                                                void (*free_it) (void *object));
/* OBJECT, which is kept, has laid out memory that takes none yet: as much as ABSENT says. */
void adze_networks_weigh (adze_networks *networks, const void *object,
                          uint64_t (*absent) (const void *object));
void adze_networks_drop (adze_networks *networks, void *object);
/* All that is kept goes. Backends stay open. */
void adze_networks_clear (adze_networks *networks);

ADZE_MUST_CHECK adze_error *adze_networks_graph (adze_networks *networks, const adze_model *model,
                                                 adze_graph **graph);
/* Of one that is there and cannot be worked with it is said why. Its weights are not read. */
ADZE_MUST_CHECK adze_error *adze_networks_has_graph (adze_networks *networks, const adze_model *model,
                                                     bool *has);
ADZE_MUST_CHECK adze_error *adze_networks_new_graph (adze_networks *networks, const char *name,
                                                     adze_graph **graph);
/* NEEDED is what the part says read back, to be freed: its weights are the tensors that it asks for. */
ADZE_MUST_CHECK adze_error *adze_networks_part (adze_networks *networks, const adze_graph *graph,
                                                char **id, void **bytes, size_t *size,
                                                adze_graph **needed);

/* Of the run that this thread is inside; NULL, and what is wrong is said, when there are none. */
adze_networks *adze_networks_here (const adze_host *host, const char *function);

extern const adze_eval_service adze_eval_services;
extern const adze_tap_service adze_tap_services;
extern const adze_train_service adze_train_services;

#endif
