/* SPDX-License-Identifier: Apache-2.0 */
/* eliminate.c: exact inference by variable elimination. What is set loses its arrows from above; what is no ancestor
 * of anything asked or seen says nothing, and is left out. */
#include "network.h"

/* Variables of a factor, and its numbers, at most. */
enum { WIDTH = 64, CELLS = 1 << 24 };

typedef struct factor {
  uint32_t variables[WIDTH];
  uint32_t count;
  double *cells; /* the last variable changes first */
  bool used;     /* multiplied into another one */
} factor;

typedef struct work {
  const net *network;
  const net_question *question;
  const adze_run_service *run;
  adze_context *context;
  factor *factors;
  uint32_t count;
  uint8_t *needed;
  uint8_t *asked;
  double *costs;   /* of eliminating a node next */
  uint32_t *parts; /* factors that are being multiplied */
  uint32_t part_count;
} work;

/* The state of a node that is settled; NET_FREE: it is not. */
static uint32_t
settled (const work *w, uint32_t node)
{
  return w->question->set[node] != NET_FREE ? w->question->set[node] : w->question->seen[node];
}

static uint32_t
states (const work *w, uint32_t node)
{
  return w->network->nodes[node].state_count;
}

/* ---- What is needed. */

static void
find_needed (work *w)
{
  const net *n = w->network;
  for (uint32_t i = 0; i < n->count; i++)
    w->needed[i] = w->question->seen[i] != NET_FREE || w->asked[i];
  for (uint32_t at = n->count; at-- > 0;) {
    const net_node *node = &n->nodes[n->order[at]];
    if (!w->needed[n->order[at]] || w->question->set[n->order[at]] != NET_FREE)
      continue;
    for (uint32_t k = 0; k < node->parent_count; k++)
      w->needed[node->parents[k]] = 1;
  }
}

/* ---- Factors. */

static bool
has (const factor *f, uint32_t variable)
{
  for (uint32_t i = 0; i < f->count; i++)
    if (f->variables[i] == variable)
      return true;
  return false;
}

static adze_status
add_variable (const work *w, factor *f, uint32_t variable)
{
  if (has (f, variable))
    return ADZE_OK;
  if (f->count == WIDTH)
    return adze_fail (w->network->host, ADZE_E_UNSUPPORTED,
                      "the network hangs together too much for exact inference: a table of more than %d variables "
                      "would be needed",
                      (int)WIDTH);
  f->variables[f->count++] = variable;
  return ADZE_OK;
}

static adze_status
room_for_cells (const work *w, factor *f, size_t *count)
{
  const adze_host *host = w->network->host;
  double cells = 1;
  for (uint32_t i = 0; i < f->count; i++)
    cells *= states (w, f->variables[i]);
  if (cells > CELLS)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "the network hangs together too much for exact inference: a table of %.3g numbers would be "
                      "needed, and %d is the most",
                      cells, (int)CELLS);
  *count = (size_t)cells;
  f->cells = (double *)host->allocate (host, *count * sizeof *f->cells);
  return f->cells ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room for a table of %zu numbers", *count);
}

/* The values of F's variables at a cell of it; VALUES: by node. */
static void
unpack (const work *w, const factor *f, size_t cell, uint32_t *values)
{
  for (uint32_t i = f->count; i-- > 0;) {
    values[f->variables[i]] = (uint32_t)(cell % states (w, f->variables[i]));
    cell /= states (w, f->variables[i]);
  }
}

static double
look_up (const work *w, const factor *f, const uint32_t *values)
{
  size_t cell = 0;
  for (uint32_t i = 0; i < f->count; i++)
    cell = cell * states (w, f->variables[i]) + values[f->variables[i]];
  return f->cells[cell];
}

