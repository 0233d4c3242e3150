/* SPDX-License-Identifier: Apache-2.0 */
/* adjust.c: what is adjusted for. A formula names it; or a list does, which a graph can vouch for; or it is the
 * smallest set by which the graph says that enough is adjusted for. */
#include "estimate.h"

/* So many sets are looked at, in a graph of so many nodes at most. */
enum { LOOKED_AT = 20000, NODES = 4096 };

/* ---- By a formula: sum_{Z} P(Z) P(Y|X,Z), or P(Y|X). */

/* Is PART a probability of exactly these variables? */
static bool
is_p (const est_formula *f, const est_part *part, const est_list *head, const est_list *given)
{
  const uint32_t *variables = est_numbers_at (f, part->head);
  uint32_t found = 0;
  if (part->kind != EST_P || part->head_count != head->count || part->given_count != given->count)
    return false;
  for (uint32_t i = 0; i < head->count; i++)
    for (uint32_t k = 0; k < head->count; k++)
      found += variables[k] == head->items[i];
  for (uint32_t i = 0; i < given->count; i++)
    for (uint32_t k = 0; k < given->count; k++)
      found += variables[head->count + k] == given->items[i];
  return found == head->count + given->count;
}

/* A product of one factor is that factor. */
static const est_part *
open_part (const est_formula *f, uint32_t index)
{
  const est_part *part = est_part_at (f, index);
  while (part->kind == EST_PRODUCT && part->item_count == 1)
    part = est_part_at (f, *est_numbers_at (f, part->items));
  return part;
}

static bool
is_adjustment (const est_formula *f, est_list *set)
{
  const est_part *part = open_part (f, f->root);
  const est_list none = { .count = 0 };
  est_list given = f->treatment;
  set->count = 0;
  if (part->kind == EST_P)
    return is_p (f, part, &f->outcome, &f->treatment);
  if (part->kind != EST_SUM)
    return false;
  for (uint32_t i = 0; i < part->head_count; i++)
    set->items[set->count++] = given.items[given.count++] = est_numbers_at (f, part->head)[i];
  const est_part *body = est_part_at (f, *est_numbers_at (f, part->items));
  if (body->kind != EST_PRODUCT || body->item_count != 2)
    return false;
  const uint32_t *items = est_numbers_at (f, body->items);
  for (int first = 0; first < 2; first++)
    if (is_p (f, est_part_at (f, items[first]), set, &none)
        && is_p (f, est_part_at (f, items[!first]), &f->outcome, &given))
      return true;
  return false;
}

static adze_status
by_formula (const est_run *r, const est_formula *f, est_adjust *adjust)
{
  est_list set;
  const char *const idle[] = { "outcome", "adjust" };
  for (int i = 0; i < 2; i++)
    if (adze_param_is_given (r->host, r->params, idle[i]))
      return adze_fail (r->host, ADZE_E_PARAM,
                        "parameter '%s' is given without 'treatment', and then the formula of its port 'estimand' says "
                        "all of it; give both, or none",
                        idle[i]);
  if (f->treatment.count != 1 || f->outcome.count != 1 || f->given.count > 0 || !is_adjustment (f, &set)
      || set.count > EST_WIDTH)
    return adze_fail (r->host, ADZE_E_UNSUPPORTED,
                      "the formula of its port 'estimand' is not that of adjusting for a set, sum_{Z} P(Z) P(Y|X,Z), of "
                      "one treatment and one outcome; choose method = \"plug-in\"");
  adjust->treatment = f->variables[f->treatment.items[0]].name;
  adjust->outcome = f->variables[f->outcome.items[0]].name;
  for (uint32_t i = 0; i < set.count; i++)
    adjust->names[adjust->count++] = f->variables[set.items[i]].name;
  adjust->why = "the formula of the estimand adjusts for it";
  return ADZE_OK;
}

/* ---- By a graph. */

typedef struct chooser {
  const est_run *r;
  adze_dag *dag, *cut; /* CUT: without the arrows that come out of the treatment */
  uint32_t x, y;
  uint8_t *below, *above; /* descendants of the treatment; ancestors of either */
  uint32_t *set, *candidates;
  uint32_t candidate_count, looked_at;
} chooser;

static adze_status
cut_graph (chooser *c)
{
  const adze_host *host = c->r->host;
  const adze_dag_service *dags = adze_dag_of (host);
  const uint32_t nodes = dags->nodes (c->dag);
  const size_t edges = dags->edges (c->dag);
  const char **names = (const char **)host->allocate (host, (nodes + 1) * sizeof *names);
  adze_dag_edge *kept = (adze_dag_edge *)host->allocate (host, (edges + 1) * sizeof *kept);
  adze_status status = names && kept ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room for %zu edges", edges);
  size_t count = 0;
  for (uint32_t i = 0; status == ADZE_OK && i < nodes; i++)
    names[i] = dags->name (c->dag, i);
  for (size_t i = 0; status == ADZE_OK && i < edges; i++) {
    const adze_dag_edge edge = dags->edge (c->dag, i);
    if (edge.mark != ADZE_DAG_CAUSES || edge.from != c->x)
      kept[count++] = edge;
  }
  if (status == ADZE_OK)
    status = dags->make (host, names, nodes, kept, count, &c->cut);
  if (names)
    host->release (host, names);
  if (kept)
    host->release (host, kept);
  return status;
}

