/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/networks.h"

#include <string.h>

#include <adze/draft/train.h>

#include "base/peak.h"
#include "base/random.h"
#include "graph/from_model.h"
#include "graph/load.h"
#include "graph/optimise.h"
#include "graph/to_model.h"
#include "stage/call.h"
#include "stage/run_ops.h"

#define REFERENCE "ref"

typedef struct owned owned;
struct owned {
  owned *older;
  void *object;
  void (*free_it) (void *object);
  uint64_t (*absent) (const void *object); /* NULL: nothing is */
};

/* The numbers of a model, for all graphs of it. */
typedef struct lent lent;
struct lent {
  lent *next;
  const adze_model *model;
  adze_numbers *numbers;
};

struct adze_networks {
  adze_runtime *runtime;
  const char *stage;
  const char *id; /* of the backend */
  adze_delegation delegation;
  adze_backend_at_work *ref, *backend; /* NULL: not opened yet, or REF is what was asked for */
  owned *newest;
  lent *lent;
  bool told;
  adze_networks_needs *needs; /* of a rehearsal; NULL: it is none */
};

adze_error *
adze_networks_open (adze_runtime *runtime, const char *stage, const char *backend,
                    adze_delegation delegation, adze_networks **networks)
{
  adze_networks *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  made->runtime = runtime;
  made->stage = stage;
  made->id = backend ? backend : REFERENCE;
  made->delegation = delegation;
  *networks = made;
  return NULL;
}

static void
free_lent (lent *first)
{
  for (lent *one = first, *next; one; one = next) {
    next = one->next;
    adze_numbers_free (one->numbers);
    free (one);
  }
}

void
adze_networks_clear (adze_networks *networks)
{
  while (networks->newest)
    adze_networks_drop (networks, networks->newest->object);
}

void
adze_networks_close (adze_networks *networks)
{
  if (!networks)
    return;
  adze_networks_clear (networks);
  free_lent (networks->lent);
  adze_backend_close (networks->backend);
  adze_backend_close (networks->ref);
  free (networks);
}

static adze_error *
open_reference (adze_networks *networks)
{
  return networks->ref ? NULL
                       : adze_backend_open (networks->runtime, REFERENCE, NULL, NULL,
                                            &networks->ref);
}

adze_error *
adze_networks_options (adze_networks *networks, adze_compile_options *options)
{
  bool other = strcmp (networks->id, REFERENCE) != 0;
  ADZE_TRY (open_reference (networks));
  if (other && !networks->backend)
    ADZE_TRY (adze_backend_open (networks->runtime, networks->id, NULL, NULL, &networks->backend));
  *options = (adze_compile_options){ .backend = networks->backend,
                                     .ref = networks->ref,
                                     .refuse_delegation
                                     = networks->delegation == ADZE_DELEGATE_ERROR };
  return NULL;
}

uint64_t
adze_networks_seed (const adze_networks *networks)
{
  return adze_random_key (networks->runtime->seed, networks->stage, ADZE_TRAIN);
}

void
adze_networks_tell (adze_networks *networks, const adze_executable_facts *facts)
{
  if (networks->needs && facts->delegated > networks->needs->delegated)
    networks->needs->delegated = facts->delegated;
  if (facts->delegated == 0 || networks->told || networks->delegation != ADZE_DELEGATE_WARN)
    return;
  networks->told = true;
  adze_event_bus_log (networks->runtime->bus, networks->stage, ADZE_LOG_WARNING,
                      "%u nodes that %s does not compute run on " REFERENCE, facts->delegated,
                      networks->id);
}

void
adze_networks_facts (const adze_networks *networks, const adze_executable_facts *from,
                     adze_eval_facts *facts)
{
  const adze_backend_at_work *backend = networks->backend ? networks->backend : networks->ref;
  const adze_eval_facts all = { .struct_size = sizeof all,
                                .steps = from->steps,
                                .delegated = from->delegated,
                                .folded = from->folded,
                                .values = from->values,
                                .constants = from->constants,
                                .backend = networks->id,
                                .identity = adze_backend_identity (backend),
                                .threads
                                = adze_pool_threads (networks->runtime->pool) };
  uint32_t size = facts->struct_size < sizeof all ? facts->struct_size : (uint32_t)sizeof all;
  memcpy (facts, &all, size);
  facts->struct_size = size;
}

/* ---- What is open. */