/* The table of a node, of what is not settled in it. */
static adze_status
factor_of (work *w, uint32_t index, uint32_t *values)
{
  const net_node *node = &w->network->nodes[index];
  factor *f = &w->factors[w->count];
  size_t cells = 0;
  adze_status status = ADZE_OK;
  for (uint32_t k = 0; k <= node->parent_count && status == ADZE_OK; k++) {
    const uint32_t v = k < node->parent_count ? node->parents[k] : index;
    values[v] = settled (w, v);
    if (values[v] == NET_FREE)
      status = add_variable (w, f, v);
  }
  if (status == ADZE_OK)
    status = room_for_cells (w, f, &cells);
  w->count++;
  for (size_t cell = 0; status == ADZE_OK && cell < cells; cell++) {
    size_t row = 0;
    unpack (w, f, cell, values);
    for (uint32_t k = 0; k < node->parent_count; k++)
      row = row * states (w, node->parents[k]) + values[node->parents[k]];
    f->cells[cell] = node->table[row * node->state_count + values[index]];
  }
  return status;
}

/* ---- Elimination. */

/* What the product of all factors with VARIABLE would have; with itself. */
static double
cost_of (const work *w, uint32_t variable)
{
  factor all = { .count = 0 };
  double cells = 1;
  for (uint32_t i = 0; i < w->count; i++) {
    const factor *f = &w->factors[i];
    if (f->used || !has (f, variable))
      continue;
    for (uint32_t k = 0; k < f->count; k++) {
      if (has (&all, f->variables[k]))
        continue;
      cells *= states (w, f->variables[k]);
      if (all.count < WIDTH)
        all.variables[all.count++] = f->variables[k];
    }
  }
  return cells;
}

/* Factors with this variable that are left, or all that are left (NET_FREE). */
static void
find_parts (work *w, uint32_t variable)
{
  w->part_count = 0;
  for (uint32_t i = 0; i < w->count; i++)
    if (!w->factors[i].used && (variable == NET_FREE || has (&w->factors[i], variable)))
      w->parts[w->part_count++] = i;
}

static void
fill_product (const work *w, const factor *into, size_t cells, uint32_t variable, uint32_t *values)
{
  const uint32_t times = variable == NET_FREE ? 1 : states (w, variable);
  for (size_t cell = 0; cell < cells; cell++) {
    unpack (w, into, cell, values);
    for (uint32_t s = 0; s < times; s++) {
      double product = 1;
      if (variable != NET_FREE)
        values[variable] = s;
      for (uint32_t i = 0; i < w->part_count; i++)
        product *= look_up (w, &w->factors[w->parts[i]], values);
      into->cells[cell] += product;
    }
  }
}

/* Multiplies all factors that have VARIABLE, and sums it up. The product's variables begin with what it has. */
static adze_status
multiply (work *w, uint32_t variable, uint32_t *values)
{
  factor *into = &w->factors[w->count];
  size_t cells = 0;
  adze_status status = ADZE_OK;
  find_parts (w, variable);
  for (uint32_t i = 0; i < w->part_count; i++) {
    const factor *f = &w->factors[w->parts[i]];
    for (uint32_t k = 0; status == ADZE_OK && k < f->count; k++)
      if (f->variables[k] != variable)
        status = add_variable (w, into, f->variables[k]);
  }
  if (status == ADZE_OK)
    status = room_for_cells (w, into, &cells);
  if (status != ADZE_OK)
    return status;
  fill_product (w, into, cells, variable, values);
  for (uint32_t i = 0; i < w->part_count; i++) {
    factor *f = &w->factors[w->parts[i]];
    f->used = true;
    w->network->host->release (w->network->host, f->cells);
    f->cells = NULL;
  }
  w->count++;
  return ADZE_OK;
}

static bool
is_left (const work *w, uint32_t v)
{
  return w->needed[v] && !w->asked[v] && settled (w, v) == NET_FREE;
}

/* The one whose product is smallest comes first; ties go by number. NET_FREE: none is left. */
static uint32_t
cheapest (const work *w)
{
  uint32_t best = NET_FREE;
  for (uint32_t v = 0; v < w->network->count; v++)
    if (is_left (w, v) && (best == NET_FREE || w->costs[v] < w->costs[best]))
      best = v;
  return best;
}