/* A node is below the treatment where that is one of its ancestors. */
static adze_status
find_below (chooser *c)
{
  const adze_dag_service *dags = adze_dag_of (c->r->host);
  const uint32_t nodes = dags->nodes (c->dag);
  for (uint32_t v = 0; v < nodes; v++) {
    memset (c->above, 0, nodes);
    c->above[v] = 1;
    dags->ancestors (c->dag, c->above);
    c->below[v] = c->above[c->x];
  }
  memset (c->above, 0, nodes);
  c->above[c->x] = c->above[c->y] = 1;
  dags->ancestors (c->dag, c->above);
  return ADZE_OK;
}

static adze_status
find_node (const chooser *c, const char *name, uint32_t *node)
{
  *node = adze_dag_find (c->r->host, c->dag, name);
  return *node != UINT32_MAX ? ADZE_OK
                             : adze_fail (c->r->host, ADZE_E_NOT_FOUND, "its port 'graph' has no node '%.200s'", name);
}

static adze_status
is_enough (chooser *c, uint32_t count, bool *yes)
{
  return adze_dag_of (c->r->host)->separated (c->r->host, c->cut, &c->x, 1, &c->y, 1, c->set, count, yes);
}

/* What the list says must be enough. */
static adze_status
check_list (chooser *c, const est_adjust *adjust)
{
  bool yes = false;
  for (uint32_t i = 0; i < adjust->count; i++) {
    adze_status status = find_node (c, adjust->names[i], &c->set[i]);
    if (status != ADZE_OK)
      return status;
    if (c->below[c->set[i]])
      return adze_fail (c->r->host, ADZE_E_PARAM,
                        "parameter 'adjust': by its port 'graph', '%.100s' is an effect of '%.100s', and adjusting for "
                        "it takes a part of what is asked away",
                        adjust->names[i], adjust->treatment);
  }
  adze_status status = is_enough (c, adjust->count, &yes);
  if (status == ADZE_OK && !yes)
    return adze_fail (c->r->host, ADZE_E_PARAM,
                      "parameter 'adjust': by its port 'graph' it is not enough: ways stay open by which something else "
                      "makes '%.100s' and '%.100s' go together; leave it out and a set is chosen",
                      adjust->treatment, adjust->outcome);
  return status;
}

/* Sets of SIZE more from candidate FROM on. */
static adze_status
try_sets (chooser *c, uint32_t from, uint32_t have, uint32_t size, bool *yes)
{
  adze_status status = ADZE_OK;
  if (size == 0) {
    c->looked_at++;
    return is_enough (c, have, yes);
  }
  for (uint32_t i = from; status == ADZE_OK && !*yes && i + size <= c->candidate_count && c->looked_at < LOOKED_AT;
       i++) {
    c->set[have] = c->candidates[i];
    status = try_sets (c, i + 1, have + 1, size - 1, yes);
  }
  return status;
}

static adze_status
choose_set (chooser *c, est_adjust *adjust)
{
  const adze_dag_service *dags = adze_dag_of (c->r->host);
  bool yes = false;
  uint32_t size = 0;
  adze_status status = ADZE_OK;
  for (uint32_t v = 0; v < dags->nodes (c->dag); v++)
    if (c->above[v] && !c->below[v] && v != c->y)
      c->candidates[c->candidate_count++] = v;
  for (;; size++) {
    status = try_sets (c, 0, 0, size, &yes);
    if (status != ADZE_OK || yes || size == c->candidate_count || size == EST_WIDTH || c->looked_at >= LOOKED_AT)
      break;
  }
  if (status == ADZE_OK && !yes)
    return adze_fail (c->r->host, ADZE_E_UNSUPPORTED,
                      c->looked_at >= LOOKED_AT
                          ? "no set that is enough to adjust for was among the first %u of '%.100s' and '%.100s'; name "
                            "one in 'adjust'"
                          : "by its port 'graph', none of %u sets is enough to adjust for, of '%.100s' and '%.100s'; "
                            "causal-identify may find another formula, for method = \"plug-in\"",
                      (unsigned)c->looked_at, adjust->treatment, adjust->outcome);
  for (uint32_t i = 0; status == ADZE_OK && i < size; i++)
    adjust->names[adjust->count++] = dags->name (c->dag, c->set[i]);
  return status;
}

