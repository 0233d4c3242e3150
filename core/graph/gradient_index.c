/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_index.c: gradients of values that are picked by numbers, or put where numbers say. */
#include "graph/gradient_words.h"

/* ---- Picked. */

static void
gather_rule (adze_gradient *g)
{
  const uint32_t inputs[] = { g->given[0], in (g, 1), in (g, 0) };
  if (g->wanted[0])
    adze_give_gradient (g, 0, adze_op_with (g, "adze", "GatherGrad", inputs, 3, g->node->attributes,
                                            g->node->attribute_count));
}

static void
gather_grad_rule (adze_gradient *g)
{
  const uint32_t inputs[] = { g->given[0], in (g, 1) };
  if (g->wanted[0])
    adze_give_gradient (g, 0, adze_op_with (g, "", "Gather", inputs, 2, g->node->attributes,
                                            g->node->attribute_count));
}

static void
by_positions (adze_gradient *g)
{
  adze_gradient_by_positions (g, g->node->input_count);
}

/* The greatest go back to where the second output says that they came from. */
static void
top_k_rule (adze_gradient *g)
{
  const int64_t axis = adze_node_int (g->node, "axis", -1);
  const adze_graph_attribute attribute = adze_attribute_int ("axis", &axis);
  if (!g->wanted[0] || g->given[0] == ADZE_NONE)
    return;
  if (g->node->outputs[1] == ADZE_NONE) {
    adze_gradient_refuse (g, "its second output, which says what was picked, is left out");
    return;
  }
  const uint32_t inputs[] = { adze_op_zeros (g, in (g, 0)), g->node->outputs[1], g->given[0] };
  adze_give_gradient (g, 0, adze_op_with (g, "", "ScatterElements", inputs, 3, &attribute, 1));
}

/* ---- Put. */

/* Added: both get what is given. Written over: what was there gets nothing, and where several were put
 * at one place, each gets what is given there, for nobody knows which of them it is. */
static void
put_back (adze_gradient *g, const char *gather, const adze_graph_attribute *axis)
{
  const char *reduction = adze_node_text (g->node, "reduction", "none");
  const uint32_t picked[] = { g->given[0], in (g, 1) };
  if (g->wanted[2])
    adze_give_gradient (g, 2, adze_op_with (g, "", gather, picked, 2, axis, axis ? 1 : 0));
  if (!g->wanted[0])
    return;
  if (strcmp (reduction, "add") == 0) {
    adze_give_gradient (g, 0, g->given[0]);
    return;
  }
  const uint32_t inputs[] = { g->given[0], in (g, 1), adze_op_zeros (g, in (g, 2)) };
  adze_give_gradient (g, 0, adze_op_with (g, "", g->node->op, inputs, 3, axis, axis ? 1 : 0));
}

static void
scatter_rule (adze_gradient *g)
{
  const char *reduction = adze_node_text (g->node, "reduction", "none");
  const bool by_axis = strcmp (g->node->op, "ScatterElements") == 0;
  const int64_t axis = adze_node_int (g->node, "axis", 0);
  const adze_graph_attribute attribute = adze_attribute_int ("axis", &axis);
  if (strcmp (reduction, "none") != 0 && strcmp (reduction, "add") != 0)
    adze_gradient_refuse (g, "only reduction = \"none\" and \"add\" have a gradient here");
  else
    put_back (g, by_axis ? "GatherElements" : "GatherND", by_axis ? &attribute : NULL);
}

/* Of the two numbers that it is made of: the second gets all that is given where it stands, the first
 * the rest. */
static void
one_hot_rule (adze_gradient *g)
{
  const int64_t keep = 0, place = 0;
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  const adze_graph_attribute axis = adze_attribute_int ("axis", &place);
  const uint32_t zero = adze_op_int (g, 0), one = adze_op_int (g, 1);
  if (!g->wanted[2] || g->error)
    return;
  const uint32_t row[] = { adze_op (g, "Unsqueeze", zero, adze_op_ints (g, &place, 1), ADZE_END),
                           adze_op (g, "Unsqueeze", one, adze_op_ints (g, &place, 1), ADZE_END) };
  const uint32_t coded[] = { in (g, 0), in (g, 1), adze_op_with (g, "", "Concat", row, 2, &axis, 1) };
  uint32_t hot = adze_op (g, "CastLike", adze_op_with (g, "", "OneHot", coded, 3, g->node->attributes,
                                                       g->node->attribute_count),
                          g->given[0], ADZE_END);
  uint32_t there = mul (g, g->given[0], hot);
  uint32_t on = adze_op_with (g, "", "ReduceSum", &there, 1, &attribute, 1);
  uint32_t all = adze_op_with (g, "", "ReduceSum", &g->given[0], 1, &attribute, 1);
  const uint32_t pair[] = {
    adze_op (g, "Unsqueeze", sub (g, all, on), adze_op_ints (g, &place, 1), ADZE_END),
    adze_op (g, "Unsqueeze", on, adze_op_ints (g, &place, 1), ADZE_END)
  };
  adze_give_gradient (g, 2, adze_op_with (g, "", "Concat", pair, 2, &axis, 1));
}

const adze_gradient_rule adze_gradients_index[] = {
  { "", "Gather", gather_rule },
  { "adze", "GatherGrad", gather_grad_rule },
  { "", "GatherElements", by_positions },
  { "", "GatherND", by_positions },
  { "", "Compress", by_positions },
  { "", "TopK", top_k_rule },
  { "", "ScatterElements", scatter_rule },
  { "", "ScatterND", scatter_rule },
  { "", "OneHot", one_hot_rule },
  { NULL, NULL, NULL },
};