/* Whoever shares the new factor has another cost than before. */
static adze_status
eliminate_one (work *w, uint32_t v, uint32_t *values)
{
  adze_status status = multiply (w, v, values);
  w->needed[v] = 0;
  if (status != ADZE_OK)
    return status;
  const factor *made = &w->factors[w->count - 1];
  for (uint32_t k = 0; k < made->count; k++)
    w->costs[made->variables[k]] = cost_of (w, made->variables[k]);
  return ADZE_OK;
}

static adze_status
eliminate (work *w, uint32_t *values)
{
  const net *n = w->network;
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < n->count; i++)
    if (w->needed[i] && w->question->set[i] == NET_FREE)
      status = factor_of (w, i, values);
  for (uint32_t v = 0; status == ADZE_OK && v < n->count; v++)
    w->costs[v] = is_left (w, v) ? cost_of (w, v) : 0;
  for (uint32_t v = 0; status == ADZE_OK && (v = cheapest (w)) != NET_FREE;) {
    if (!w->run->progress (n->host, w->context, w->count, 2 * (uint64_t)n->count))
      return ADZE_E_CANCELLED;
    status = eliminate_one (w, v, values);
  }
  for (uint32_t i = 0; status == ADZE_OK && i < w->question->asked_count; i++)
    status = add_variable (w, &w->factors[w->count], w->question->asked[i]);
  return status == ADZE_OK ? multiply (w, NET_FREE, values) : status;
}

static adze_status
normalise (const work *w, double **cells, size_t *count, double *evidence)
{
  factor *last = &w->factors[w->count - 1];
  *count = 1;
  for (uint32_t i = 0; i < last->count; i++)
    *count *= states (w, last->variables[i]);
  *evidence = 0;
  for (size_t i = 0; i < *count; i++)
    *evidence += last->cells[i];
  if (!(*evidence > 0))
    return adze_fail (w->network->host, ADZE_E_UNSUPPORTED,
                      "what is seen never happens in the network: it has the probability 0");
  for (size_t i = 0; i < *count; i++)
    last->cells[i] /= *evidence;
  *cells = last->cells;
  last->cells = NULL;
  return ADZE_OK;
}

adze_status
net_infer (const net *network, const net_question *question, const adze_run_service *run, adze_context *context,
           double **cells, size_t *count, double *evidence)
{
  const adze_host *host = network->host;
  const size_t nodes = network->count;
  work w = { .network = network, .question = question, .run = run, .context = context };
  w.factors = (factor *)host->allocate (host, (2 * nodes + 2) * sizeof *w.factors);
  w.needed = (uint8_t *)host->allocate (host, nodes);
  w.asked = (uint8_t *)host->allocate (host, nodes);
  w.costs = (double *)host->allocate (host, nodes * sizeof *w.costs);
  w.parts = (uint32_t *)host->allocate (host, (2 * nodes + 2) * sizeof *w.parts);
  uint32_t *values = (uint32_t *)host->allocate (host, nodes * sizeof *values);
  adze_status status = w.factors && w.needed && w.asked && w.costs && w.parts && values
                           ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room for %zu nodes", nodes);
  if (status == ADZE_OK) {
    for (uint32_t i = 0; i < question->asked_count; i++)
      w.asked[question->asked[i]] = 1;
    find_needed (&w);
    status = eliminate (&w, values);
  }
  if (status == ADZE_OK)
    status = normalise (&w, cells, count, evidence);
  for (uint32_t i = 0; w.factors && i < 2 * nodes + 2; i++)
    if (w.factors[i].cells)
      host->release (host, w.factors[i].cells);
  void *blocks[] = { w.factors, w.needed, w.asked, w.costs, w.parts, values };
  for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
    if (blocks[i])
      host->release (host, blocks[i]);
  return status;
}
