/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of this plugin share.
 *
 *   nas-evolve.c  the plugin, and the component that searches among networks and trains them
 *   known.c       the component that searches a table of known results
 *   search.c      a search from beginning to end, and random search beside it
 *   report.c      what is told of it
 *   evolve.c      whom to look at next; genome.c, front.c: what that takes
 *   table.c       reads a table of known results
 *   declare.c     from layers with alternatives to genes, and back
 *   candidate.c   a network that is built, trained and judged
 *   job.c         that, in a process of its own; and who has it done
 *   look.c        candidates that are asked for at once
 *   kept.c        what was found out, for a run that goes on
 *   recipe.c      pipelines that build networks of the front
 *
 * Networks are built by the very sources of build-model, compiled once more: a recipe that names its layers gives
 * the network that was judged. */
#ifndef NAS_EVOLVE_NAS_H
#define NAS_EVOLVE_NAS_H

#include <adze/sdk.h>

#include "evolve.h"

/* Rows for the table of each component. */
#define NAS_SEARCH_PARAMS(budget_preset, method_preset, population_preset, tournament_preset) \
  { .name = "budget", .type = ADZE_PARAM_INT, .preset = budget_preset, .range = "[1, 4194304]", \
    .help = "how many candidates are looked at; random search beside it looks at as many" }, \
  { .name = "method", .type = ADZE_PARAM_CHOICE, .preset = method_preset, .choices = "regularised|nsga2", \
    .help = "who dies: the oldest, parents being chosen by worth alone; or who is worse in worth and costs" }, \
  { .name = "population", .type = ADZE_PARAM_INT, .preset = population_preset, .range = "[2, 4096]", \
    .help = "how many candidates live at once; as many are drawn at random to begin with" }, \
  { .name = "tournament", .type = ADZE_PARAM_INT, .preset = tournament_preset, .range = "[1, 4096]", \
    .help = "how many are drawn of those that live, the best of which becomes a parent" }, \
  { .name = "mutation", .type = ADZE_PARAM_FLOAT, .preset = "1", .range = "[0, 64]", \
    .help = "how many choices of a child change, in the mean; at least one of a child with one parent" }, \
  { .name = "crossover", .type = ADZE_PARAM_FLOAT, .preset = "0.3", .range = "[0, 1]", \
    .help = "share of children that have two parents" }

typedef struct nas_run nas_run;

struct nas_run {
  const adze_host *host;
  const adze_params *params;
  const adze_run_service *run;
  adze_context *context;

  nas_space space;
  nas_settings settings;
  uint64_t budget;
  const char *worth; /* what it is called, and the costs */
  const char *costs[NAS_COSTS];

  /* How good these candidates are, of which the genes are there. Given by the component, with what it needs for it.
   * BEFORE: how many were looked at, for whoever watches. */
  adze_status (*look) (nas_run *n, nas_point *points, size_t count, uint64_t before);
  /* What a candidate is, for people; added to TEXT. */
  adze_status (*name) (const nas_run *n, const uint8_t genes[NAS_GENES], adze_bytes *text);
  void *own;

  nas_search evolved, drawn; /* drawn: at random */
  uint32_t *front, *drawn_front; /* numbers of points */
  size_t front_count, drawn_count;
};

/* search.c: parameters of NAS_SEARCH_PARAMS that say nothing to each other are refused; COSTS: how many there are. */
adze_status nas_check_search (const adze_host *host, const adze_params *params, size_t costs);

/* search.c: both searches, and their fronts. .space, .worth, .costs and the functions are there; the rest is found. */
adze_status nas_run_search (nas_run *n);
void nas_run_close (nas_run *n);

/* report.c: rows and metrics, the table `front` and the report. MORE, which may be NULL, adds to the report. */
adze_status nas_tell (nas_run *n, void (*more) (const nas_run *n, adze_report *report));

/* nas-evolve.c and known.c */
extern const adze_component nas_known_component;

#endif