adze_error *
adze_networks_keep (adze_networks *networks, void *object, void (*free_it) (void *object))
{
  owned *made = calloc (1, sizeof *made);
  if (!made) {
    free_it (object);
    return adze_error_memory ();
  }
  *made = (owned){ .older = networks->newest, .object = object, .free_it = free_it };
  networks->newest = made;
  return NULL;
}

void
adze_networks_weigh (adze_networks *networks, const void *object,
                     uint64_t (*absent) (const void *object))
{
  for (owned *one = networks->newest; one; one = one->older)
    if (one->object == object)
      one->absent = absent;
}

void
adze_networks_drop (adze_networks *networks, void *object)
{
  for (owned **at = &networks->newest; *at; at = &(*at)->older) {
    owned *found = *at;
    if (found->object != object)
      continue;
    *at = found->older;
    found->free_it (found->object);
    free (found);
    return;
  }
}

/* ---- A rehearsal. */

void
adze_networks_rehearse (adze_networks *networks, adze_networks_needs *needs)
{
  networks->needs = needs;
}

bool
adze_networks_rehearses (const adze_networks *networks)
{
  return networks->needs != NULL;
}

void
adze_networks_look (adze_networks *networks)
{
  uint64_t bytes = adze_resident_memory ();
  for (const owned *one = networks->newest; one; one = one->older)
    bytes += one->absent ? one->absent (one->object) : 0;
  if (bytes > networks->needs->peak)
    networks->needs->peak = bytes;
}

void
adze_networks_share_out (adze_networks *networks, unsigned workers)
{
  if (networks->needs && workers > networks->needs->workers)
    networks->needs->workers = workers;
}

/* ---- Graphs. */

static void
free_graph (void *graph)
{
  adze_graph_free (graph);
}

static adze_error *
keep_graph (adze_networks *networks, adze_graph *made, adze_graph **graph)
{
  ADZE_TRY (adze_networks_keep (networks, made, free_graph));
  ADZE_TRY (open_reference (networks));
  adze_graph_set_ref (made, networks->ref); /* for whoever optimises it */
  *graph = made;
  return NULL;
}

static adze_error *
numbers_of (adze_networks *networks, const adze_model *model, adze_numbers **numbers)
{
  lent *found = networks->lent;
  while (found && found->model != model)
    found = found->next;
  if (!found) {
    found = calloc (1, sizeof *found);
    if (!found)
      return adze_error_memory ();
    *found = (lent){ .next = networks->lent, .model = model };
    networks->lent = found;
  }
  if (!found->numbers)
    ADZE_TRY (adze_numbers_new (model, &found->numbers));
  *numbers = found->numbers;
  return NULL;
}

adze_error *
adze_networks_graph (adze_networks *networks, const adze_model *model, adze_graph **graph)
{
  ADZE_AUTO_GRAPH made = NULL;
  adze_numbers *numbers = NULL;
  ADZE_TRY (adze_graph_from_model (networks->runtime, model, &made));
  ADZE_TRY (numbers_of (networks, model, &numbers));
  ADZE_TRY (adze_graph_load_weights (made, model, numbers));
  return keep_graph (networks, adze_take (&made), graph);
}

adze_error *
adze_networks_has_graph (adze_networks *networks, const adze_model *model, bool *has)
{
  ADZE_AUTO_GRAPH found = NULL;
  ADZE_TRY (adze_graph_find_in_model (networks->runtime, model, &found));
  *has = found != NULL;
  return NULL;
}

adze_error *
adze_networks_new_graph (adze_networks *networks, const char *name, adze_graph **graph)
{
  ADZE_AUTO_GRAPH made = NULL;
  ADZE_TRY (adze_graph_new (name, &made));
  return keep_graph (networks, adze_take (&made), graph);
}

adze_error *
adze_networks_part (adze_networks *networks, const adze_graph *graph, char **id, void **bytes,
                    size_t *size, adze_graph **needed)
{
  ADZE_TRY (adze_graph_make_part (networks->runtime, graph, id, bytes, size));
  return adze_graph_from_part (networks->runtime, *id, *bytes, *size, needed);
}

/* ---- The run that asks. */

adze_networks *
adze_networks_here (const adze_host *host, const char *function)
{
  adze_context *context = adze_run_here_of (host, function);
  adze_networks *networks = NULL;
  if (!context)
    return NULL;
  adze_error *error = context->ops->networks (context->data, &networks);
  if (error)
    adze_desk_fail (adze_desk_of (host), error);
  return networks;
}