static adze_status
use_graph (chooser *c, est_adjust *adjust)
{
  const adze_host *host = c->r->host;
  const adze_dag_service *dags = adze_dag_of (host);
  const uint32_t nodes = dags->nodes (c->dag);
  if (nodes > NODES)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "its port 'graph' has %u nodes, and %d is the most", (unsigned)nodes,
                      (int)NODES);
  for (size_t i = 0; i < dags->edges (c->dag); i++) {
    const adze_dag_edge edge = dags->edge (c->dag, i);
    if (edge.mark == ADZE_DAG_EITHER)
      return adze_fail (host, ADZE_E_UNSUPPORTED,
                        "its port 'graph': the direction of '%s --- %s' is not known, and what causes what must be",
                        dags->name (c->dag, edge.from), dags->name (c->dag, edge.to));
  }
  adze_status status = find_node (c, adjust->treatment, &c->x);
  if (status == ADZE_OK)
    status = find_node (c, adjust->outcome, &c->y);
  if (status != ADZE_OK)
    return status;
  c->below = (uint8_t *)host->allocate (host, nodes);
  c->above = (uint8_t *)host->allocate (host, nodes);
  c->set = (uint32_t *)host->allocate (host, ((size_t)nodes + EST_WIDTH) * sizeof *c->set);
  c->candidates = (uint32_t *)host->allocate (host, nodes * sizeof *c->candidates);
  if (!c->below || !c->above || !c->set || !c->candidates)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %u nodes", (unsigned)nodes);
  status = find_below (c);
  if (status == ADZE_OK)
    status = cut_graph (c);
  const bool listed = est_list_size (c->r, "adjust") > 0;
  adjust->why = listed ? "by the graph it is enough" : "by the graph it is the smallest set that is enough";
  if (status != ADZE_OK)
    return status;
  return listed ? check_list (c, adjust) : choose_set (c, adjust);
}

/* ---- The whole. */

static adze_status
by_list (const est_run *r, est_adjust *adjust)
{
  adjust->treatment = adze_param_string (r->host, r->params, "treatment");
  adjust->outcome = adze_param_string (r->host, r->params, "outcome");
  if (!*adjust->treatment || !*adjust->outcome)
    return adze_fail (r->host, ADZE_E_PARAM,
                      "parameter '%s' is empty: an effect is of a treatment on an outcome; name both, or bind a formula "
                      "to its port 'estimand'",
                      *adjust->treatment ? "outcome" : "treatment");
  for (size_t i = 0; i < est_list_size (r, "adjust"); i++) {
    const char *name = est_list_at (r, "adjust", i);
    bool twice = strcmp (name, adjust->treatment) == 0 || strcmp (name, adjust->outcome) == 0;
    for (uint32_t k = 0; k < adjust->count; k++)
      twice = twice || strcmp (name, adjust->names[k]) == 0;
    if (twice || adjust->count == EST_WIDTH)
      return adze_fail (r->host, ADZE_E_PARAM, "parameter 'adjust' has '%.200s', which is there already", name);
    adjust->names[adjust->count++] = name;
  }
  if (strcmp (adjust->treatment, adjust->outcome) == 0)
    return adze_fail (r->host, ADZE_E_PARAM, "the treatment '%.200s' is the outcome, too", adjust->treatment);
  adjust->why = "nobody but who asked says that it is enough";
  return ADZE_OK;
}

adze_status
est_adjust_find (const est_run *r, const est_formula *formula, est_adjust *adjust)
{
  chooser c = { .r = r };
  const void *bytes = NULL;
  size_t size = 0;
  memset (adjust, 0, sizeof *adjust);
  if (formula && !*adze_param_string (r->host, r->params, "treatment"))
    return by_formula (r, formula, adjust);
  adze_status status = by_list (r, adjust);
  if (status == ADZE_OK)
    status = est_read_port (r, "graph", &bytes, &size);
  if (status != ADZE_OK || !bytes)
    return status;
  if (!adze_dag_of (r->host))
    return adze_fail (r->host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_DAG);
  status = adze_dag_of (r->host)->read (r->host, "its port 'graph'", bytes, size, &adjust->dag);
  c.dag = adjust->dag;
  if (status == ADZE_OK)
    status = use_graph (&c, adjust);
  void *blocks[] = { c.below, c.above, c.set, c.candidates };
  for (int i = 0; i < 4; i++)
    if (blocks[i])
      r->host->release (r->host, blocks[i]);
  adze_dag_of (r->host)->close (r->host, c.cut);
  return status;
}

void
est_adjust_close (const est_run *r, est_adjust *adjust)
{
  if (adjust->dag)
    adze_dag_of (r->host)->close (r->host, adjust->dag);
}
