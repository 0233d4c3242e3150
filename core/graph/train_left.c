/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train_left.c: weights that do not train though nobody has frozen them, and why: a model has more among
 * its weights than what people mean by them. Each is told, since who meant it otherwise could not know. */
#include <string.h>

#include "graph/executable_private.h"
#include "graph/odd.h"
#include "graph/train_private.h"

bool
adze_train_could (const adze_graph_value *value)
{
  bool is_float = value->dtype.code == ADZE_FLOAT || value->dtype.code == ADZE_BFLOAT;
  return value->role == ADZE_ROLE_WEIGHT && !value->fixed && is_float;
}

adze_error *
adze_train_leave (adze_trainer *t, const char *name, const char *why)
{
  adze_train_left *more = realloc (t->left, (t->left_count + 1) * sizeof *more);
  if (!more)
    return adze_error_memory ();
  t->left = more;
  more[t->left_count++] = (adze_train_left){ name, why };
  return NULL;
}

const char *
adze_trainer_left (const adze_trainer *t, size_t index, const char **why)
{
  *why = index < t->left_count ? t->left[index].why : NULL;
  return index < t->left_count ? t->left[index].name : NULL;
}

/* ---- Settings of nodes. */

/* Statistics are no such: they are found anew, which is said elsewhere. */
static void
forget_inputs (const adze_graph *graph, bool *reached, const char **why)
{
  static const struct {
    const char *op;
    size_t first, last;
    const char *why;
  } settings[] = {
    { "BatchNormalization", 3, 4, NULL },
    { "Clip", 1, 2, "a bound of a Clip" },
    { "Dropout", 1, 2, "a setting of a Dropout" },
    { "Pad", 1, 2, "what a Pad puts around" },
    { "Range", 0, 2, "a bound of a Range" },
    { "Resize", 1, 3, "a size of a Resize" },
  };
  for (size_t n = 0; n < graph->node_count; n++) {
    const adze_graph_node *node = graph->nodes[n];
    for (size_t s = 0; node && !node->domain[0] && s < ADZE_COUNT_OF (settings); s++)
      for (size_t i = settings[s].first;
           strcmp (node->op, settings[s].op) == 0 && i <= settings[s].last && i < node->input_count;
           i++)
        if (node->inputs[i] != ADZE_NONE) {
          why[node->inputs[i]] = reached[node->inputs[i]] ? settings[s].why : why[node->inputs[i]];
          reached[node->inputs[i]] = false;
        }
  }
}

/* The square of a layer normalisation that was taken apart is no parameter. One that is needed elsewhere, too, as
 * that of a generalised mean is for the root behind it, is one that somebody has learnt. */
static bool
is_exponent (const adze_graph *graph, const bool *reached, uint32_t number)
{
  const adze_view view = adze_odd_view_of (graph->values[number]);
  size_t powers = 0;
  if (adze_view_count (&view) != 1)
    return false;
  for (size_t n = 0; n < graph->node_count; n++) {
    const adze_graph_node *node = graph->nodes[n];
    bool power = node && !node->domain[0] && strcmp (node->op, "Pow") == 0;
    if (!node || !adze_train_is_reached (node, reached))
      continue;
    for (size_t i = 0; i < node->input_count; i++)
      if (node->inputs[i] == number && !(power && i == 1))
        return false;
    powers += power && node->inputs[1] == number;
  }
  return powers > 0;
}

/* A step from an infinity leads nowhere. One that is not meant is refused before the first step; it trains until
 * then. */
static adze_error *
is_mask (const adze_trainer *t, const bool *reached, uint32_t number, bool *mask)
{
  const adze_graph_node *stranger;
  const adze_view view = adze_odd_view_of (t->graph->values[number]);
  *mask = false;
  if (adze_view_is_finite (&view) || adze_odd_has (&view, false))
    return NULL;
  ADZE_TRY (adze_train_find_stranger (t, reached, t->graph, number, &view, &stranger));
  *mask = !stranger;
  return NULL;
}

adze_error *
adze_train_find_settings (const adze_trainer *t, bool *reached, const char **why)
{
  size_t count = t->graph->value_count;
  for (uint32_t i = 0; i < count; i++) {
    bool mask = false;
    if (!reached[i] || !adze_train_could (t->graph->values[i]))
      continue;
    ADZE_TRY (is_mask (t, reached, i, &mask));
    if (mask)
      why[i] = "it has infinities, as masks have";
    else if (is_exponent (t->graph, reached, i))
      why[i] = "the exponent of a Pow";
  }
  /* Only now, since what is reached says which nodes count. */
  for (uint32_t i = 0; i < count; i++)
    reached[i] = reached[i] && !why[i];
  forget_inputs (t->graph, reached, why);
  return NULL;
}

/* ---- Bodies: their own weights are none of the graph around them. */

static adze_error *
leave_body (adze_trainer *t, const adze_graph *body)
{
  for (uint32_t i = 0; i < body->value_count; i++)
    if (adze_train_could (body->values[i]))
      ADZE_TRY (adze_train_leave (t, body->values[i]->name, "it belongs to the body of a node"));
  for (size_t i = 0; i < body->body_count; i++)
    ADZE_TRY (leave_body (t, body->bodies[i]));
  return NULL;
}

adze_error *
adze_train_leave_bodies (adze_trainer *t)
{
  for (size_t i = 0; i < t->graph->body_count; i++)
    ADZE_TRY (leave_body (t, t->graph->bodies[i]));
  return NULL;
}
