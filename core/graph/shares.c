/* SPDX-License-Identifier: Apache-2.0 */
/* graph/shares.c: asks the backends as compile.c does, and counts. */
#include "graph/shares.h"

#include <string.h>

#include "graph/executable_private.h"

enum { OPERATORS_MOST = 256 }; /* different ones; the rest is only counted */

typedef struct tally {
  const adze_compile_options *options;
  adze_graph_shares *shares;
  const char *names[OPERATORS_MOST];
  size_t times[OPERATORS_MOST];
  size_t count;
} tally;

/* A node of GRAPH, and which body that is; what *TEXT is already stays. */
static adze_error *
note_first (const adze_graph *graph, bool inside, const adze_graph_node *node, char **text)
{
  ADZE_AUTO (adze_buffer) made = { 0 };
  if (*text)
    return NULL;
  adze_graph_node_text (node, &made);
  if (inside)
    adze_buffer_format (&made, " in the body '%s'", graph->name);
  return adze_buffer_finish (&made, text);
}

static adze_error *
note_left (tally *t, const adze_graph *graph, bool inside, const adze_graph_node *node)
{
  size_t i = 0;
  t->shares->delegated++;
  t->shares->inside += inside;
  while (i < t->count && strcmp (t->names[i], node->op) != 0)
    i++;
  if (i < OPERATORS_MOST) {
    t->count += i == t->count;
    t->names[i] = node->op;
    t->times[i]++;
  }
  return note_first (graph, inside, node, &t->shares->left);
}

static adze_error *
claims (adze_backend_at_work *backend, adze_graph *graph, uint32_t **part_of)
{
  *part_of = calloc (graph->node_count + 1, sizeof **part_of);
  if (!*part_of)
    return adze_error_memory ();
  return backend ? adze_backend_claim (backend, graph, *part_of) : NULL;
}

static adze_error *
count (tally *t, adze_graph *graph, bool inside)
{
  ADZE_AUTO_FREE uint32_t *own = NULL;
  ADZE_AUTO_FREE uint32_t *reference = NULL;
  ADZE_TRY (claims (t->options->backend, graph, &own));
  ADZE_TRY (claims (t->options->ref, graph, &reference));
  for (size_t i = 0; i < graph->node_count; i++) {
    const adze_graph_node *node = graph->nodes[i];
    if (!node)
      continue;
    t->shares->nodes++;
    if (adze_node_has_bodies (node))
      t->shares->control++;
    else if (!own[i] && !reference[i])
      ADZE_TRY (note_first (graph, inside, node, &t->shares->lacking));
    else if (!own[i] && t->options->backend)
      ADZE_TRY (note_left (t, graph, inside, node));
  }
  for (size_t i = 0; i < graph->body_count; i++)
    if (!graph->bodies[i]->refuted)
      ADZE_TRY (count (t, graph->bodies[i], true));
  return NULL;
}

static adze_error *
list_operators (const tally *t, char **text)
{
  ADZE_AUTO (adze_buffer) made = { 0 };
  adze_buffer_text (&made, "");
  for (size_t i = 0; i < t->count; i++) {
    adze_buffer_format (&made, "%s%s", i ? ", " : "", t->names[i]);
    if (t->times[i] > 1)
      adze_buffer_format (&made, " (%zu)", t->times[i]);
  }
  return adze_buffer_finish (&made, text);
}

adze_error *
adze_graph_share_out (adze_graph *graph, const adze_compile_options *options,
                      adze_graph_shares *shares)
{
  tally t = { .options = options, .shares = shares };
  *shares = (adze_graph_shares){ 0 };
  adze_error *error = count (&t, graph, false);
  if (!error)
    error = list_operators (&t, &shares->operators);
  if (error)
    adze_graph_shares_cleanup (shares);
  return error;
}

void
adze_graph_shares_cleanup (adze_graph_shares *shares)
{
  free (shares->operators);
  free (shares->left);
  free (shares->lacking);
  *shares = (adze_graph_shares){ 0 };
}
